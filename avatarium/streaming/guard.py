"""What nobody else would end: rooms of stages that died, and rooms that their stage forgot.

A stage holds a lock that the system drops when it dies, as workers do (:mod:`avatarium.tasks.liveness`). One that is
found free twice in a row is struck off the roll, and what it rendered ends in the same transaction: time counts up to
when it last said that it lived, the rest of the coins goes back. One that holds its lock but has not written for a
minute is struck off as well. A room of which its stage, which lives, has said nothing for a minute is ended up to when
it last did: the stage has forgotten it, for whatever reason. How long they have been silent a guard measures on its own
clock, from when it saw the row change last: clocks of machines may differ and jump. Any number of guards may look at
once.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog
from sqlalchemy.exc import DBAPIError

from avatarium.clock import HOUR_MS, SECOND_MS, Clock
from avatarium.database import Database
from avatarium.errors import AvatariumError, NotFoundError
from avatarium.settings import Settings
from avatarium.streaming import repository
from avatarium.streaming.models import EndReason, Room
from avatarium.streaming.rooms import Rooms
from avatarium.streaming.sightings import Sightings
from avatarium.tasks.liveness import Locks, find_free, open_locks

STAGE_LOCKS = "stages"
"""Folder, in the data folder, of the locks that stages hold where the database is SQLite."""
LOOK_S = 1.0
QUIET_S = 2.5
"""A stage that wrote within this time lives; to try its lock as well would cost a connection each time."""
STALE_S = 60
"""A stage that holds its lock and has not written for this long hangs; its viewers see a picture that stands. A room of
which a stage that lives has not written for this long is forgotten."""
AWAY_S = 5.0
"""A guard that could not look for this long, because the machine slept or the database was away, counts anew."""
SLACK_S = 15
"""How late a stage may be with what it writes of a room, where the database was there, before the guard ends it."""
END_S = 5.0
log = structlog.get_logger()


class Guard:
    """One pair of eyes."""

    def __init__(self, database: Database, rooms: Rooms, locks: Locks, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._rooms = rooms
        self._locks = locks
        self._clock = clock
        self._settings = settings
        self._sightings, self._seen = Sightings(clock, anew=True), Sightings(clock, anew=True)
        """Of stages and of rooms."""
        self._away_s = -math.inf
        """When the database was last found away."""
        self._looked_s = clock.monotonic_s()
        self._suspects: set[str] = set()
        self._forgot_ms = 0

    def look(self) -> int:
        """Go round once, and tell how many rooms were ended.

        Raises:
            UnavailableError: the database does not answer.
        """
        try:
            return self._look()
        except (AvatariumError, DBAPIError):
            self._away_s = self._clock.monotonic_s()
            self._forget()  # stages could not write either
            raise

    def _look(self) -> int:
        struck = self._strike_dead()
        with self._database.read() as c:
            found = [(room, EndReason.STAGE_LOST, room.seen_ms) for room in repository.orphans(c)]
            known = {room.id for room, _, _ in found}
            others = [room for room in repository.open_rooms(c) if room.id not in known]
        now_ms = self._clock.now_ms()
        late = list(self._late(others, now_ms))
        for room, reason, until_ms in (*found, *late):
            log.warning("room_ended_by_guard", room=room.id, stage=room.stage_id, reason=reason.value)
            self._end(room, reason, until_ms)
        if now_ms - self._forgot_ms > HOUR_MS:
            self._forgot_ms = now_ms
            self._rooms.forget_old()
        return struck + len(found) + len(late)

    def _strike_dead(self) -> int:
        """Strike off the stages that are dead, their rooms with them, and tell how many these were."""
        silent_s = self._silent_s()
        free = find_free(self._locks, [stage_id for stage_id, quiet_s in silent_s.items() if quiet_s > QUIET_S])
        # Twice in a row: a database that was away has dropped everybody's locks, and who lives takes its own again.
        dead = free & self._suspects
        self._suspects = free - dead
        hung = {stage_id for stage_id, quiet_s in silent_s.items() if quiet_s > STALE_S}
        struck = 0
        for stage_id in dead | hung:
            ended = self._rooms.strike_stage(stage_id)
            log.warning("stage_lost", stage=stage_id, hangs=stage_id not in dead, rooms=[room.id for room in ended])
            struck += len(ended)
        return struck

    def _silent_s(self) -> dict[str, float]:
        """For how long each stage has not written although it could, as far as this guard has watched."""
        stages, now_s = self._rooms.stages(), self._clock.monotonic_s()
        if now_s - self._looked_s > AWAY_S:
            self._forget()
        self._looked_s = now_s
        return self._sightings.silent_s(stages)

    def _forget(self) -> None:
        self._sightings.forget()
        self._seen.forget()

    def _late(self, rooms: Sequence[Room], now_ms: int) -> Iterator[tuple[Room, EndReason, int]]:
        """Which of the rooms of stages that live should have ended long ago, why, and up to when they count."""
        silent_s = self._seen.silent_s(rooms)
        if self._clock.monotonic_s() - self._away_s < SLACK_S:
            return  # what stages could not write they are writing now
        for room in rooms:
            found = self._overdue(room, now_ms)
            if found is None and silent_s[room.id] > STALE_S:
                found = EndReason.STAGE_LOST, room.seen_ms
            if found is not None:
                yield room, *found

    def _overdue(self, room: Room, now_ms: int) -> tuple[EndReason, int] | None:
        """Why a room should have ended by its dates, and up to when it counts."""
        before_ms = now_ms - SLACK_S * SECOND_MS
        if room.expires_ms < before_ms:
            return EndReason.EXPIRED, min(room.expires_ms, room.seen_ms)
        if room.joined_ms is None and room.created_ms + self._settings.live_join_s * SECOND_MS < before_ms:
            return EndReason.NEVER_JOINED, now_ms
        if room.lost_ms is not None and room.lost_ms + self._settings.live_grace_s * SECOND_MS < before_ms:
            return EndReason.VIEWER_LOST, room.lost_ms
        return None

    def _end(self, room: Room, reason: EndReason, until_ms: int) -> None:
        try:
            self._rooms.end(room.id, reason, until_ms=until_ms, stage_id=room.stage_id)
        except NotFoundError:
            return  # somebody else ended it, and its report is gone by now


@contextmanager
def guarding(database: Database, rooms: Rooms, clock: Clock, settings: Settings) -> Iterator[None]:
    """Look round in a thread of its own until the end."""
    locks = open_locks(database, settings.home / STAGE_LOCKS)
    guard = Guard(database, rooms, locks, clock, settings)
    over = threading.Event()
    thread = threading.Thread(target=_watch, args=(guard, over), name="room-guard", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=END_S)
        locks.close()


def _watch(guard: Guard, over: threading.Event) -> None:
    while not over.wait(LOOK_S):
        try:
            guard.look()
        except (AvatariumError, DBAPIError) as problem:
            log.warning("guard_waits", reason=str(problem)[:200])
        except Exception:  # the outer edge of the thread
            log.exception("guard_failed")
