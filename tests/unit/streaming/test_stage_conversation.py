"""Questions, answers, and what is remembered of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from avatarium.clock import Clock
from avatarium.engine.live import Painter
from avatarium.engine.speech import Speech
from avatarium.errors import TextError, TooLargeError, UnavailableError
from avatarium.streaming.stage import conversation as module
from avatarium.streaming.stage.conversation import ANSWER_MAX, Conversation, sorry_in
from avatarium.streaming.stage.director import Director
from avatarium.streaming.stage.manner import Manner
from avatarium.streaming.stage.pools import Pools
from avatarium.streaming.stage.show import TICK_S
from avatarium.streaming.wire import AskCommand
from tests.support.live_rooms import FlatFace, Parrot, in_loop, make_show, spec_of, speech, until, voices_of


class Talk:
    """A conversation whose sentences are tones and whose time is turned by hand."""

    def __init__(self, pools: Pools, sentences: list[str | Exception]) -> None:
        self.parrot = Parrot(sentences)
        self.show = make_show()
        self.show.set_painter(Painter(FlatFace()))
        self.show.watch(frozenset(), anybody=True)
        self.told: list[dict[str, Any]] = []
        self.director = Director(self.show, self.emit, pools, Clock(), queue_max=5)
        self.room = Conversation(spec_of(context="Old."), self.parrot, self.director, self.emit, voices_of(pools))
        self.number = 0

    def emit(self, kind: str, *, command_id: str | None = None, **facts: Any) -> dict[str, Any]:
        self.told.append({"type": kind, "command_id": command_id, **facts})
        return self.told[-1]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.told if event["type"] == kind]

    async def ask(self, text: str = "What does it cost?", command_id: str = "q1", **more: Any) -> None:
        await self.room.ask(AskCommand(command_id=command_id, text=text, **more))

    async def play(self, ticks: int = 10_000) -> None:
        async with asyncio.timeout(60):
            while self.director.speaking and ticks:
                self.director.on_beat(self.show.make(self.number * TICK_S, late=False))
                self.number, ticks = self.number + 1, ticks - 1
                await asyncio.sleep(0.001)


@asynccontextmanager
async def talk(*sentences: str | Exception) -> AsyncIterator[Talk]:
    pools = Pools.open()
    made = Talk(pools, list(sentences))
    made.director.start()
    made.director.set_audience(True)
    made.room.start()
    try:
        yield made
    finally:
        await made.director.close()
        await made.room.close()
        pools.close()


@pytest.fixture(autouse=True)
def _tones(monkeypatch: pytest.MonkeyPatch) -> None:
    def script(_self: Manner, text: str) -> Iterator[Speech]:
        return iter([speech(text, word_s=0.04)])

    monkeypatch.setattr(Manner, "script", script)


@in_loop
async def test_an_answer_is_told_and_said_sentence_by_sentence() -> None:
    async with talk("It costs five.", "Cash only.") as made:
        await made.ask()
        await made.play()
        assert [(e["text"], e["pos"]) for e in made.of("answer")] == [
            *[("It costs five.", "start"), ("Cash only.", "middle"), ("", "end")]
        ]
        assert {e["command_id"] for e in made.of("answer")} == {"q1"}
        assert [(e["role"], e["text"]) for e in made.of("transcript")] == [
            ("user", "What does it cost?"),
            ("avatar", "It costs five. Cash only."),
        ]
        assert made.of("speaking_ended")[0]["command_id"] == "q1"


@in_loop
async def test_the_next_question_knows_the_one_before() -> None:
    async with talk("Yes.") as made:
        await made.ask("First?", "q1")
        await made.play()
        await until(lambda: len(made.room._memory) == 1, "it is remembered")
        await made.ask("Second?", "q2")
        await made.play()
        assert made.parrot.asked == [("First?", 0), ("Second?", 1)]


@in_loop
async def test_what_is_remembered_is_what_was_heard() -> None:
    async with talk("one two three four five six", "never said") as made:
        await made.ask()
        await until(lambda: made.show.performer.buffered_s > 0.2, "speech is ready")
        await made.play(ticks=5)
        made.director.interrupt()
        await until(lambda: len(made.room._memory) == 1, "it is remembered")
        exchange = made.room._memory.last
        assert exchange is not None and exchange.interrupted
        assert exchange.answer and "never said" not in exchange.answer and "six" not in exchange.answer


@in_loop
async def test_a_brain_that_fails_is_told_of_and_excused() -> None:
    trouble = UnavailableError("The model does not answer.", code="chat_away")
    async with talk(trouble) as made:
        await made.ask()
        await made.play()
        assert made.of("problem")[0] | {"type": ""} == {
            **{"type": "", "command_id": "q1", "code": "chat_away", "message": "The model does not answer."}
        }
        assert [(e["text"], e["pos"]) for e in made.of("answer")] == [(sorry_in("en-US"), "start"), ("", "end")]
        assert made.of("transcript")[-1]["text"] == sorry_in("en-US")


@in_loop
async def test_a_brain_that_fails_amid_an_answer_has_said_what_it_said() -> None:
    async with talk("It costs five.", UnavailableError("Gone.", code="chat_away")) as made:
        await made.ask()
        await made.play()
        assert made.of("transcript")[-1]["text"] == "It costs five."
        assert made.of("problem")[0]["code"] == "chat_away"


@in_loop
async def test_an_endless_answer_is_ended_after_a_sentence() -> None:
    async with talk(*["This is a sentence of forty characters."] * 1000) as made:
        await made.ask()
        await until(lambda: len(made.of("answer")) > 1, "it answers")
        await made.play()
        text = " ".join(e["text"] for e in made.of("answer")).strip()
        assert ANSWER_MAX <= len(text) < ANSWER_MAX + 45 and text.endswith("characters.")
        assert made.of("answer")[-1]["pos"] == "end"


@in_loop
async def test_a_brain_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SENTENCE_S", 0.05)
    async with talk() as made:

        async def silent(question: str, memory: object) -> AsyncIterator[str]:
            await asyncio.sleep(60)
            yield ""

        made.parrot.answer = silent  # type: ignore[assignment, method-assign]
        await made.ask()
        await made.play()
        assert made.of("problem")[0]["code"] == "answer_too_slow"
        assert made.of("transcript")[-1]["text"] == sorry_in("en-US")


@in_loop
async def test_an_interrupt_closes_the_brain() -> None:
    async with talk("One.", "Two.") as made:
        closed = asyncio.Event()

        async def endless(question: str, memory: object) -> AsyncIterator[str]:
            try:
                yield "Wait."
                await asyncio.sleep(60)
            finally:
                closed.set()

        made.parrot.answer = endless  # type: ignore[assignment, method-assign]
        await made.ask()
        await until(lambda: made.of("answer"), "it answers")
        made.director.interrupt()
        await asyncio.wait_for(closed.wait(), 30)


@in_loop
async def test_another_context_is_another_brain_that_remembers_nothing() -> None:
    async with talk("Yes.") as made:
        await made.ask()
        await made.play()
        await until(lambda: len(made.room._memory) == 1, "it is remembered")
        made.room.set_context("New.")
        assert made.parrot.contexts == ["Old.", "New."] and len(made.room._memory) == 0


@in_loop
async def test_a_context_that_is_replaced_is_not_prepared_any_further() -> None:
    """Each that was set was prepared to its end: a room that set one after the other kept all others waiting."""
    async with talk("Yes.") as made:
        begun: list[str] = []
        given_up: list[str] = []

        async def prepare() -> None:
            context = made.parrot.contexts[-1]
            begun.append(context)
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                given_up.append(context)
                raise

        made.parrot.prepare = prepare  # type: ignore[method-assign]
        for context in ("One.", "Two.", "Three."):
            made.room.set_context(context)
            await until(lambda wanted=context: wanted in begun, "it is prepared")  # type: ignore[misc]
        assert given_up == ["One.", "Two."]
    assert given_up == ["One.", "Two.", "Three."]


@in_loop
async def test_an_answer_from_elsewhere_is_reported_as_a_problem() -> None:
    async with talk("Yes.") as made:
        made.parrot.report(UnavailableError("The model does not answer.", code="chat_away"))
        assert made.of("problem")[0]["code"] == "chat_away"


@in_loop
async def test_a_question_may_interrupt() -> None:
    async with talk("one two three four five six seven eight") as made:
        await made.ask(command_id="q1")
        await until(lambda: made.show.performer.buffered_s > 0.2, "speech is ready")
        await made.play(ticks=3)
        await made.ask("Stop?", "q2", interrupt=True)
        await made.play()
        assert made.of("interrupted")[0]["command_id"] == "q2"
        assert [e["command_id"] for e in made.of("speaking_started")] == ["q1", "q2"]


@in_loop
async def test_the_same_command_is_answered_once() -> None:
    async with talk("Yes.") as made:
        await made.ask(command_id="q1")
        await made.ask(command_id="q1")
        await made.play()
        assert len(made.parrot.asked) == 1


@in_loop
async def test_no_question_and_too_long_a_question() -> None:
    async with talk("Yes.") as made:
        with pytest.raises(TextError):
            await made.ask("  ")
        with pytest.raises(TooLargeError):
            await made.room.ask(AskCommand.model_construct(command_id="q", text="x" * 100_000, interrupt=False))
        assert made.told == []


@pytest.mark.parametrize(
    ("language", "gender", "begins"), [("en-GB", "male", "I am"), ("fr", "male", "Je suis désolé,"), ("xx", "", "I am")]
)
def test_an_excuse_in_the_language_of_the_room(language: str, gender: str, begins: str) -> None:
    assert sorry_in(language, gender).startswith(begins)
