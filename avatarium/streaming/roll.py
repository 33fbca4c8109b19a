"""The roll of stages: who renders rooms, where, and how much of a place there is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from avatarium.clock import Clock
from avatarium.database import Database
from avatarium.streaming import ending, repository
from avatarium.streaming.models import EndReason, Room, StageRecord
from avatarium.streaming.sightings import Sightings

GONE_S = 10
"""A stage that has not written for this long gets no new rooms."""


class StageRoll:
    """All stages of an installation. Threads may share it; every call is one transaction."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._sightings = Sightings(clock)

    def register_stage(self, stage: StageRecord) -> None:
        """Put a stage on the roll. It holds the lock of its id before, see :mod:`.guard`."""
        with self._database.write() as c:
            repository.register_stage(c, stage)

    def note_stage(
        self,
        stage_id: str,
        *,
        rooms: int,
        load: float,
        late: float,
        draining: bool = False,
        places: float | None = None,
        capacity: Mapping[str, Any] | None = None,
    ) -> bool:
        """A stage says how it is. False: it was taken for dead and its rooms have ended; it has to register anew."""
        values: dict[str, Any] = {"rooms": rooms, "load": load, "late": late, "draining": draining}
        values |= {} if places is None else {"places": places}
        values |= {} if capacity is None else {"capacity": dict(capacity)}
        with self._database.write() as c:
            return repository.change_stage(c, stage_id, **values, seen_ms=self._clock.now_ms())

    def strike_stage(self, stage_id: str, reason: EndReason = EndReason.STAGE_LOST) -> list[Room]:
        """Take a stage off the roll: it leaves, or it is dead. What it still renders ends with it, and is answered."""
        with self._database.write() as c:
            return ending.strike(c, stage_id, reason, now_ms=self._clock.now_ms())

    def stages(self) -> list[StageRecord]:
        """All on the roll, those that are dead and not yet struck off among them."""
        with self._database.read() as c:
            return repository.all_stages(c)

    def living(self, found: Sequence[StageRecord] | None = None) -> list[StageRecord]:
        """Those of all on the roll that have written lately, by this process' own clock."""
        known = self.stages() if found is None else found
        silent_s = self._sightings.silent_s(known)
        return [stage for stage in known if silent_s[stage.id] < GONE_S]

    def standing(self) -> tuple[int, int]:
        """How many stages live, and how many rooms are open."""
        with self._database.read() as c:
            found, open_rooms = repository.all_stages(c), sum(repository.count_by_state(c).values())
        return len(self.living(found)), open_rooms

    def stage(self, stage_id: str) -> StageRecord | None:
        """One stage; None where it is off the roll."""
        return next((stage for stage in self.stages() if stage.id == stage_id), None)
