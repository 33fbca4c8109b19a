"""A stage's place on the roll of stages: its lock, its row, and which of its rooms are still its own."""

from __future__ import annotations

import asyncio
import socket

import structlog
from sqlalchemy.exc import DBAPIError

from avatarium.clock import Clock
from avatarium.errors import UnavailableError
from avatarium.streaming.models import EndReason, StageRecord
from avatarium.streaming.rooms import Rooms
from avatarium.streaming.stage.pools import Pools, run_in
from avatarium.streaming.stage.stage import Stage
from avatarium.tasks.liveness import Locks

BEAT_S = 2.0
LOST_MAX = 2
"""Times in a row that the stage's own lock may be somebody else's."""
log = structlog.get_logger()


class Roll:
    """The database's side of a stage. Methods but :meth:`keep` are synchronous, for a thread."""

    def __init__(self, rooms: Rooms, locks: Locks, stage: Stage, *, address: str, clock: Clock) -> None:
        self._rooms = rooms
        self._locks = locks
        self._stage = stage
        self._address = address
        self._clock = clock
        self._started_ms = clock.now_ms()
        self._lost = 0

    def enter(self) -> None:
        """Take the lock, then tell that the stage is there.

        Raises:
            UnavailableError: ``stage_taken``, or the database is away.
        """
        if not self._locks.take(self._stage.stage_id):
            raise UnavailableError("This stage's lock is taken.", code="stage_taken")
        self._register()

    async def keep(self, pools: Pools) -> None:
        """Until cancelled: say every two seconds how the stage is. Returns where it was taken for dead for good."""
        while True:
            await asyncio.sleep(BEAT_S)
            self._stage.measure()
            rooms = [room.spec.room_id for room in self._stage.rooms if not room.ended]
            try:
                held, over = await run_in(pools.roll, lambda known=rooms: self._beat(known))  # type: ignore[misc]
            except (UnavailableError, DBAPIError) as problem:
                log.warning("stage_waits", reason=str(problem)[:200])
                continue
            if not held:
                return
            self._stage.drop(over)

    def note_draining(self) -> None:
        """It takes no more rooms. A database that is away need not know."""
        try:
            self._note()
        except (UnavailableError, DBAPIError) as problem:
            log.warning("stage_leaves_unseen", reason=str(problem)[:200])

    def leave(self) -> None:
        """Off the roll, then give the lock back."""
        try:
            self._rooms.strike_stage(self._stage.stage_id, EndReason.STAGE_STOPPED)
        except (UnavailableError, DBAPIError) as problem:
            log.warning("stage_leaves_unseen", reason=str(problem)[:200])
        self._locks.close()

    def _beat(self, room_ids: list[str]) -> tuple[bool, frozenset[str]]:
        """Whether the stage still counts as alive, and the rooms that are not its own any more."""
        if not self._holds_its_lock():
            return self._lost < LOST_MAX, frozenset()
        over = self._rooms.note_seen(self._stage.stage_id, room_ids) if room_ids else frozenset()
        if not self._note():
            log.error("stage_struck_off", stage=self._stage.stage_id)
            self._register()
            over = frozenset(room_ids)  # they ended when it was struck off
        return True, over

    def _note(self) -> bool:
        stage = self._stage
        return self._rooms.note_stage(
            stage.stage_id,
            rooms=len(stage.rooms),
            load=stage.load,
            late=stage.late,
            draining=stage.draining,
            places=stage.capacity.places,
            capacity=stage.capacity.as_json(),
        )

    def _holds_its_lock(self) -> bool:
        stage_id = self._stage.stage_id
        if self._locks.still_held(stage_id) or self._locks.take(stage_id):
            self._lost = 0
            return True
        self._lost += 1
        log.error("stage_lock_lost", stage=stage_id, times=self._lost)
        return False

    def _register(self) -> None:
        stage, now_ms = self._stage, self._clock.now_ms()
        self._rooms.register_stage(
            StageRecord(
                id=stage.stage_id,
                host=socket.gethostname(),
                address=self._address,
                places=stage.capacity.places,
                capacity=stage.capacity.as_json(),
                rooms=len(stage.rooms),
                load=stage.load,
                late=stage.late,
                draining=stage.draining,
                started_ms=self._started_ms,
                seen_ms=now_ms,
            )
        )
