"""The microphones of viewers: what they say interrupts the avatar and is answered. Only where a room was booked so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import structlog

from avatarium.errors import AvatariumError, ConflictError
from avatarium.ids import new_id
from avatarium.streaming.ears import EarEvent, EarKind, EarKit, Listener
from avatarium.streaming.stage.conversation import Conversation
from avatarium.streaming.stage.director import Director
from avatarium.streaming.stage.events import Sink
from avatarium.streaming.transports.viewer import Viewer
from avatarium.streaming.wire import TEXT_MAX, AskCommand, RoomSpec

if TYPE_CHECKING:
    from avatarium.engine.speech import Samples

LISTENERS_MAX = 4
"""Viewers of a room who are listened to at once."""
log = structlog.get_logger()


class Hearing:
    """The ears of one room. Used on the event loop.

    Args:
        spec: what was booked.
        ears: those of the stage.
        conversation: answers what was heard.
        director: is interrupted when somebody speaks.
        emit: told what happens.
        attend: called with whether somebody speaks, for the face.
    """

    def __init__(
        self,
        spec: RoomSpec,
        ears: EarKit,
        conversation: Conversation,
        director: Director,
        emit: Sink,
        attend: Callable[[bool], None],
    ) -> None:
        self._spec = spec
        self._ears = ears
        self._conversation = conversation
        self._director = director
        self._emit = emit
        self._attend = attend
        self._listeners: dict[str, Listener] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._prepared = False
        self.on = spec.microphone
        """Whether what viewers say is heard."""

    def turn(self, on: bool) -> None:
        """Listen, or do not.

        Raises:
            ConflictError: ``no_microphone``: the room was booked without.
        """
        if on and not self._spec.microphone:
            raise ConflictError(
                "This room was booked without a microphone. Book it with microphone: true.", code="no_microphone"
            )
        if on is self.on:
            return
        self.on = on
        self._emit("microphone_started" if on else "microphone_ended")
        if not on:
            self._forget(list(self._listeners))

    def hear(self, viewer: Viewer, pcm: Samples, rate: int) -> None:
        """Sound of a viewer."""
        if not self.on:
            return
        listener = self._listeners.get(viewer.id)
        if listener is None:
            if len(self._listeners) >= LISTENERS_MAX:
                return
            listener = self._listeners[viewer.id] = self._listener()
        listener.hear(pcm, rate)

    def played(self, sound: Samples) -> None:
        """What the avatar says in a tick, by which its own voice is told from a viewer's."""
        for listener in self._listeners.values():
            listener.played(sound)

    def forget(self, viewer: Viewer) -> None:
        """It has gone."""
        self._forget([viewer.id])

    async def close(self) -> None:
        """Hear nobody any more."""
        self.on = False
        self._forget(list(self._listeners))
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _listener(self) -> Listener:
        if not self._prepared:
            self._prepared = True
            self._own(self._prepare())
        return self._ears.listener(self._happened, language=self._spec.language)

    async def _prepare(self) -> None:
        try:
            await self._ears.prepare()
        except AvatariumError as problem:
            self._emit("problem", code=problem.code, message=problem.message)

    def _forget(self, viewer_ids: list[str]) -> None:
        for viewer_id in viewer_ids:
            listener = self._listeners.pop(viewer_id, None)
            if listener is not None:
                self._own(listener.aclose())
        if not self._listeners:
            self._attend(False)

    def _happened(self, event: EarEvent) -> None:
        if not self.on:
            return
        match event.kind:
            case EarKind.SPEECH_STARTED:
                if self._director.speaking:
                    self._director.interrupt()
                self._attend(True)
            case EarKind.TRANSCRIPT:
                self._attend(False)
                self._own(self._ask(event.text))
            case EarKind.NOISE:
                self._attend(False)
            case EarKind.DROPPED:
                log.warning("microphone_dropped", room=self._spec.room_id)
            case EarKind.PROBLEM:
                self._attend(False)
                if event.problem is not None:
                    self._emit("problem", code=event.problem.code, message=event.problem.message)

    async def _ask(self, text: str) -> None:
        try:
            await self._conversation.ask(AskCommand(command_id=new_id(), text=text[:TEXT_MAX]))
        except AvatariumError as problem:
            self._emit("problem", code=problem.code, message=problem.message)

    def _own(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="hearing")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
