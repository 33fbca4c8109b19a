"""What is to be said: an utterance, and where its pieces of speech come from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from avatarium.streaming.stage.pools import Pools, run_in

if TYPE_CHECKING:
    from avatarium.engine.face import Emotion
    from avatarium.engine.live import Gesture
    from avatarium.engine.speech import Speech

CHARACTERS_A_SECOND = 14.0
"""Of speech at normal speed, to tell how long a text takes before it is spoken."""


class Source(Protocol):
    """Where an utterance's speech comes from."""

    def pieces(self) -> AsyncGenerator[Speech, None]:
        """One after the other, as they are known. Closing the iterator stops the work.

        Raises:
            AvatariumError: it cannot be spoken, or not to its end.
        """
        ...


@dataclass(slots=True, eq=False, kw_only=True)
class Utterance:
    """One thing to say, from the moment it was asked for."""

    command_id: str
    tag: str
    """What the performer calls it; unique in its room."""
    source: Source
    text: str = ""
    """What is said, as far as it is known: of an answer the sentences so far, of sound nothing."""
    question: str | None = None
    """What it answers."""
    emotion: Emotion | None = None
    strength: float = 1.0
    gesture: Gesture | None = None
    generation: int = 0
    asked_s: float = 0.0
    """When, on the monotonic clock."""
    expected_s: float = 0.0
    """How long it will take, roughly."""
    started: bool = False
    """Whether its sound was made."""
    said_text: str = ""
    """What was really said, once it is over."""
    interrupted: bool = False
    done: asyncio.Event = field(default_factory=asyncio.Event)
    """It has been said, cut or given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSource:
    """A text that was judged already, spoken sentence by sentence.

    The first piece is made where somebody waits for it, the others where nobody does.
    """

    pools: Pools
    script: Iterator[Speech]

    async def pieces(self) -> AsyncGenerator[Speech, None]:
        pool = self.pools.first
        while True:
            piece = await run_in(pool, self._next)
            if piece is None:
                return
            yield piece
            pool = self.pools.ahead

    def _next(self) -> Speech | None:
        return next(self.script, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerSource:
    """Sentences that are known one by one, such as a brain's answer, each spoken as soon as it is there."""

    sentences: Callable[[], AsyncGenerator[str, None]]
    speak: Callable[[str], Awaitable[Source]]
    """Where the speech of one sentence comes from."""

    async def pieces(self) -> AsyncGenerator[Speech, None]:
        async with aclosing(self.sentences()) as sentences:
            async for sentence in sentences:
                source = await self.speak(sentence)
                async with aclosing(source.pieces()) as pieces:
                    async for piece in pieces:
                        yield piece


def expected_s(text: str, rate: float) -> float:
    """How long a text takes to say, roughly."""
    return len(text) / CHARACTERS_A_SECOND / rate
