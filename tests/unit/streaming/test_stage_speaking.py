"""Commands to speak: what is on its way keeps its place, its name and its turn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avatarium.errors import AudioError, BusyError
from avatarium.streaming.models import EndReason
from avatarium.streaming.stage import speaking as module
from avatarium.streaming.stage.pools import run_in
from avatarium.streaming.stage.room import StageRoom
from avatarium.streaming.wire import AskCommand, SpeakCommand
from tests.support.live_rooms import a_kit, in_loop, make_show, spec_of, until


class Tarpit:
    """A stranger's server that answers when it is let."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.let = threading.Event()
        self.trouble: Exception | None = None
        monkeypatch.setattr(module, "fetch_sound", self.fetch)

    def fetch(self, fetcher: object, url: str, owner: str, scratch: Path) -> Any:
        self.asked.append(url)
        assert self.let.wait(60)
        if self.trouble is not None:
            raise self.trouble
        return np.full(2400, 3000, np.int16)


@pytest.fixture
def tarpit(monkeypatch: pytest.MonkeyPatch) -> Tarpit:
    return Tarpit(monkeypatch)


@asynccontextmanager
async def rooms(tmp_path: Path, tarpit: Tarpit, count: int = 1) -> AsyncIterator[list[StageRoom]]:
    async with a_kit(tmp_path) as kit:
        opened = [StageRoom(spec_of(), kit, make_show()) for _ in range(count)]
        for room in opened:
            room.open()
        try:
            yield opened
        finally:
            tarpit.let.set()
            for room in opened:
                await room.end(EndReason.LEFT)


def recording(name: str, **more: Any) -> SpeakCommand:
    return SpeakCommand(command_id=name, audio_url=f"https://example.org/{name}.wav", **more)


def asked(room: StageRoom, command: SpeakCommand) -> asyncio.Task[Any]:
    return asyncio.create_task(room.speaker.speak(command))


def waiting(room: StageRoom) -> list[str]:
    return [utterance.command_id for utterance in room.director.queue]


def fetching(tarpit: Tarpit, count: int) -> Callable[[], bool]:
    return lambda: len(tarpit.asked) == count


@in_loop
async def test_slow_addresses_hold_up_neither_books_nor_roll_nor_recordings(tmp_path: Path, tarpit: Tarpit) -> None:
    """They shared eight threads: a stage whose rooms fetched from a tarpit was taken for dead."""
    async with rooms(tmp_path, tarpit, 12) as opened:
        for room in opened:
            for name in ("one", "two"):
                asked(room, recording(name))
        await until(lambda: len(tarpit.asked) >= 8, "strangers are asked")
        pools = opened[0]._kit.pools
        for pool in (pools.books, pools.roll, pools.storing, pools.first):
            async with asyncio.timeout(60):
                assert await run_in(pool, lambda: "done") == "done"


@in_loop
async def test_one_room_fetches_two_recordings_at_once(tmp_path: Path, tarpit: Tarpit) -> None:
    async with rooms(tmp_path, tarpit) as (room,):
        given_up = asked(room, recording("one"))
        last = asked(room, recording("two"))
        await until(fetching(tarpit, 2), "strangers are asked")
        given_up.cancel()
        await asyncio.wait([given_up])
        with pytest.raises(BusyError) as refusal:
            await room.speaker.speak(recording("three", interrupt=True))
        assert refusal.value.code == "queue_full", "who waits no more holds his thread all the same"
        tarpit.let.set()
        await last
        await room.speaker.speak(recording("four"))
        assert waiting(room) == ["two", "four"]


@in_loop
async def test_what_is_being_fetched_has_its_place_in_the_queue(tmp_path: Path, tarpit: Tarpit) -> None:
    async with rooms(tmp_path, tarpit) as (room,):
        places = room._kit.settings.live_queue_max + 1
        slow = asked(room, recording("slow"))
        await until(fetching(tarpit, 1), "a stranger is asked")
        for number in range(places - 1):
            await room.speaker.speak(SpeakCommand(command_id=f"c{number}", text="Hello."))
        with pytest.raises(BusyError):
            await room.speaker.speak(SpeakCommand(command_id="more", text="Hello."))
        tarpit.let.set()
        await slow
        assert len(waiting(room)) == places


