"""Who has fallen silent, by this process' own clock: those of other machines need not agree with it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Protocol

from avatarium.clock import SECOND_MS, Clock


class Row(Protocol):
    """Of a stage or a room."""

    @property
    def id(self) -> str: ...

    @property
    def seen_ms(self) -> int:
        """When it was last said that it lives."""
        ...


class Sightings:
    """When the rows of stages or rooms were seen to change. Threads may share it.

    Args:
        clock: of this process.
        anew: whether a row that is met for the first time counts as just seen; else its own instant is believed,
            until it is seen to change.
    """

    def __init__(self, clock: Clock, *, anew: bool = False) -> None:
        self._clock = clock
        self._anew = anew
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[int, float]] = {}

    def silent_s(self, rows: Sequence[Row]) -> dict[str, float]:
        """For how long each of these, which are all that there are, has stood still."""
        now_s, now_ms = self._clock.monotonic_s(), self._clock.now_ms()
        with self._lock:
            known, self._seen = self._seen, {}
            for row in rows:
                seen_ms, changed_s = known.get(row.id, (-1, 0.0))
                if row.id not in known:
                    changed_s = now_s - (0.0 if self._anew else max(0, now_ms - row.seen_ms) / SECOND_MS)
                elif seen_ms != row.seen_ms:
                    changed_s = now_s
                self._seen[row.id] = (row.seen_ms, changed_s)
            return {row_id: now_s - changed_s for row_id, (_, changed_s) in self._seen.items()}

    def forget(self) -> None:
        """Begin anew: nobody could have written."""
        with self._lock:
            self._seen.clear()
