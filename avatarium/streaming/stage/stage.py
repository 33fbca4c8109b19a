"""All rooms of a stage: opened while there is room, looked after, ended; and what the stage tells about itself."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from functools import partial
from typing import Any

import structlog

from avatarium.errors import AvatariumError, NotFoundError, UnavailableError
from avatarium.streaming.models import EndReason
from avatarium.streaming.placement import LATE, places_for
from avatarium.streaming.stage.audience import START_BITRATE
from avatarium.streaming.stage.capacity import Capacity
from avatarium.streaming.stage.kit import Kit
from avatarium.streaming.stage.pools import run_in
from avatarium.streaming.stage.room import StageRoom
from avatarium.streaming.stage.show import Show
from avatarium.streaming.wire import RoomSpec

LOOK_S = 0.2
ADAPT_S = 1.0
STOP_S = 4.0
"""For all rooms together, of the eight seconds that the supervisor has for everybody."""
SLACK = 0.01
log = structlog.get_logger()


class Stage:
    """The rooms of one process. Used on the event loop."""

    def __init__(self, kit: Kit, capacity: Capacity) -> None:
        self._kit = kit
        self.capacity = capacity
        self.draining = False
        self.load = 0.0
        """Share of a core that drawing took lately."""
        self._rooms: dict[str, StageRoom] = {}
        self._ending: set[str] = set()
        self._measured = (time.monotonic(), 0.0)
        self._gone_cpu_s = 0.0

    # Rooms

    def open(self, spec: RoomSpec) -> StageRoom:
        """Open a room; one that is open stays as it is.

        Raises:
            UnavailableError: ``stage_full``, ``stage_stopping``.
        """
        known = self._rooms.get(spec.room_id)
        if known is not None:
            known.check_open()
            return known
        self._check_room(spec)
        room = self._rooms[spec.room_id] = StageRoom(spec, self._kit, self._show(spec))
        room.open()
        log.info("room_opened", room=spec.room_id, channel=spec.channel)
        return room

    def find(self, room_id: str) -> StageRoom:
        """A room.

        Raises:
            NotFoundError: ``room_not_found``.
        """
        room = self._rooms.get(room_id)
        if room is None:
            raise NotFoundError("This room is not open here. It may have ended.", code="room_not_found")
        return room

    @property
    def rooms(self) -> list[StageRoom]:
        """All that are open."""
        return list(self._rooms.values())

    async def end(self, room: StageRoom, reason: EndReason, *, with_money: bool = True) -> dict[str, Any]:
        """End a room and forget it."""
        report = await room.end(reason, with_money=with_money)
        self._forget(room)
        return report

    async def stop(self) -> None:
        """Take no more rooms, end all, and let their recordings be stored."""
        self.draining = True
        ends = [asyncio.ensure_future(self.end(room, EndReason.STAGE_STOPPED)) for room in self.rooms]
        if ends:
            await asyncio.wait(ends, timeout=STOP_S)

    @property
    def stage_id(self) -> str:
        """Its name on the roll."""
        return self._kit.stage_id

    @property
    def late(self) -> float:
        """Share of the last ticks of all rooms that came too late."""
        shares = [room.pace.late_share for room in self.rooms if room.pace is not None]
        return max(shares, default=0.0)

    @property
    def taken(self) -> float:
        """Places that its rooms take."""
        return sum(places_for(room.spec) for room in self.rooms)

    # Looking after them

    async def look_after(self) -> None:
        """Until cancelled: end what is over, and fit pictures to connections."""
        adapted_s = 0.0
        while True:
            self.look()
            now_s = time.monotonic()
            if now_s - adapted_s >= ADAPT_S:
                adapted_s = now_s
                for room in self.rooms:
                    room.audience.adapt()
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """End the rooms whose time is over."""
        for room in self.rooms:
            reason = room.look()
            if reason is not None and room.spec.room_id not in self._ending:
                self._ending.add(room.spec.room_id)
                self._kit.spawn(self._end_by_itself(room, reason))
            elif room.finished:
                self._forget(room)

    def measure(self) -> None:
        """What drawing took since the last time."""
        now_s = time.monotonic()
        for room in self.rooms:
            room.rates.measure(room.show.cpu_s, room.pictures, now_s)
        cpu_s = self._gone_cpu_s + sum(room.show.cpu_s for room in self.rooms)
        before_s, before_cpu_s = self._measured
        self.load = max(0.0, cpu_s - before_cpu_s) / max(now_s - before_s, 0.001)
        self._measured = (now_s, cpu_s)

    def drop(self, room_ids: frozenset[str]) -> None:
        """Rooms that are over, or somebody else's by now, as the database says."""
        for room in self.rooms:
            if room.spec.room_id in room_ids and not room.ended:
                log.warning("room_dropped", room=room.spec.room_id)
                self._kit.spawn(self.end(room, EndReason.STAGE_LOST, with_money=False))

    # Inside

    async def _end_by_itself(self, room: StageRoom, reason: EndReason) -> None:
        try:
            if reason is EndReason.EXPIRED and await self._was_extended(room):
                return
            await self.end(room, reason)
        finally:
            self._ending.discard(room.spec.room_id)

    async def _was_extended(self, room: StageRoom) -> bool:
        """Whether it was paid for longer, and the word of that was lost."""
        try:
            known = await run_in(self._kit.pools.books, partial(self._kit.books.get, room.spec.room_id))
        except AvatariumError:
            return False
        if known is None or not known.is_open or known.expires_ms <= room.lifetime.expires_ms:
            return False
        room.extend(known.expires_ms)
        return True

    def _check_room(self, spec: RoomSpec) -> None:
        if self.draining:
            raise UnavailableError("This stage is being stopped. Try again.", code="stage_stopping", retry_after_s=2)
        wanted = places_for(spec)
        full = self.rooms and self.taken + wanted > self.capacity.places + SLACK
        if full or self.late > LATE:
            raise UnavailableError("This stage is full. Try again in a moment.", code="stage_full", retry_after_s=5)

    def _show(self, spec: RoomSpec) -> Show:
        from avatarium.engine.face import Emotion, Life
        from avatarium.engine.live import OpusEncoder, Performer
        from avatarium.streaming.stage.manner import chosen

        emotion = chosen(Emotion, spec.emotion, "emotion") or Emotion.NEUTRAL
        life = Life(seed=int(spec.room_id[-6:], 16), emotion=emotion)
        bitrate = min(START_BITRATE, self._kit.settings.live_bitrate_max)
        return Show(Performer(life), bitrate=bitrate, encoders=self._kit.encoders, opus=OpusEncoder())

    def _forget(self, room: StageRoom) -> None:
        if self._rooms.get(room.spec.room_id) is room:
            del self._rooms[room.spec.room_id]
            self._gone_cpu_s += room.show.cpu_s


class Errands:
    """Tasks of the stage itself, each owned until it ends."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start one."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def __len__(self) -> int:
        return len(self._tasks)

    async def close(self, patience_s: float) -> None:
        """Wait a while for all, then cancel."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=patience_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        with contextlib.suppress(asyncio.CancelledError):
            problem = task.exception()
            if isinstance(problem, AvatariumError):
                log.warning("errand_failed", reason=problem.message)
            elif problem is not None:
                log.error("errand_bug", exc_info=problem)
