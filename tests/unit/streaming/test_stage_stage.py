"""All rooms of a stage together: who is let in, who is ended, what is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from avatarium.clock import Clock, ManualClock
from avatarium.errors import NotFoundError, UnavailableError
from avatarium.settings import load_settings
from avatarium.streaming.models import EndReason, Room, RoomState
from avatarium.streaming.stage.capacity import Capacity, guessed
from avatarium.streaming.stage.room import StageRoom
from avatarium.streaming.stage.stage import Errands, Stage
from avatarium.streaming.stage.state import status_of
from avatarium.streaming.wire import RoomSpec
from tests.support.live_rooms import Books, KeepingViewer, a_kit, in_loop, spec_of, until

BIG = 512
SECONDS = 20
"""A machine that stood still just then has as many more to show its rate."""


@dataclass
class Made:
    """A stage without its process."""

    stage: Stage
    books: Books
    clock: ManualClock

    def open(self, **spec: Any) -> StageRoom:
        now_ms = self.clock.now_ms()
        return self.stage.open(spec_of(**({"created_ms": now_ms, "expires_ms": now_ms + 60_000} | spec)))

    def join(self, room: StageRoom) -> KeepingViewer:
        viewer = KeepingViewer()
        room.add_viewer(viewer)
        viewer.connected = True
        room.viewer_connected(viewer)
        return viewer


@asynccontextmanager
async def made(tmp_path: Path, capacity: Capacity | None = None) -> AsyncIterator[Made]:
    clock, books = ManualClock(Clock().now_ms()), Books()
    settings = load_settings(home=tmp_path / "home", live_join_s=30, live_grace_s=10)
    async with a_kit(tmp_path, clock=clock, books=books, settings=settings) as kit:
        stage = Stage(kit, capacity or guessed(0.85))
        yield Made(stage, books, clock)
        await stage.stop()
        assert stage.rooms == []


@in_loop
async def test_a_room_is_opened_once(tmp_path: Path) -> None:
    async with made(tmp_path) as it:
        room = it.open()
        assert it.stage.open(room.spec) is room and it.stage.find(room.spec.room_id) is room
        await it.stage.end(room, EndReason.LEFT)
        with pytest.raises(NotFoundError, match="not open here"):
            it.stage.find(room.spec.room_id)


@in_loop
async def test_as_many_rooms_as_there_are_places(tmp_path: Path) -> None:
    async with made(tmp_path, Capacity(speaking_ms=10, idle_ms=5, share=0.8)) as it:
        assert 3.5 < it.stage.capacity.places < 4.5
        for _ in range(int(it.stage.capacity.places)):
            it.open(resolution=BIG)
        with pytest.raises(UnavailableError) as refusal:
            it.open(resolution=BIG)
        assert refusal.value.code == "stage_full" and refusal.value.retry_after_s
        await it.stage.end(it.stage.rooms[0], EndReason.LEFT)
        it.open(resolution=BIG)


@in_loop
async def test_a_machine_that_is_too_slow_for_one_room_still_takes_one(tmp_path: Path) -> None:
    async with made(tmp_path, Capacity(speaking_ms=90, idle_ms=60, share=0.8)) as it:
        it.open(resolution=720, shape="16:9")
        with pytest.raises(UnavailableError):
            it.open(resolution=240)


@in_loop
async def test_a_stage_that_is_late_takes_no_more(tmp_path: Path) -> None:
    async with made(tmp_path) as it:
        room = it.open()
        assert room.pace is not None
        room.pace.lateness.extend([0.2] * 250)
        assert it.stage.late > 0.5
        with pytest.raises(UnavailableError, match="full"):
            it.open()


@in_loop
async def test_the_first_ticks_of_a_room_being_late_keeps_nobody_out(tmp_path: Path) -> None:
    async with made(tmp_path) as it:
        room = it.open()
        assert room.pace is not None
        room.pace.lateness.clear()
        room.pace.lateness.append(0.2)
        assert it.open() in it.stage.rooms


@in_loop
async def test_a_stage_that_is_being_stopped_takes_no_more(tmp_path: Path) -> None:
    async with made(tmp_path) as it:
        rooms = [it.open() for _ in range(3)]
        await it.stage.stop()
        assert it.stage.rooms == [] and all(room.finished for room in rooms)
        assert {value[0] for what, _, value in it.books.written if what == "end"} == {EndReason.STAGE_STOPPED}
        with pytest.raises(UnavailableError) as refusal:
            it.open()
        assert refusal.value.code == "stage_stopping"


@in_loop
async def test_rooms_whose_time_is_over_are_ended_and_forgotten(tmp_path: Path) -> None:
    async with made(tmp_path) as it:
        lonely, long, lost = it.open(), it.open(expires_ms=it.clock.now_ms() + 3_600_000), it.open()
        it.join(long)
        viewer = it.join(lost)
        lost.viewer_lost(viewer)
        it.clock.advance(31)
        it.stage.look()
        await until(lambda: len(it.stage.rooms) == 1, "they are forgotten")
        ends = {room_id: value[0] for what, room_id, value in it.books.written if what == "end"}
        assert ends == {lonely.spec.room_id: EndReason.NEVER_JOINED, lost.spec.room_id: EndReason.VIEWER_LOST}
        it.stage.look()
        assert it.stage.rooms == [long]


@in_loop
async def test_a_room_that_was_paid_for_longer_goes_on(tmp_path: Path) -> None:
    async with made(tmp_path) as it:
        room = it.open()
        it.join(room)
        it.books.rooms[room.spec.room_id] = record_of(room.spec, expires_ms=room.spec.expires_ms + 60_000)
        it.clock.advance(61)
        it.stage.look()
        await until(lambda: room.lifetime.left_s(it.clock.now_ms()) > 50, "it lasts")
        assert not room.ended
        it.clock.advance(60)
        it.stage.look()
        await until(lambda: not it.stage.rooms, "it ends all the same")


@in_loop
async def test_rooms_of_others_are_dropped_without_money(tmp_path: Path) -> None:
    async with made(tmp_path) as it:
        mine, moved = it.open(), it.open()
        it.stage.drop(frozenset({moved.spec.room_id, "unknown"}))
        await until(lambda: it.stage.rooms == [mine], "it is dropped")
        assert "end" not in it.books.kinds


@in_loop
async def test_what_a_stage_tells_of_itself(tmp_path: Path) -> None:
    async with made(tmp_path) as it:
        room = it.open()
        viewer = it.join(room)
        it.stage.measure()
        await until(lambda: len(viewer.pictures) > 10, "it is drawn")
        it.stage.measure()
        for _ in range(SECONDS):
            if room.rates.fps > 5:
                break
            await asyncio.sleep(1.0)
            it.stage.measure()
        status = status_of(it.stage)
        assert status["rooms"] == [room.spec.room_id] and 0 < status["load"] < 1.5
        assert status["places"] == it.stage.capacity.places and status["taken"] > 0
        assert room.rates.fps > 5 and room.rates.cpu > 0
        await it.stage.end(room, EndReason.LEFT)
        await asyncio.sleep(0.02)
        it.stage.measure()
        assert it.stage.load >= 0, "what a room took that has gone is not taken twice"


@in_loop
async def test_errands_are_waited_for_and_then_ended() -> None:
    errands = Errands()
    done: list[int] = []

    async def short() -> None:
        await asyncio.sleep(0.01)
        done.append(1)

    async def fails() -> None:
        raise RuntimeError("a bug")

    errands.spawn(short())
    errands.spawn(fails())
    errands.spawn(asyncio.sleep(60))
    await errands.close(0.2)
    assert done == [1] and len(errands) == 0


def record_of(spec: RoomSpec, **changes: Any) -> Room:
    """The row of a room."""
    row = Room(
        id=spec.room_id,
        channel=spec.channel,
        owner=spec.owner,
        avatar_id=spec.avatar_id,
        stage_id="stage-1",
        state=RoomState.LIVE,
        uid=7,
        places=1.0,
        spec={},
        context="",
        unit_price=1.0,
        booked_s=60,
        extended_s=0,
        created_ms=spec.created_ms,
        expires_ms=spec.expires_ms,
        joined_ms=spec.created_ms,
        lost_ms=None,
        away_ms=0,
        seen_ms=spec.created_ms,
        ended_ms=None,
        end_reason="",
        used_ms=0,
        held=12,
        charged=0,
        recording_key="",
    )
    return replace(row, **changes)
