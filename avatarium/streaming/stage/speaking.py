"""Commands to speak, made into utterances: what cannot be said is refused before anything is queued."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from avatarium.errors import BusyError, ConflictError
from avatarium.streaming.stage.director import Director
from avatarium.streaming.stage.kit import Kit
from avatarium.streaming.stage.manner import Manner, check_text, manner_of
from avatarium.streaming.stage.pools import run_in
from avatarium.streaming.stage.sounds import RATE, FileSource, PushedSource, fetch_sound
from avatarium.streaming.stage.utterances import Source, TextSource, Utterance, expected_s
from avatarium.streaming.wire import Accepted, RoomSpec, SpeakCommand

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SOUND_WAITING_S = 600.0
"""Recordings that wait in one room, in all: they are held in memory."""


class Speaker:
    """Takes commands for one room. Used on the event loop."""

    def __init__(self, spec: RoomSpec, kit: Kit, director: Director) -> None:
        self._spec = spec
        self._kit = kit
        self._director = director

    async def speak(self, command: SpeakCommand) -> Accepted:
        """Say a text or a recording, after what waits already.

        A command that waits already is taken once.

        Raises:
            TextError, TooLargeError, OptionError: it cannot be said.
            AudioError, ServiceError: the recording cannot be had or read.
            BusyError: ``queue_full``.
        """
        asked_s = self._kit.clock.monotonic_s()
        known = self._director.find(command.command_id)
        if known is not None:
            return Accepted(command_id=known.command_id, generation=known.generation)
        if not command.interrupt:
            self._director.check_room()
        manner = manner_of(self._spec, command)
        if command.audio_url:
            file = await self._recording(command.audio_url)
            return self._take(command, manner, file, seconds=file.duration_s, asked_s=asked_s)
        check_text(command.text)
        script = await run_in(self._kit.pools.first, partial(manner.script, command.text))
        source = TextSource(pools=self._kit.pools, script=script)
        return self._take(command, manner, source, seconds=expected_s(command.text, manner.rate), asked_s=asked_s)

    def push(self, command_id: str, rate: int) -> PushedSource:
        """Say what will be pushed, after what waits already.

        Raises:
            BusyError: ``queue_full``.
            ConflictError: ``command_known``: something of this name waits or is being said.
        """
        if self._director.find(command_id) is not None:
            raise ConflictError("A command of this name is under way. Choose another.", code="command_known")
        source = PushedSource(self._kit.pools, self._kit.listen, rate)
        manner = manner_of(self._spec)
        command = SpeakCommand(command_id=command_id)
        self._take(command, manner, source, seconds=0.0, asked_s=self._kit.clock.monotonic_s())
        utterance = self._director.find(command_id)
        if utterance is not None:
            source.over = utterance.done
        return source

    def _take(
        self, command: SpeakCommand, manner: Manner, source: Source, *, seconds: float, asked_s: float
    ) -> Accepted:
        if command.interrupt:
            self._director.interrupt(command.command_id)
        return self._director.add(
            Utterance(
                command_id=command.command_id,
                tag=self._director.new_tag(),
                source=source,
                text=command.text.strip(),
                emotion=manner.emotion,
                strength=manner.strength,
                gesture=manner.gesture,
                asked_s=asked_s,
                expected_s=seconds,
            )
        )

    async def _recording(self, url: str) -> FileSource:
        kit = self._kit
        fetch = partial(fetch_sound, kit.fetcher, url, self._spec.owner, kit.scratch)
        sound: NDArray[np.int16] = await run_in(kit.pools.chores, fetch)
        waiting_s = sum(
            utterance.source.duration_s
            for utterance in self._director.queue
            if isinstance(utterance.source, FileSource)
        )
        if waiting_s + len(sound) / RATE > SOUND_WAITING_S:
            raise BusyError(
                f"Recordings of {SOUND_WAITING_S / 60:g} minutes in all may wait in a room. Wait until some were "
                "played.",
                code="queue_full",
                retry_after_s=30,
            )
        return FileSource(pools=kit.pools, listen=kit.listen, sound=sound)
