"""What is said in which order, what is told of it, and what an interrupt leaves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from avatarium.clock import Clock
from avatarium.engine.live import Painter
from avatarium.engine.speech import Speech
from avatarium.errors import AudioError, BusyError
from avatarium.streaming.stage.director import Director
from avatarium.streaming.stage.pools import Pools
from avatarium.streaming.stage.show import TICK_S
from avatarium.streaming.stage.utterances import Utterance
from tests.support.live_rooms import PATIENCE_S, FlatFace, in_loop, make_show, speech, until


class Given:
    """A source of pieces that are there; an exception among them is raised, an event waited for."""

    def __init__(self, *pieces: Speech | Exception | asyncio.Event) -> None:
        self.pieces_given = pieces
        self.begun = False
        self.closed = False

    async def pieces(self) -> AsyncGenerator[Speech, None]:
        self.begun = True
        try:
            for piece in self.pieces_given:
                await asyncio.sleep(0)
                if isinstance(piece, Exception):
                    raise piece
                if isinstance(piece, asyncio.Event):
                    await piece.wait()
                else:
                    yield piece
        finally:
            self.closed = True


class Theatre:
    """A director whose ticks are made by hand."""

    def __init__(self, pools: Pools, queue_max: int) -> None:
        self.show = make_show()
        self.show.set_painter(Painter(FlatFace()))
        self.show.watch(frozenset(), anybody=True)
        self.told: list[dict[str, Any]] = []
        self.director = Director(self.show, self.emit, pools, Clock(), queue_max=queue_max)
        self.heard: list[float] = []
        self.number = 0

    def emit(self, kind: str, *, command_id: str | None = None, **facts: Any) -> dict[str, Any]:
        event = {"type": kind, "command_id": command_id, **facts}
        self.told.append(event)
        return event

    def say(self, command_id: str, source: Given, text: str = "one two three") -> Utterance:
        utterance = Utterance(command_id=command_id, tag=self.director.new_tag(), source=source, text=text)
        self.director.add(utterance)
        return utterance

    def ticks(self, count: int = 1) -> None:
        for _ in range(count):
            beat = self.show.make(self.number * TICK_S, late=False)
            self.heard.append(float(np.abs(beat.pcm).max()))
            self.number += 1
            self.director.on_beat(beat)

    async def play(self) -> None:
        """Until nothing is left to be said."""
        async with asyncio.timeout(60):
            while self.director.speaking:
                self.ticks()
                await asyncio.sleep(0.002)

    async def buffered(self, seconds: float) -> None:
        await until(lambda: self.show.performer.buffered_s >= seconds - 0.05, "speech is ready")

    def kinds(self, *left_out: str) -> list[str]:
        return [event["type"] for event in self.told if event["type"] not in left_out]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.told if event["type"] == kind]


@asynccontextmanager
async def theatre(*, audience: bool = True, queue_max: int = 3) -> AsyncIterator[Theatre]:
    pools = Pools.open()
    made = Theatre(pools, queue_max)
    made.director.start()
    made.director.set_audience(audience)
    try:
        yield made
    finally:
        await made.director.close()
        pools.close()


@in_loop
async def test_utterances_are_said_in_order_and_all_of_it_is_told() -> None:
    async with theatre() as stage:
        stage.say("a", Given(speech("one two")), text="one two")
        stage.say("b", Given(speech("three")), text="three")
        await stage.play()
        assert [(e["type"], e["command_id"]) for e in stage.told if e["type"] != "viseme"] == [
            *[("speaking_started", "a"), ("word", "a"), ("word", "a"), ("speaking_ended", "a"), ("transcript", "a")],
            *[("speaking_started", "b"), ("word", "b"), ("speaking_ended", "b"), ("transcript", "b")],
        ]
        assert [e["text"] for e in stage.of("word")] == ["one", "two", "three"]
        assert [e["said_ms"] for e in stage.of("speaking_ended")] == [440, 240]
        assert not any(e["interrupted"] for e in stage.of("speaking_ended"))
        assert stage.of("transcript")[0] | {"type": ""} == {
            **{"type": "", "command_id": "a", "role": "avatar", "text": "one two", "final": True},
            "media_ms": stage.of("speaking_ended")[0]["media_ms"],
        }


@in_loop
async def test_pieces_of_one_utterance_join_without_a_hole() -> None:
    async with theatre() as stage:
        piece = speech("one two three four five", 0.2)
        whole = np.concatenate([piece.audio[: round(0.96 * piece.rate)]] * 2)
        loud = Speech(audio=whole, rate=piece.rate, phonemes=(), words=())
        stage.say("a", Given(loud, loud))
        await stage.buffered(3.8)
        await stage.play()
        sounding = np.flatnonzero(np.array(stage.heard) > 0.05)
        assert len(sounding) >= 94 and np.all(np.diff(sounding) == 1)


@in_loop
async def test_nothing_is_begun_before_nobody() -> None:
    async with theatre(audience=False) as stage:
        source = Given(speech())
        stage.say("a", source)
        await asyncio.sleep(0.05)
        stage.ticks(3)
        assert not source.begun and stage.told == []
        stage.director.set_audience(True)
        await stage.play()
        assert "speaking_ended" in stage.kinds()


@in_loop
async def test_a_full_queue_refuses_and_says_how_long_it_lasts() -> None:
    async with theatre(queue_max=3) as stage:
        stage.say("a", Given(speech("one two three four five")))
        await stage.buffered(1.0)
        stage.ticks(2)
        for command in "bcd":
            stage.say(command, Given(speech()))
        with pytest.raises(BusyError, match="3 utterances wait") as refusal:
            stage.say("e", Given(speech()))
        assert refusal.value.code == "queue_full" and (refusal.value.retry_after_s or 0) >= 1
        await stage.play()
        assert [e["command_id"] for e in stage.of("speaking_started")] == ["a", "b", "c", "d"]


@in_loop
async def test_an_interrupt_answers_what_was_really_said() -> None:
    async with theatre() as stage:
        stage.say("a", Given(speech("one two three four")), text="One, two, three, four.")
        # Words as they were written, as synthesis gives them.
        stage.say("b", Given(speech("five")), text="Five.")
        await stage.buffered(0.8)
        stage.ticks(13)
        answer = stage.director.interrupt("stop")
        assert answer["generation"] == 1 and answer["dropped"] == 1
        first, second = answer["utterances"]
        assert first["command_id"] == "a" and first["said_ms"] == 520 and first["words_said"] == 2
        assert first["words"][-1] == {"text": "two", "start_ms": 200, "end_ms": 400}
        assert second | {"words": []} == {
            **{"command_id": "b", "text": "Five.", "said_text": "", "said_ms": 0, "words_said": 0, "words": []}
        }
        assert stage.kinds("word", "viseme")[-3:] == ["speaking_ended", "transcript", "interrupted"]
        assert stage.of("interrupted")[0]["command_id"] == "stop"
        stage.heard.clear()
        stage.ticks(5)
        assert max(stage.heard[1:]) == 0.0
        assert not stage.director.speaking


@in_loop
async def test_after_an_interrupt_the_next_is_said_at_once() -> None:
    async with theatre() as stage:
        stage.say("a", Given(speech("one two three four")))
        await stage.buffered(0.8)
        stage.ticks(5)
        stage.director.interrupt()
        stage.say("b", Given(speech("five")))
        await stage.play()
        assert [e["command_id"] for e in stage.of("speaking_started")] == ["a", "b"]


@in_loop
async def test_an_interrupt_of_silence_tells_nobody_anything() -> None:
    async with theatre() as stage:
        assert stage.director.interrupt() == {"utterances": [], "dropped": 0, "generation": 1}
        assert stage.told == []


@in_loop
async def test_an_interrupt_stops_synthesis_under_way() -> None:
    async with theatre() as stage:
        never = asyncio.Event()
        source = Given(speech("one"), never, speech("two"))
        stage.say("a", source)
        await stage.buffered(0.2)
        stage.ticks(2)
        stage.director.interrupt()
        await until(lambda: source.closed, "the source is closed")
        never.set()
        stage.ticks(20)
        assert max(stage.heard[3:]) == 0.0


@in_loop
async def test_speech_that_was_being_made_ready_when_it_was_interrupted_was_said_after_all() -> None:
    """The performer takes milliseconds to make a piece ready, in a thread that an interrupt does not stop."""
    async with theatre() as stage:
        performer, real = stage.show.performer, stage.show.performer.say
        begun, go_on, ready = threading.Event(), threading.Event(), threading.Event()

        def slow(piece: Speech, **how: Any) -> None:
            if len(piece.audio):
                begun.set()
                assert go_on.wait(PATIENCE_S)
            real(piece, **how)
            ready.set()

        performer.say = slow  # type: ignore[method-assign]
        stage.say("a", Given(speech("one two three")))
        await until(begun.is_set, "the piece is being made ready")
        stage.director.interrupt()
        go_on.set()
        await until(ready.is_set, "it is ready after all")
        stage.ticks(20)
        assert max(stage.heard) == 0.0 and stage.kinds() == ["interrupted"]


@in_loop
async def test_what_cannot_be_said_is_told_and_the_next_is_said() -> None:
    async with theatre() as stage:
        stage.say("a", Given(AudioError("It is silent.", code="silent_audio")))
        stage.say("b", Given(speech("one"), RuntimeError("a bug")))
        stage.say("c", Given(speech("two")))
        await stage.play()
        assert [(e["command_id"], e["code"]) for e in stage.of("problem")] == [
            ("a", "silent_audio"),
            ("b", "engine_bug"),
        ]
        assert [e["command_id"] for e in stage.of("speaking_ended")] == ["b", "c"]


@in_loop
async def test_an_utterance_without_a_sound_is_over_at_once() -> None:
    async with theatre() as stage:
        empty = Speech(audio=np.zeros(0, np.float32), rate=24_000, phonemes=(), words=())
        silent = stage.say("a", Given(empty))
        nothing = stage.say("b", Given())
        stage.say("c", Given(speech("one")))
        await stage.play()
        assert silent.done.is_set() and nothing.done.is_set()
        assert stage.kinds("word", "viseme") == ["speaking_started", "speaking_ended", "transcript"]


@in_loop
async def test_no_more_than_some_seconds_are_made_ahead() -> None:
    async with theatre() as stage:
        given = [speech("one two three four five six seven eight nine ten", 0.2) for _ in range(12)]
        stage.say("a", Given(*given))
        await stage.buffered(6.0)
        await asyncio.sleep(0.1)
        assert 6.0 <= stage.show.performer.buffered_s < 9.0


@in_loop
async def test_closing_while_speaking_leaves_nothing() -> None:
    async with theatre() as stage:
        source = Given(speech("one"), asyncio.Event())
        utterance = stage.say("a", source)
        await stage.buffered(0.2)
        await stage.director.close()
        assert source.closed and utterance.done.is_set()


@in_loop
async def test_a_command_is_found_while_it_waits_or_is_said() -> None:
    async with theatre() as stage:
        stage.say("a", Given(speech("one")))
        assert stage.director.find("a") is not None and stage.director.find("b") is None
        await stage.play()
        assert stage.director.find("a") is None
