"""Rooms of a whole stage, from opening to bill: real database, real synthesis and encoding, viewers made of aiortc."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from avatarium.errors import ConflictError, NotFoundError, RequestError
from avatarium.streaming.models import EndReason
from avatarium.streaming.reports import units_of
from avatarium.streaming.wire import ExtendCommand, RoomSpec
from tests.support.live_rooms import in_loop, until
from tests.support.running_stage import RunningStage, booked, running_stage, soon
from tests.support.watched_stage import price_of, said, shown_stage, watched


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStage]:
    with shown_stage(tmp_path_factory.mktemp("stage")) as made:
        yield made


@in_loop
async def test_a_viewer_gone_without_a_word_ends_the_room_and_is_not_charged_for_the_wait(stage: RunningStage) -> None:
    async with booked(stage) as room:
        async with watched(room):
            pass
        await until(lambda: room.of("ended"), "it ends")
        over = room.now()
        assert room.of("ended")[0]["reason"] == "viewer_lost" and over.charged == units_of(over.used_ms / 1000) > 0
        assert (over.joined_ms or 0) + over.used_ms + 800 <= (over.ended_ms or 0), "the wait of 0.8 s"
        assert [e["type"] for e in room.events if e["type"].startswith("viewer")] == ["viewer_joined", "viewer_left"]
    stage.check_books()


@in_loop
async def test_the_same_room_again_after_the_network_was_away(stage: RunningStage) -> None:
    async with booked(stage) as room:
        async with watched(room):
            pass
        async with watched(room) as witness:
            assert witness.pictures
            await room.tell("speak", said("c1"))
            await until(lambda: room.of("speaking_ended"), "it speaks")
            assert not room.of("ended")


@in_loop
async def test_two_viewers_share_one_encoder(stage: RunningStage) -> None:
    async with booked(stage) as room, watched(room) as one:
        async with watched(room) as two:
            await asyncio.gather(one.until_pictures(one.pictures + 10), two.until_pictures(two.pictures + 10))
            state = await room.state()
            assert state["encoder"] == "h264" and len(state["viewers"]) == 2
        await one.until_pictures(one.pictures + 5)


@in_loop
async def test_a_booked_time_is_over(stage: RunningStage) -> None:
    async with booked(stage, expire_s=3) as room, watched(room):
        await until(lambda: room.of("ended"), "it expires")
        assert room.of("ended")[0]["reason"] == "expired" and room.now().charged == 1
        assert [e["seconds_left"] for e in room.of("expiring")] == []


@in_loop
async def test_a_time_that_was_extended_behind_its_back(stage: RunningStage) -> None:
    """The word of it was lost; the database knows."""
    async with booked(stage, expire_s=3) as room, watched(room):
        await asyncio.to_thread(stage.platform.rooms.extend, stage.owner, room.room.channel, 30)
        await until(lambda: room.of("extended"), "it lasts")
        assert not room.of("ended")


@in_loop
async def test_an_extension_warns_anew(stage: RunningStage) -> None:
    async with booked(stage, expire_s=12) as room, watched(room):
        await until(lambda: room.of("expiring"), "it warns")
        longer = await asyncio.to_thread(stage.platform.rooms.extend, stage.owner, room.room.channel, 20)
        await room.tell("extend", ExtendCommand(expires_ms=longer.expires_ms))
        state = await room.state()
        assert state["seconds_left"] > 20
        await until(lambda: room.of("extended"), "it is told")


@in_loop
async def test_a_room_is_opened_once_and_strangers_are_not_let_in(stage: RunningStage) -> None:
    async with booked(stage) as room:
        await room.client.open(room.record, RoomSpec.model_validate(room.room.spec))
        async with httpx.AsyncClient(base_url=room.record.address, trust_env=False) as stranger:
            assert (await stranger.get("/status")).status_code == 401
            wrong = {"Authorization": "Bearer 0000"}
            assert (await stranger.delete(f"/rooms/{room.room.id}", headers=wrong)).status_code == 401
        assert room.now().is_open


@in_loop
async def test_rooms_and_commands_that_are_not_there(stage: RunningStage) -> None:
    async with booked(stage) as room:
        with pytest.raises(RequestError, match="cannot dance"):
            await room.tell("dance")
        with pytest.raises(RequestError):
            await room.client.offer(
                room.record, room.room.id, b"garbage", uid=1, may_publish=False, address="127.0.0.1"
            )
        with pytest.raises(NotFoundError):
            await room.client.drop(room.record, room.room.id, "nobody")
        with pytest.raises(NotFoundError):
            await room.client.state(room.record, "0" * 24)
        assert room.now().is_open


@in_loop
async def test_a_room_that_the_database_has_ended_is_dropped(stage: RunningStage) -> None:
    async with booked(stage) as room, watched(room):
        await asyncio.to_thread(stage.platform.rooms.end, room.room.id, EndReason.REMOVED)
        await until(lambda: room.of("ended"), "it is dropped")
        with pytest.raises((NotFoundError, ConflictError)):
            await room.tell("speak", said("c1"))


@in_loop
async def test_the_roll_tells_how_the_stage_is(stage: RunningStage) -> None:
    async with booked(stage) as room, watched(room):
        await until(lambda: stage.record.rooms == 1 and stage.record.load > 0, "its row says so")
        record = stage.record
        assert record.places >= 1 and record.capacity["speaking_ms"] > 0 and not record.draining
        assert record.late <= 1


def _used() -> tuple[int, int]:
    gc.collect()
    process = psutil.Process(os.getpid())
    return process.num_fds(), process.memory_info().rss


@pytest.mark.long
def test_thirty_rooms_opened_and_dropped_leave_nothing(stage: RunningStage) -> None:
    """Half of them without a goodbye."""

    async def one(number: int) -> None:
        async with booked(stage) as room, watched(room, "VP8" if number % 3 == 0 else "H264"):
            await room.tell("speak", said("c1"))
            if number % 2:
                await room.end()

    async def several(numbers: range) -> None:
        for first in range(numbers.start, numbers.stop, 3):
            await asyncio.gather(*(one(n) for n in range(first, min(first + 3, numbers.stop))))
        process = stage.process
        assert process is not None and process.stage is not None
        rooms = process.stage
        await until(lambda: not rooms.rooms, "all rooms have ended")

    asyncio.run(several(range(6)))
    fds, memory = _used()
    tasks = _stage_tasks(stage)
    asyncio.run(several(range(30)))
    soon(lambda: not _stage_tasks(stage) - tasks, "no task is left")
    soon(lambda: _used()[0] <= fds + 2, "files are closed")
    assert _used()[1] - memory < 40 << 20
    stage.check_books()


def _stage_tasks(stage: RunningStage) -> Counter[str]:
    assert stage.process is not None and stage.process._loop is not None
    loop = stage.process._loop

    async def names() -> Counter[str]:
        await asyncio.sleep(0.5)
        current = asyncio.current_task()
        return Counter(
            task.get_name() for task in asyncio.all_tasks() if task is not current and "Task-" not in task.get_name()
        )

    return asyncio.run_coroutine_threadsafe(names(), loop).result(timeout=30)


def test_a_stage_that_is_stopped_ends_its_rooms_and_leaves_the_roll(tmp_path: Path) -> None:
    with running_stage(tmp_path / "home") as stage:

        async def watch() -> dict[str, Any]:
            async with booked(stage) as room, watched(room):
                assert stage.process is not None
                stage.process.stop()
                await until(lambda: room.of("ended"), "it ends")
                return room.of("ended")[0]

        began_s = time.monotonic()
        ended = asyncio.run(watch())
        assert ended["reason"] == "stage_stopped" and ended["charged"] + ended["refunded"] == 12
        assert 0 < ended["charged"] <= price_of(time.monotonic() - began_s)
        stage.check_books()
    with running_stage(tmp_path / "home") as again:
        assert len(again.platform.rooms.stages()) == 1


def test_a_full_stage_takes_no_more(stage: RunningStage) -> None:
    from avatarium.errors import UnavailableError
    from avatarium.streaming.control import StageClient
    from avatarium.streaming.wire import RoomSpec

    async def fill() -> list[str]:
        client = StageClient(stage.platform.secret)
        specs = [RoomSpec.model_validate(stage.book(resolution=240).spec) for _ in range(3)]
        crowd = [specs[0].model_copy(update={"room_id": f"{n:024x}", "resolution": 512}) for n in range(1, 40)]
        codes = []
        try:
            for spec in crowd:
                try:
                    await client.open(stage.record, spec)
                except UnavailableError as problem:
                    codes.append(problem.code)
                    break
        finally:
            for spec in crowd:
                try:
                    await client._call("DELETE", stage.record, f"/rooms/{spec.room_id}", None)
                except NotFoundError:
                    break
            for spec in specs:
                await asyncio.to_thread(stage.platform.rooms.end, spec.room_id, EndReason.LEFT)
            await client.close()
        return codes

    assert asyncio.run(fill()) == ["stage_full"]


@in_loop
async def test_media_over_one_connection(stage: RunningStage) -> None:
    """For viewers behind firewalls that let nothing else through."""
    async with booked(stage) as room:
        headers = {"X-Viewer-Uid": "5", "X-May-Publish": "0"}
        async with room.client.socket(room.record, f"/rooms/{room.room.id}/watch", headers) as socket:
            await socket.send(json.dumps({"type": "start", "audio": ["opus"]}))
            tracks: set[int] = set()
            received = 0
            async with asyncio.timeout(60):
                while tracks != {0, 1} or received < 20:
                    message = await socket.recv()
                    if isinstance(message, bytes):
                        tracks.add(message[0])
                        received += 1
                        await socket.send(json.dumps({"type": "got", "n": received}))
            (viewer,) = (await room.state())["viewers"]
            assert viewer["uid"] == 5 and viewer["connected"]
            with pytest.raises(NotFoundError):  # what is shown of a viewer opens nothing
                await room.client.patch(room.record, room.room.id, viewer["id"], b"a=ice-ufrag:abcd")
        await until(lambda: room.of("ended"), "its viewer is lost")
