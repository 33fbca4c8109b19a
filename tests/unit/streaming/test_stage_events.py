"""The events of a room: numbered, kept, told to whoever follows."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from avatarium.streaming.stage.events import EVENT_MAX_BYTES, HISTORY, KEEPALIVE, EventLog
from tests.support.live_rooms import in_loop


def log_of(tell: Any = lambda event: None) -> EventLog:
    return EventLog("a1b2c", now_ms=lambda: 1000, media_ms=lambda: 40, tell=tell)


@in_loop
async def test_an_event_says_what_when_and_for_which_command() -> None:
    told: list[dict[str, Any]] = []
    log = log_of(told.append)
    event = log.emit("word", command_id="c1", text="Hello", media_ms=80)
    assert told == [event]
    assert event | {"event_id": ""} == {
        **{"number": 1, "event_id": "", "type": "word", "channel": "a1b2c", "time": 1000},
        **{"media_ms": 80, "command_id": "c1", "text": "Hello"},
    }


@given(emitted=st.integers(0, HISTORY + 50), after=st.integers(0, HISTORY + 100))
def test_what_is_behind_a_number_comes_in_order_and_once(emitted: int, after: int) -> None:
    log = log_of()
    for _ in range(emitted):
        log.emit("word")
    numbers = [event["number"] for event in log.since(after)]
    assert numbers == list(range(max(after, emitted - HISTORY) + 1, emitted + 1))


@in_loop
async def test_who_follows_gets_what_was_what_comes_and_the_end() -> None:
    log = log_of()
    log.emit("ready")
    log.emit("viewer_joined")
    got: list[str] = []

    async def follow() -> None:
        async for event in log.follow(1):
            got.append(event["type"])

    following = asyncio.create_task(follow())
    await asyncio.sleep(0)
    log.emit("word")
    log.emit("ended", reason="left")
    await following
    assert got == ["viewer_joined", "word", "ended"]


@in_loop
async def test_after_the_end_nothing_happens() -> None:
    log = log_of()
    log.emit("ended")
    log.emit("word")
    assert [event["type"] for event in log.since(0)] == ["ended"]
    assert [event["type"] async for event in log.follow(0)] == ["ended"]
    assert [event async for event in log.follow()] == []


@in_loop
async def test_silence_is_broken_by_a_sign_of_life() -> None:
    log = log_of()
    async for event in log.follow(0, keepalive_s=0.01):
        assert event is KEEPALIVE
        break


@in_loop
async def test_a_number_that_was_never_given_is_as_good_as_the_last() -> None:
    """It stems from a stage that died, whose room was another."""
    log = log_of()
    log.emit("ready")
    following = log.follow(900)
    first = asyncio.ensure_future(anext(following))
    await asyncio.sleep(0)
    log.emit("word")
    assert (await first)["type"] == "word"
    await following.aclose()  # type: ignore[attr-defined]


@in_loop
async def test_who_is_slow_holds_up_nobody() -> None:
    log = log_of()
    following = log.follow(0, keepalive_s=0.01)
    log.emit("word")
    assert (await anext(following))["number"] == 1
    for _ in range(HISTORY + 100):
        log.emit("word")
    assert (await anext(following))["number"] == 102
    await following.aclose()  # type: ignore[attr-defined]


def test_no_event_is_too_large_for_those_who_listen() -> None:
    words = [{"text": "語" * 10, "start_ms": n, "end_ms": n} for n in range(2000)]
    utterances = [{"command_id": "c", "text": "語" * 3000, "said_ms": 5, "words": words}] * 30
    event = log_of().emit("interrupted", command_id="c1", utterances=utterances, generation=3)
    assert len(json.dumps(event, ensure_ascii=False).encode()) <= EVENT_MAX_BYTES
    assert event["shortened"] and event["generation"] == 3 and event["command_id"] == "c1"
    assert event["utterances"][0]["text"].startswith("語語")
    small = log_of().emit("answer", text="a" * 3000)
    assert small["text"] == "a" * 3000 and "shortened" not in small
