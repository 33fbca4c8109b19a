"""The brain behind ``chat_url``: a language model that knows the room's context, with the context itself behind it.

Where the endpoint fails before it has said anything, the embedded brain answers in its place and the room is told
why (see :data:`records.Report`); where it fails in the middle of an answer, what was said stays said.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass

import httpx
import structlog

from avatarium.clock import Clock
from avatarium.errors import UnavailableError
from avatarium.streaming.brain.answers import quoted
from avatarium.streaming.brain.embedded import QUESTION_MAX, EmbeddedBrain
from avatarium.streaming.brain.grounding import is_grounded
from avatarium.streaming.brain.memory import Exchange, Memory
from avatarium.streaming.brain.phrases import phrases
from avatarium.streaming.brain.records import Report
from avatarium.streaming.brain.retrieval import Hit
from avatarium.streaming.brain.spoken import SentenceStream
from avatarium.streaming.brain.stream import Endpoint, Message, stream_chat

PART = (
    "You talk with a visitor face to face, and every word of yours is spoken aloud. Answer in one to three short "
    "sentences, in the visitor's language. Write plain sentences: no lists, no headings, no mark-up, no emoji."
)
KNOWING = (
    "Answer from the text below. Where the answer does not stand in it, say that you do not know it; never make up "
    "facts, numbers or names."
)
REWORDING = (
    "Answer the visitor's question with what the passages below say, in one or two sentences of your own words and in "
    "the language of the question. Use no number and no name that does not stand in them, and add nothing."
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """What all rooms share: the endpoint and how it is spoken to."""

    endpoint: Endpoint
    prompt: str
    """The operator's own words on the model's part."""
    grounded: bool
    client: httpx.AsyncClient
    clock: Clock

    def ask(self, messages: list[Message]) -> AsyncGenerator[str, None]:
        """See :func:`stream.stream_chat`."""
        return stream_chat(self.client, self.endpoint, messages, self.clock)


class ChatBrain:
    """See :class:`records.Brain`."""

    def __init__(self, chat: Chat, embedded: EmbeddedBrain, context: str, *, language: str, report: Report) -> None:
        self._chat = chat
        self._embedded = embedded
        self._context = context.strip()
        self._language = language
        self._report = report

    async def prepare(self) -> None:
        """See :meth:`records.Brain.prepare`; readies what stands in when the endpoint fails."""
        await self._embedded.prepare()

    async def answer(self, question: str, memory: Memory) -> AsyncGenerator[str, None]:
        """See :meth:`records.Brain.answer`."""
        if not any(c.isalnum() for c in question):
            yield phrases(self._language).repeat
            return
        answer = self._reworded(question, memory) if self._chat.grounded else self._free(question, memory)
        said = False
        try:
            async with aclosing(answer):
                async for sentence in answer:
                    said = True
                    yield sentence
        except UnavailableError as problem:
            self._report(problem)
            if said:
                return
            for sentence in await self._embedded.instead(question, memory):
                yield sentence

    async def _free(self, question: str, memory: Memory) -> AsyncGenerator[str, None]:
        """The model's own answer, sentence by sentence."""
        sentences = SentenceStream()
        said = False
        async with aclosing(self._chat.ask(self._messages(question, memory))) as pieces:
            async for piece in pieces:
                for sentence in sentences.feed(piece):
                    said = True
                    yield sentence
        for sentence in sentences.finish():
            said = True
            yield sentence
        if not said:
            raise UnavailableError("The language model's answer held nothing to say.", code="chat_empty")

    async def _reworded(self, question: str, memory: Memory) -> AsyncGenerator[str, None]:
        """The passages in the model's words, if it kept to them; else the best passage."""
        hits = await self._embedded.passages(question, memory)
        if not hits:
            for sentence in await self._embedded.sentences(question, memory):
                yield sentence
            return
        sentences = SentenceStream()
        async with aclosing(self._chat.ask(_rewording(question, hits))) as pieces:
            said = [sentence async for piece in pieces for sentence in sentences.feed(piece)] + sentences.finish()
        if said and is_grounded(" ".join(said), _texts(hits), question):
            for sentence in said:
                yield sentence
            return
        log.info("chat_not_grounded", said=" ".join(said)[:300])
        for sentence in quoted(hits[0], phrases(self._language)):
            yield sentence

    def _messages(self, question: str, memory: Memory) -> list[Message]:
        knowing = [KNOWING, f"Text:\n{self._context}"] if self._context else []
        system = "\n\n".join([PART, *filter(None, [self._chat.prompt.strip()]), *knowing])
        before = [message for exchange in memory for message in _turns(exchange)]
        return [{"role": "system", "content": system}, *before, {"role": "user", "content": question[:QUESTION_MAX]}]


def _turns(exchange: Exchange) -> Iterator[Message]:
    if exchange.question:
        yield {"role": "user", "content": exchange.question}
    if exchange.answer:
        cut = " ..." if exchange.interrupted else ""
        yield {"role": "assistant", "content": exchange.answer + cut}


def _texts(hits: list[Hit]) -> list[str]:
    return [f"{hit.unit.passage.heading} {hit.unit.passage.question} {hit.unit.text}".strip() for hit in hits]


def _rewording(question: str, hits: list[Hit]) -> list[Message]:
    passages = "\n".join(f"- {text}" for text in _texts(hits))
    return [
        {"role": "system", "content": f"{PART}\n\n{REWORDING}\n\nPassages:\n{passages}"},
        {"role": "user", "content": question[:QUESTION_MAX]},
    ]
