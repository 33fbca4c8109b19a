"""Which brain an installation has."""

from __future__ import annotations

from functools import cached_property

import httpx

from avatarium.clock import Clock
from avatarium.settings import Settings
from avatarium.streaming.brain.chat import Chat, ChatBrain
from avatarium.streaming.brain.embedded import EmbeddedBrain, Library
from avatarium.streaming.brain.records import Brain, Report, unheard
from avatarium.streaming.brain.stream import CONNECT_S, Endpoint, endpoint_url

CONNECTIONS = 64


class EmbeddedMaker:
    """Answers from the context alone."""

    def __init__(self) -> None:
        self._library = Library()

    def for_room(self, context: str, *, language: str = "en", report: Report = unheard) -> Brain:
        """See :meth:`records.BrainMaker.for_room`."""
        return EmbeddedBrain(self._library, context, language=language)

    async def aclose(self) -> None:
        """See :meth:`records.BrainMaker.aclose`."""
        await self._library.aclose()


class ChatMaker:
    """A language model answers, with the context behind it.

    Raises:
        OptionError: ``bad_chat_url``.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._library = Library()
        self._endpoint = Endpoint(
            url=endpoint_url(settings.chat_url),
            model=settings.chat_model,
            key=settings.chat_key.get_secret_value(),
            timeout_s=settings.chat_timeout_s,
            longest_s=settings.chat_longest_s,
            characters_max=settings.chat_characters_max,
        )

    def for_room(self, context: str, *, language: str = "en", report: Report = unheard) -> Brain:
        """See :meth:`records.BrainMaker.for_room`."""
        embedded = EmbeddedBrain(self._library, context, language=language)
        return ChatBrain(self._chat, embedded, context, language=language, report=report)

    async def aclose(self) -> None:
        """See :meth:`records.BrainMaker.aclose`."""
        await self._library.aclose()
        if "_chat" in self.__dict__:
            await self._chat.client.aclose()

    @cached_property
    def _chat(self) -> Chat:
        # A shorter time to answer ends the whole, connecting or not: of two clocks that run out together either wins.
        timeout = httpx.Timeout(None, connect=CONNECT_S)
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=8)
        return Chat(
            endpoint=self._endpoint,
            prompt=self._settings.chat_prompt,
            grounded=self._settings.chat_grounded,
            client=httpx.AsyncClient(timeout=timeout, limits=limits),
            clock=self._clock,
        )


def make(settings: Settings, clock: Clock | None = None) -> EmbeddedMaker | ChatMaker:
    """See :func:`open_brain`."""
    return ChatMaker(settings, clock or Clock()) if settings.chat_url else EmbeddedMaker()
