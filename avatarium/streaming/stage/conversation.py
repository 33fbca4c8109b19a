"""Questions of viewers and the answers to them: a room's brain, and what it remembers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import structlog

from avatarium.errors import AvatariumError
from avatarium.streaming.brain import Brain, BrainMaker, Memory
from avatarium.streaming.stage.director import Director
from avatarium.streaming.stage.events import Sink
from avatarium.streaming.stage.manner import check_text, manner_of
from avatarium.streaming.stage.utterances import AnswerSource, Utterance
from avatarium.streaming.stage.voices import RoomVoices
from avatarium.streaming.wire import Accepted, AskCommand, RoomSpec

ANSWER_MAX = 1500
"""Characters at which an answer is ended, after a whole sentence."""
SENTENCE_S = 60.0
"""For one sentence; the brain watches the time of each word, where it asks somebody."""
SORRY = {
    "en": "I am sorry, I cannot answer that right now.",
    "es": "Lo siento, ahora mismo no puedo responder a eso.",
    "fr": "Je suis désolée, je ne peux pas répondre à cela maintenant.",
    "it": "Mi dispiace, in questo momento non posso rispondere.",
    "pt": "Desculpe, não posso responder a isso agora.",
    "hi": "माफ़ कीजिए, मैं अभी इसका जवाब नहीं दे सकती।",
}
_MALE = {
    "fr": "Je suis désolé, je ne peux pas répondre à cela maintenant.",
    "hi": "माफ़ कीजिए, मैं अभी इसका जवाब नहीं दे सकता।",
}
log = structlog.get_logger()


class Conversation:
    """Who answers in one room. Used on the event loop."""

    def __init__(self, spec: RoomSpec, maker: BrainMaker, director: Director, emit: Sink, voices: RoomVoices) -> None:
        self._spec = spec
        self._maker = maker
        self._director = director
        self._emit = emit
        self._voices = voices
        self._memory = Memory()
        self._preparing: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._brain = self._made(spec.context)

    def start(self) -> None:
        """Read the context, so that the first question is answered soon."""
        self._prepare()

    def set_context(self, text: str) -> None:
        """Answer from this text from now on."""
        self._brain = self._made(text)
        self._memory.forget()
        self._prepare()

    async def ask(self, command: AskCommand) -> Accepted:
        """Answer a question, after what waits already.

        A command that is under way already is taken once, and shares what becomes of it.

        Raises:
            TextError, TooLargeError: the question cannot be read.
            BusyError: ``queue_full``.
        """
        check_text(command.text)
        known = await self._director.answered(command.command_id)
        if known is not None:
            return known
        if command.interrupt:
            self._director.interrupt(command.command_id)
        self._director.check_room()
        manner = manner_of(self._spec)
        utterance = Utterance(
            command_id=command.command_id,
            tag=self._director.new_tag(),
            source=AnswerSource(
                sentences=lambda: self._answer(command.text, utterance),
                speak=lambda sentence: self._voices.source(sentence, manner),
            ),
            question=command.text,
        )
        self._emit("transcript", command_id=command.command_id, role="user", text=command.text, final=True)
        accepted = self._director.add(utterance)
        self._own(asyncio.create_task(self._remember(utterance), name=f"remember {utterance.tag}"))
        return accepted

    async def close(self) -> None:
        """Let go of what still waits."""
        tasks = [*self._tasks, *([self._preparing] if self._preparing else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, question: str, utterance: Utterance) -> AsyncGenerator[str, None]:
        position = "start"
        try:
            async with aclosing(self._brain.answer(question, self._memory)) as sentences:
                while len(utterance.text) < ANSWER_MAX:
                    # Around each wait alone: the time in which a sentence is spoken does not count.
                    async with asyncio.timeout(SENTENCE_S):
                        sentence = await anext(sentences, None)
                    if sentence is None:
                        break
                    self._note(utterance, sentence, position)
                    position = "middle"
                    yield sentence
        except (AvatariumError, TimeoutError) as problem:
            self._tell(utterance, problem)
            if position == "start":
                sorry = sorry_in(self._spec.language, self._spec.gender)
                self._note(utterance, sorry, position)
                yield sorry
        self._emit("answer", command_id=utterance.command_id, text="", pos="end")

    def _note(self, utterance: Utterance, sentence: str, position: str) -> None:
        utterance.text = f"{utterance.text} {sentence}".strip()
        self._emit("answer", command_id=utterance.command_id, text=sentence, pos=position)

    def _tell(self, utterance: Utterance, problem: AvatariumError | TimeoutError) -> None:
        code, message = "answer_too_slow", f"No sentence of the answer came within {SENTENCE_S:g} seconds."
        if isinstance(problem, AvatariumError):
            code, message = problem.code, problem.message
        self._emit("problem", command_id=utterance.command_id, code=code, message=message)

    async def _remember(self, utterance: Utterance) -> None:
        await utterance.done.wait()
        self._memory.add(utterance.question or "", utterance.said_text, interrupted=utterance.interrupted)

    def _made(self, context: str) -> Brain:
        return self._maker.for_room(context, language=self._spec.language, report=self._report)

    def _report(self, problem: AvatariumError) -> None:
        self._emit("problem", code=problem.code, message=problem.message)

    def _prepare(self) -> None:
        if self._preparing is not None:
            self._preparing.cancel()
        self._preparing = asyncio.create_task(self._prepared(), name="brain")

    async def _prepared(self) -> None:
        try:
            await self._brain.prepare()
        except AvatariumError as problem:
            log.info("brain_not_ready", reason=problem.message)  # the first question tries again

    def _own(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def sorry_in(language: str, gender: str = "") -> str:
    """What somebody says who cannot answer, in his language; English where we have no other words."""
    tongue = language.split("-")[0].lower()
    male = _MALE.get(tongue) if gender == "male" else None
    return male or SORRY.get(tongue, SORRY["en"])
