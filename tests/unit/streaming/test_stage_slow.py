"""Slow voices: a process beside the stage, and what becomes of what it is asked for."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from avatarium.errors import AvatariumError, BusyError, StalledError, TextError, UnavailableError
from avatarium.streaming.stage import slow
from avatarium.streaming.stage.slow import Reading, SlowSource, SlowSpeech
from avatarium.streaming.stage.slow_child import Order
from tests.support.live_rooms import in_loop, until

TOY = Path(__file__).parents[2] / "support" / "slow_toy.py"
PATIENCE_S = 30.0


def order(text: str) -> Order:
    return Order(text=text, rate=1.0, voice="toy")


@asynccontextmanager
async def toy() -> AsyncIterator[SlowSpeech]:
    made = SlowSpeech(lambda: [sys.executable, str(TOY)])
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield made
    finally:
        await made.close()


async def lengths(made: SlowSpeech, text: str) -> list[int]:
    source = SlowSource(reading=await made.open(order(text)))
    return [len(piece.audio) async for piece in source.pieces()]


async def next_length(reading: Reading) -> int:
    piece = await reading.next()
    assert piece is not None
    return len(piece.audio)


@in_loop
async def test_pieces_come_one_after_the_other_and_end() -> None:
    async with toy() as made:
        assert await lengths(made, "10 200000 30") == [10, 200_000, 30]
        assert made._open == set() and made._waiting == {}


@in_loop
async def test_rooms_share_the_process() -> None:
    async with toy() as made:
        found = await asyncio.gather(*(lengths(made, f"{number} {number}") for number in range(1, 9)))
        assert found == [[number, number] for number in range(1, 9)]


@in_loop
async def test_what_cannot_be_spoken_is_told_when_it_is_asked_for() -> None:
    async with toy() as made:
        with pytest.raises(TextError) as refused:
            await made.open(order("nothing"))
        assert (refused.value.code, refused.value.message) == ("nothing_to_say", "There is nothing in it.")
        assert made._open == set()


@in_loop
async def test_an_interrupt_stops_what_is_being_made_at_once() -> None:
    """Or the next text would wait for ever: this one is never done."""
    async with toy() as made:
        source = SlowSource(reading=await made.open(order("10 wait")))
        async with aclosing(source.pieces()) as pieces:
            assert len((await anext(pieces)).audio) == 10
            feeding = asyncio.ensure_future(anext(pieces))
            await asyncio.sleep(0.1)
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
        assert await lengths(made, "5") == [5]


@in_loop
async def test_texts_are_judged_while_a_piece_is_made() -> None:
    async with toy() as made:
        first = await made.open(order("wait"))
        making = asyncio.ensure_future(first.next())
        await asyncio.sleep(0.1)
        second = await made.open(order("7"))
        first.drop()
        piece = await second.next()
        assert piece is not None and len(piece.audio) == 7
        making.cancel()


@in_loop
async def test_a_bug_of_the_engine_is_told_as_ours_and_nothing_else_breaks() -> None:
    async with toy() as made:
        with pytest.raises(StalledError) as bug:
            await lengths(made, "1 bug")
        assert bug.value.code == "engine_bug" and bug.value.message.endswith(".")
        assert await lengths(made, "5") == [5]


@in_loop
async def test_a_process_that_died_is_told_and_another_is_started() -> None:
    async with toy() as made:
        with pytest.raises(UnavailableError) as away:
            await lengths(made, "1 die")
        assert away.value.code == "voice_away"
        assert await lengths(made, "5") == [5]


@in_loop
async def test_a_piece_that_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async with toy() as made:
        reading = await made.open(order("wait"))
        monkeypatch.setattr(slow, "ANSWER_S", 0.2)
        with pytest.raises(UnavailableError) as late:
            await reading.next()
        assert late.value.code == "voice_too_slow"
        monkeypatch.undo()
        assert await lengths(made, "5") == [5]


@in_loop
async def test_a_long_line_is_no_stall(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was last in the line ended the process for all, though it made one piece after the other."""
    async with toy() as made:
        readings = [await made.open(order("250ms")) for _ in range(12)]
        process = made._process
        monkeypatch.setattr(slow, "ANSWER_S", 2.5)
        assert await asyncio.gather(*map(next_length, readings)) == [250] * 12
        assert made._process is process


@in_loop
async def test_who_waits_for_too_long_is_told_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async with toy() as made:
        first, last = [await made.open(order("1500ms 1")) for _ in range(2)]
        speaking = asyncio.ensure_future(next_length(first))
        await asyncio.sleep(0.1)
        monkeypatch.setattr(slow, "LINE_S", 0.2)
        with pytest.raises(UnavailableError) as late:
            await last.next()
        assert late.value.code == "voice_too_slow"
        assert await speaking == 1500
        monkeypatch.undo()
        assert await next_length(first) == 1


@in_loop
async def test_rooms_take_turns_piece_by_piece() -> None:
    """A long text in one room is no reason to be silent in another."""
    async with toy() as made:
        short = await made.open(order("7"))
        long = SlowSource(reading=await made.open(order("200ms " * 8)))
        heard = 0
        async with aclosing(long.pieces()) as pieces:
            await anext(pieces)
            piece = asyncio.ensure_future(next_length(short))
            async for _ in pieces:
                heard += 1
                if piece.done():
                    break
        assert await piece == 7
        assert heard <= 2


@in_loop
async def test_no_more_wait_than_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "OPEN_MAX", 2)
    async with toy() as made:
        held = [await made.open(order("5")) for _ in range(2)]
        with pytest.raises(BusyError) as full:
            await made.open(order("5"))
        assert full.value.code == "queue_full" and full.value.retry_after_s
        held[0].drop()
        assert await lengths(made, "5") == [5]


@in_loop
async def test_a_process_that_nobody_wants_is_ended_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "IDLE_S", 0.05)
    async with toy() as made:
        assert await lengths(made, "5") == [5]
        await until(lambda: made._process is None, "it is ended")
        assert await lengths(made, "6") == [6]


@in_loop
async def test_nothing_is_left_when_the_stage_ends() -> None:
    made = SlowSpeech(lambda: [sys.executable, str(TOY)])
    await made.open(order("wait"))
    process = made._process
    assert process is not None
    await made.close()
    assert process.returncode is not None
    with pytest.raises(AvatariumError):
        await made.open(order("5"))