@in_loop
async def test_an_interrupt_drops_what_was_asked_for_before_it_and_is_still_fetched(
    tmp_path: Path, tarpit: Tarpit
) -> None:
    """It was stamped with the generation after the fetch, and said."""
    async with rooms(tmp_path, tarpit) as (room,):
        slow = asked(room, recording("slow"))
        await until(fetching(tarpit, 1), "a stranger is asked")
        answer = room.director.interrupt("stop")
        assert [said["command_id"] for said in answer["utterances"]] == ["slow"] and answer["dropped"] == 1
        later = asked(room, recording("later"))
        await until(fetching(tarpit, 2), "a stranger is asked again")
        tarpit.let.set()
        accepted = await slow
        await later
        assert accepted.generation == room.director.generation - 1
        assert waiting(room) == ["later"]


@in_loop
async def test_an_interrupting_command_spares_what_was_asked_for_after_it(tmp_path: Path, tarpit: Tarpit) -> None:
    async with rooms(tmp_path, tarpit) as (room,):
        director = room.director
        with (
            director.expect("before", "Hello.", interrupt=False) as before,
            director.expect("interrupts", "Hush.", interrupt=True) as interrupts,
            director.expect("after", "Hello again.", interrupt=False) as after,
        ):
            director.interrupt("interrupts")
            assert [one.answer is not None for one in (before, interrupts, after)] == [True, False, False]
            director.interrupt()
            assert interrupts.answer is not None and after.answer is not None


@in_loop
async def test_a_command_that_is_sent_again_while_it_is_fetched_is_said_once(tmp_path: Path, tarpit: Tarpit) -> None:
    async with rooms(tmp_path, tarpit) as (room,):
        twice = [asked(room, recording("same")) for _ in range(2)]
        await until(fetching(tarpit, 1), "a stranger is asked")
        await asyncio.sleep(0)
        tarpit.let.set()
        first, second = await asyncio.gather(*twice)
        assert len(tarpit.asked) == 1 and waiting(room) == ["same"]
        assert first == second and first.command_id == "same"


@in_loop
async def test_a_command_that_is_sent_again_before_an_interrupt_is_not_said_after_it(
    tmp_path: Path, tarpit: Tarpit
) -> None:
    """Who waited for the first attempt took the generation after the interrupt, fetched anew, and was said."""
    async with rooms(tmp_path, tarpit) as (room,):
        first = asked(room, recording("same"))
        await until(fetching(tarpit, 1), "a stranger is asked")
        again = asked(room, recording("same"))
        await asyncio.sleep(0.05)
        room.director.interrupt("stop")
        tarpit.let.set()
        assert await first == await again
        assert not waiting(room) and len(tarpit.asked) == 1
        await room.speaker.speak(recording("same"))
        assert waiting(room) == ["same"], "who sends it after the interrupt wants it"


@in_loop
async def test_a_question_of_the_name_of_a_command_that_is_fetched_is_that_command(
    tmp_path: Path, tarpit: Tarpit
) -> None:
    """It was answered beside it, as only what waits in the queue was looked at."""
    async with rooms(tmp_path, tarpit) as (room,):
        slow = asked(room, recording("same"))
        await until(fetching(tarpit, 1), "a stranger is asked")
        question = asyncio.create_task(room.conversation.ask(AskCommand(command_id="same", text="What is it?")))
        await asyncio.sleep(0.05)
        tarpit.let.set()
        assert await slow == await question
        (utterance,) = room.director.queue
        assert utterance.question is None


@in_loop
async def test_a_room_that_ends_answers_who_sent_a_command_again(tmp_path: Path, tarpit: Tarpit) -> None:
    async with rooms(tmp_path, tarpit) as (room,):
        asked(room, recording("same"))
        await until(fetching(tarpit, 1), "a stranger is asked")
        again = asked(room, recording("same"))
        await asyncio.sleep(0.05)
        await room.end(EndReason.LEFT)
        tarpit.let.set()
        assert (await again).command_id == "same" and not waiting(room)


@in_loop
async def test_a_command_whose_first_attempt_failed_is_tried_again(tmp_path: Path, tarpit: Tarpit) -> None:
    async with rooms(tmp_path, tarpit) as (room,):
        tarpit.trouble = AudioError("This is no sound.", code="bad_sound")
        twice = [asked(room, recording("same")) for _ in range(2)]
        await until(fetching(tarpit, 1), "a stranger is asked")
        tarpit.let.set()
        results = await asyncio.gather(*twice, return_exceptions=True)
        assert len(tarpit.asked) == 2 and all(isinstance(result, AudioError) for result in results)
        assert not waiting(room)
