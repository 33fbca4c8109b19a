"""What nobody else would end: rooms of stages that died, and rooms that their stage forgot.

A stage holds a lock that the system drops when it dies, as workers do (:mod:`avatarium.tasks.liveness`). One that is
found free twice in a row is struck off the roll, and what it rendered ends: time counts up to when it last said that
it lived, the rest of the coins goes back. Any number of guards may look at once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
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
from avatarium.tasks.liveness import Locks, find_free, open_locks

STAGE_LOCKS = "stages"
"""Folder, in the data folder, of the locks that stages hold where the database is SQLite."""
LOOK_S = 1.0
QUIET_S = 2.5
"""A stage that wrote within this time lives; to try its lock as well would cost a connection each time."""
STALE_S = 60
"""A stage that holds its lock and has not written for this long hangs; its viewers see a picture that stands."""
SLACK_S = 15
"""How late a stage may be with ending a room before the guard does it."""
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
        self._suspects: set[str] = set()
        self._forgot_ms = 0

    def look(self) -> int:
        """Go round once, and tell how many rooms were ended.

        Raises:
            UnavailableError: the database does not answer.
        """
        self._strike_dead()
        with self._database.read() as c:
            found = [(room, EndReason.STAGE_LOST, room.seen_ms) for room in repository.orphans(c)]
            known = {room.id for room, _, _ in found}
            others = [room for room in repository.open_rooms(c) if room.id not in known]
        now_ms = self._clock.now_ms()
        late = [(room, reason, until_ms) for room in others for reason, until_ms in self._overdue(room, now_ms)]
        for room, reason, until_ms in (*found, *late):
            log.warning("room_ended_by_guard", room=room.id, stage=room.stage_id, reason=reason.value)
            self._end(room, reason, until_ms)
        if now_ms - self._forgot_ms > HOUR_MS:
            self._forgot_ms = now_ms
            self._rooms.forget_old()
        return len(found) + len(late)

    def _strike_dead(self) -> None:
        now_ms = self._clock.now_ms()
        silent = {stage.id: now_ms - stage.seen_ms for stage in self._rooms.stages()}
        free = find_free(self._locks, [stage_id for stage_id, ms in silent.items() if ms > QUIET_S * SECOND_MS])
        # Twice in a row: a database that was away has dropped everybody's locks, and who lives takes its own again.
        dead = free & self._suspects
        self._suspects = free - dead
        hung = {stage_id for stage_id, ms in silent.items() if ms > STALE_S * SECOND_MS}
        for stage_id in dead | hung:
            log.warning("stage_lost", stage=stage_id, hangs=stage_id not in dead)
            self._rooms.strike_stage(stage_id)

    def _overdue(self, room: Room, now_ms: int) -> Iterator[tuple[EndReason, int]]:
        """Why a room should have ended long ago, and up to when it counts; nothing if it should not."""
        before_ms = now_ms - SLACK_S * SECOND_MS
        if room.expires_ms < before_ms:
            yield EndReason.EXPIRED, room.expires_ms
        elif room.joined_ms is None and room.created_ms + self._settings.live_join_s * SECOND_MS < before_ms:
            yield EndReason.NEVER_JOINED, now_ms
        elif room.lost_ms is not None and room.lost_ms + self._settings.live_grace_s * SECOND_MS < before_ms:
            yield EndReason.VIEWER_LOST, room.lost_ms

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
