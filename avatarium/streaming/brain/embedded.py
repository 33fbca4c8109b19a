"""The brain that every installation has: quotes the room's context. No network, no language model, nothing invented."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass

import structlog

from avatarium.engine.speech import guess_language
from avatarium.errors import AssetError
from avatarium.streaming.brain.answers import instructs, quoted, small_answer
from avatarium.streaming.brain.context import bounded, read_context, without
from avatarium.streaming.brain.followups import Query, query_of
from avatarium.streaming.brain.lane import Lane, Rank
from avatarium.streaming.brain.memory import Memory
from avatarium.streaming.brain.phrases import phrases, small_talk
from avatarium.streaming.brain.retrieval import Embed, Hit, Index, Trust
from avatarium.streaming.wire import CONTEXT_MAX

KEPT = 64
"""Contexts that stay prepared, about 0.3 MB each."""
QUESTION_MAX = 500
"""Characters of a question that are looked at."""

log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class _Preparation:
    task: asyncio.Task[Shelf]
    waiting: int = 0
    """How many wait for it."""

    @property
    def failed(self) -> bool:
        return self.task.done() and (self.task.cancelled() or self.task.exception() is not None)


class Library:
    """Prepared contexts of a process, by their hash. Used from one event loop; works in one thread of its own.

    Answers go before preparations, which take turns and are given up where nobody waits for them any more: a room with
    a long context, or with one that changes all the time, keeps no other one waiting.
    """

    def __init__(self) -> None:
        self._lane = Lane("brain")
        self._prepared: OrderedDict[str, _Preparation] = OrderedDict()

    async def shelf(self, context: str) -> Shelf:
        """A context made ready, once for all who ask for it at the same time."""
        key = hashlib.sha256(context.encode()).hexdigest()
        known = self._prepared.get(key)
        if known is None or known.failed:
            known = _Preparation(asyncio.create_task(self._prepare(context), name="prepare context"))
            self._prepared[key] = known
        self._prepared.move_to_end(key)
        known.waiting += 1
        self._forget_old()
        try:
            return await asyncio.shield(known.task)
        finally:
            known.waiting -= 1
            if not known.waiting and not known.task.done():
                known.task.cancel()
                if self._prepared.get(key) is known:
                    del self._prepared[key]

    async def search(self, shelf: Shelf, query: Query) -> list[Hit]:
        """The best passages for a question."""
        return await self._lane.run(Rank.ANSWER, shelf.index.search, query)

    async def aclose(self) -> None:
        """Stop; what a thread is busy with is waited for, a second at most."""
        tasks = [known.task for known in self._prepared.values()]
        self._prepared.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._lane.aclose()

    async def _prepare(self, context: str) -> Shelf:
        steps = preparation(context)
        while (shelf := await self._lane.run(Rank.PREPARE, next, steps)) is None:
            pass
        return shelf

    def _forget_old(self) -> None:
        unused = [key for key, known in self._prepared.items() if not known.waiting]
        for key in unused[: max(0, len(self._prepared) - KEPT)]:
            self._prepared.pop(key).task.cancel()


class Shelf:
    """One context, ready to be searched."""

    def __init__(self, index: Index, told: Index, language: str, problem: AssetError | None) -> None:
        self.index = index
        self.told = told
        """Who the avatar is and what its headings are: what small talk is answered from."""
        self.language = language
        self.problem = problem
        """Why meaning is not compared, though the language would allow it."""


def preparation(context: str, *, by_meaning: bool = True) -> Iterator[Shelf | None]:
    """Read and embed a context, step by step; the last step gives what is ready. Any thread, one at a time.

    Some milliseconds in all; where it is English and full, about 2.5 s of CPU, or 9 s of letters that are no words.
    """
    passages = read_context(context[:CONTEXT_MAX])
    language = guess_language(context).code
    told = Index(bounded(passages), None, language)
    embed, problem = _embedding() if by_meaning and language == "en" and passages else (None, None)
    index = Index(bounded(without(passages, instructs)), embed, language)
    yield from index.read()
    yield Shelf(index, told, language, problem)


def prepare_context(context: str, *, by_meaning: bool = True) -> Shelf:
    """All steps of a preparation."""
    *_, shelf = preparation(context, by_meaning=by_meaning)
    assert shelf is not None
    return shelf


def _embedding() -> tuple[Embed | None, AssetError | None]:
    from avatarium.engine.language.embedding import embedding

    try:
        return embedding(), None
    except AssetError as problem:
        log.warning("brain_by_words_alone", reason=problem.message)
        return None, problem


class EmbeddedBrain:
    """See :class:`records.Brain`."""

    def __init__(self, library: Library, context: str, *, language: str = "en") -> None:
        self._library = library
        self._context = context.strip()
        self._language = language

    async def prepare(self) -> None:
        """See :meth:`records.Brain.prepare`."""
        shelf = await self._library.shelf(self._context)
        if shelf.problem:
            raise shelf.problem

    async def answer(self, question: str, memory: Memory) -> AsyncGenerator[str, None]:
        """See :meth:`records.Brain.answer`."""
        for sentence in await self.sentences(question, memory):
            yield sentence

    async def sentences(self, question: str, memory: Memory) -> list[str]:
        """The whole answer."""
        own = phrases(self._language)
        return await self._said(question, memory, unknown=own.unknown, nothing=own.nothing)

    async def instead(self, question: str, memory: Memory) -> list[str]:
        """The answer in place of a brain that failed: what is not known might be known another time."""
        away = phrases(self._language).away
        return await self._said(question, memory, unknown=away, nothing=away)

    async def passages(self, question: str, memory: Memory) -> list[Hit]:
        """What the context holds on a question, best first; for a brain that words its answers itself."""
        shelf = await self._library.shelf(self._context)
        query = query_of(question.strip()[:QUESTION_MAX], memory, shelf.language)
        return [hit for hit in await self._library.search(shelf, query) if hit.trust is not Trust.NONE]

    async def _said(self, question: str, memory: Memory, *, unknown: str, nothing: str) -> list[str]:
        if not any(c.isalnum() for c in question):
            return [phrases(self._language).repeat]
        shelf = await self._library.shelf(self._context)
        if talk := small_talk(question, self._language):
            return small_answer(talk[0], shelf.told, phrases(talk[1]))
        if not shelf.index.units:
            return [nothing]
        hits = await self.passages(question, memory)
        # What introduces a quotation is said in the quotation's own language.
        return quoted(hits[0], phrases(shelf.language)) if hits else [unknown]
