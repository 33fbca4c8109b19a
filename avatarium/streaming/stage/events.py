"""What happens in a room, in order, numbered, and kept for a while for those who come back."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

from avatarium.ids import new_id

HISTORY = 500
"""Events of a room that are kept."""
KEEPALIVE_S = 10.0
KEEPALIVE: dict[str, Any] = {"type": "keepalive"}
EVENT_MAX_BYTES = 48_000
"""As JSON: what every way to those who listen carries, a browser's data channel above all (64 kB)."""
SHORTER = (2000, 200, 20)
"""Characters that texts of a larger one keep, and a tenth as many entries of lists; the first that is enough."""
LAST = "ended"
"""The type of the event after which none comes."""

Event = dict[str, Any]


class Sink(Protocol):
    """Where a part of a room tells what happened."""

    def __call__(self, kind: str, *, command_id: str | None = None, **facts: Any) -> Event: ...


class EventLog:
    """The events of one room. Used on the event loop only.

    A subscriber has no queue of its own but a place in the history: who is so slow that the history has gone past him
    misses what was forgotten, and nobody waits for him.
    """

    def __init__(
        self,
        channel: str,
        *,
        now_ms: Callable[[], int],
        media_ms: Callable[[], int],
        tell: Callable[[Event], None] = lambda event: None,
    ) -> None:
        self._channel = channel
        self._now_ms = now_ms
        self._media_ms = media_ms
        self._tell = tell
        self._history: deque[Event] = deque(maxlen=HISTORY)
        self._number = 0
        self._news = asyncio.Event()
        self.closed = False
        """Whether the last event has happened."""

    def emit(self, kind: str, *, command_id: str | None = None, **facts: Any) -> Event:
        """Something happened. Nothing does after ``ended``. What is too large is told in part, see :func:`bounded`."""
        event: Event = {
            "number": self._number + 1,
            "event_id": new_id(),
            "type": kind,
            "channel": self._channel,
            "time": self._now_ms(),
            "media_ms": self._media_ms(),
            "command_id": command_id,
            **facts,
        }
        if self.closed:
            return event
        event = bounded(event)
        self._number += 1
        self._history.append(event)
        self.closed = kind == LAST
        news, self._news = self._news, asyncio.Event()
        news.set()
        self._tell(event)
        return event

    @property
    def number(self) -> int:
        """Of the latest event; 0 before the first."""
        return self._number

    def since(self, after: int) -> list[Event]:
        """The events behind a number, as far as they are kept."""
        missed = self._number - after
        if missed <= 0:
            return []
        return list(self._history)[-missed:]

    async def follow(self, after: int | None = None, *, keepalive_s: float = KEEPALIVE_S) -> AsyncIterator[Event]:
        """All that happens, until the room has ended; :data:`KEEPALIVE` where nothing does.

        Args:
            after: a number; those behind it come first. None begins now.
            keepalive_s: silence after which a sign of life is given.
        """
        at = self._number if after is None else min(after, self._number)
        while True:
            news = self._news
            for event in self.since(at):
                at = int(event["number"])
                yield event
            if self.closed and at >= self._number:
                return
            if news is not self._news:
                continue
            try:
                await asyncio.wait_for(news.wait(), keepalive_s)
            except TimeoutError:
                yield KEEPALIVE


def bounded(event: Event) -> Event:
    """An event no larger than :data:`EVENT_MAX_BYTES`; of a larger one the beginnings of its texts and lists, and
    ``shortened``."""
    made = event
    for most in SHORTER:
        if _size_bytes(made) <= EVENT_MAX_BYTES:
            return made
        made = {key: _beginning(value, most) for key, value in event.items()} | {"shortened": True}
    return made


def _size_bytes(event: Event) -> int:
    return len(json.dumps(event, ensure_ascii=False).encode("utf-8", "replace"))


def _beginning(value: Any, most: int) -> Any:
    if isinstance(value, str):
        return value[:most]
    if isinstance(value, dict):
        return {key: _beginning(part, most) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_beginning(part, most) for part in value[: most // 10]]
    return value
