"""The data channels of a viewer: events in order, bounded, words and visemes given up first."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from typing import Any

from aiortc import RTCDataChannel

from avatarium.streaming.transports.viewer import Event

EVENTS, MESSAGES = "events", "stream-message"
"""Labels that a client gives its channels: ours, and the one on which A2E's messages come."""
WAITING_MAX = 400
BUFFERED_MAX = 64_000
"""Bytes handed to SCTP that have not left; more would only make what comes later stale."""
MESSAGE_MAX = 65_536
"""Bytes of one message that every browser takes (RFC 8841 section 6); a longer one is left out."""
MINOR = frozenset({"word", "viseme"})


def a2e_message(event: Event) -> dict[str, Any] | None:
    """An ``answer`` as A2E's pages read it from Agora's stream messages; other events are not theirs."""
    if event.get("type") != "answer":
        return None
    return {"type": "QA", "message": event.get("text", ""), "pos": event.get("pos", "end")}


class EventQueue:
    """Events that wait for a connection. ``send`` takes text and tells whether it was taken."""

    def __init__(self, send: Callable[[str], bool]) -> None:
        self._send = send
        self._waiting: deque[tuple[bool, str]] = deque()
        self.dropped = 0

    def put(self, event: Event) -> None:
        """Take an event, and give up older minor ones, or the oldest, where too many wait."""
        self._waiting.append((event.get("type") in MINOR, json.dumps(event, ensure_ascii=False)))
        if len(self._waiting) > WAITING_MAX:
            self.dropped += 1
            index = next((i for i, (minor, _) in enumerate(self._waiting) if minor), 0)
            del self._waiting[index]
        self.flush()

    def flush(self) -> None:
        """Send what can be sent."""
        while self._waiting and self._send(self._waiting[0][1]):
            self._waiting.popleft()


class Channels:
    """Both channels of one viewer; events that come before a channel is open wait for it."""

    def __init__(self, gone: Callable[[], None]) -> None:
        self._gone = gone
        self._open: dict[str, RTCDataChannel] = {}
        self._queues = {label: EventQueue(self._sender(label)) for label in (EVENTS, MESSAGES)}

    def _sender(self, label: str) -> Callable[[str], bool]:
        def send(text: str) -> bool:
            channel = self._open.get(label)
            if channel is None or channel.readyState != "open" or channel.bufferedAmount > BUFFERED_MAX:
                return False
            if len(data := text.encode()) <= MESSAGE_MAX:
                channel.send(data.decode())
            return True

        return send

    def take(self, channel: RTCDataChannel) -> None:
        """A channel that the client opened; those of other names are left alone."""
        if channel.label not in self._queues or channel.label in self._open:
            return
        queue = self._queues[channel.label]
        self._open[channel.label] = channel
        channel.bufferedAmountLowThreshold = BUFFERED_MAX // 2
        channel.on("bufferedamountlow", queue.flush)
        channel.on("close", self._gone)
        queue.flush()

    def send(self, event: Event) -> None:
        """Send an event, now or as soon as there is room."""
        self._queues[EVENTS].put(event)
        if (message := a2e_message(event)) is not None:
            self._queues[MESSAGES].put(message)

    @property
    def dropped(self) -> int:
        return sum(queue.dropped for queue in self._queues.values())
