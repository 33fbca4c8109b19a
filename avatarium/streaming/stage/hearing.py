"""The microphones of viewers: what they say interrupts the avatar and is answered. Only where a room was booked so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avatarium.errors import ConflictError
from avatarium.streaming.stage.conversation import Conversation
from avatarium.streaming.stage.director import Director
from avatarium.streaming.stage.events import Sink
from avatarium.streaming.stage.kit import Kit
from avatarium.streaming.transports.viewer import Viewer

if TYPE_CHECKING:
    from avatarium.engine.speech import Samples


class Hearing:
    """The ears of one room. Used on the event loop."""

    def __init__(self, conversation: Conversation, director: Director, emit: Sink, kit: Kit, *, booked: bool) -> None:
        self._conversation = conversation
        self._director = director
        self._emit = emit
        self._kit = kit
        self._booked = booked
        self.on = booked

    def turn(self, on: bool) -> None:
        if on and not self._booked:
            raise ConflictError(
                "This room was booked without a microphone. Book it with microphone: true.", code="no_microphone"
            )
        if on is not self.on:
            self.on = on
            self._emit("microphone_started" if on else "microphone_ended")

    def hear(self, viewer: Viewer, pcm: Samples, rate: int) -> None:
        pass

    def forget(self, viewer: Viewer) -> None:
        pass

    async def close(self) -> None:
        self.on = False
