"""Who writes and who has fallen silent, by this process' own clock: those of other machines need not agree with it."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from avatarium.clock import SECOND_MS, Clock
from avatarium.streaming.models import StageRecord


class Sightings:
    """When the rows of stages were seen to change. Threads may share it.

    Args:
        clock: of this process.
        anew: whether a stage that is met for the first time counts as just seen; else its own instant is believed,
            until it is seen to write.
    """

    def __init__(self, clock: Clock, *, anew: bool = False) -> None:
        self._clock = clock
        self._anew = anew
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[int, float]] = {}

    def silent_s(self, stages: Sequence[StageRecord]) -> dict[str, float]:
        """For how long each of these, which are all on the roll, has not written."""
        now_s, now_ms = self._clock.monotonic_s(), self._clock.now_ms()
        with self._lock:
            known, self._seen = self._seen, {}
            for stage in stages:
                written_ms, changed_s = known.get(stage.id, (-1, 0.0))
                if stage.id not in known:
                    changed_s = now_s - (0.0 if self._anew else max(0, now_ms - stage.seen_ms) / SECOND_MS)
                elif written_ms != stage.seen_ms:
                    changed_s = now_s
                self._seen[stage.id] = (stage.seen_ms, changed_s)
            return {stage_id: now_s - changed_s for stage_id, (_, changed_s) in self._seen.items()}

    def forget(self) -> None:
        """Begin anew: nobody could have written."""
        with self._lock:
            self._seen.clear()
