"""Commands to speak, made into utterances: what cannot be said is refused before anything is queued."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from avatarium.errors import BusyError, ConflictError
from avatarium.streaming.stage.director import Director
from avatarium.streaming.stage.kit import Kit
from avatarium.streaming.stage.manner import Manner, check_text, manner_of
from avatarium.streaming.stage.pools import Pools, call_in
from avatarium.streaming.stage.sounds import RATE, FileSource, PushedSource, Shelf, fetch_sound
from avatarium.streaming.stage.utterances import Source, Utterance, expected_s
from avatarium.streaming.stage.voices import RoomVoices
from avatarium.streaming.wire import Accepted, RoomSpec, SpeakCommand

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SOUND_WAITING_S = 600.0
"""Recordings that wait in one room, in all: they are held in memory."""
FETCHES_MAX = 2
"""Recordings that are fetched for one room at once: each holds a thread that all rooms share."""


class Speaker:
    """Takes commands for one room. Used on the event loop."""

    def __init__(self, spec: RoomSpec, kit: Kit, director: Director, pools: Pools, voices: RoomVoices) -> None:
        self._spec = spec
        self._kit = kit
        self._director = director
        self._pools = pools
        self._voices = voices
        self._fetches = 0
        self._shelf = Shelf()

    async def speak(self, command: SpeakCommand) -> Accepted:
        """Say a text or a recording, after what waits already.

        A command that is under way already is taken once, and shares what becomes of it.

        Raises:
            TextError, TooLargeError, OptionError: it cannot be said.
            AudioError, ServiceError: the recording cannot be had or read.
            BusyError: ``queue_full``.
        """
        asked_s = self._kit.clock.monotonic_s()
        known = await self._director.answered(command.command_id)
        if known is not None:
            return known
        manner = manner_of(self._spec, command)
        if not command.audio_url:
            check_text(command.text)
        text = command.text.strip()
        with self._director.expect(command.command_id, text, interrupt=command.interrupt) as coming:
            source, seconds = await self._source(command, manner)
            if coming.answer is None:
                coming.answer = self._take(command, manner, source, seconds=seconds, asked_s=asked_s, expected=True)
            return coming.answer

    def push(self, command_id: str, rate: int) -> PushedSource:
        """Say what will be pushed, after what waits already.

        Raises:
            BusyError: ``queue_full``.
            ConflictError: ``command_known``: something of this name waits or is being said.
        """
        if self._director.knows(command_id):
            raise ConflictError("A command of this name is under way. Choose another.", code="command_known")
        source = PushedSource(self._pools, self._kit.listen, rate, self._shelf)
        manner = manner_of(self._spec)
        command = SpeakCommand(command_id=command_id)
        self._take(command, manner, source, seconds=0.0, asked_s=self._kit.clock.monotonic_s())
        utterance = self._director.find(command_id)
        if utterance is not None:
            source.over = utterance.done
        return source

    async def _source(self, command: SpeakCommand, manner: Manner) -> tuple[Source, float]:
        """Where its speech comes from, and about how many seconds there are of it."""
        if command.audio_url:
            file = await self._recording(command.audio_url)
            return file, file.duration_s
        return await self._voices.source(command.text, manner), expected_s(command.text, manner.rate)

    def _take(
        self,
        command: SpeakCommand,
        manner: Manner,
        source: Source,
        *,
        seconds: float,
        asked_s: float,
        expected: bool = False,
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
            ),
            expected=expected,
        )

    async def _recording(self, url: str) -> FileSource:
        sound = await self._fetched(url)
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
        return FileSource(pools=self._pools, listen=self._kit.listen, sound=sound)

    async def _fetched(self, url: str) -> NDArray[np.int16]:
        if self._fetches >= FETCHES_MAX:
            raise BusyError(
                f"{FETCHES_MAX} recordings are being fetched for this room already. Wait until they are there.",
                code="queue_full",
                retry_after_s=2,
            )
        kit = self._kit
        work = kit.pools.fetching.submit(fetch_sound, kit.fetcher, url, self._spec.owner, kit.scratch)
        self._fetches += 1
        # Counted until the thread is free, even where nobody waits for it any more.
        loop = asyncio.get_running_loop()
        work.add_done_callback(lambda _: call_in(loop, self._note_fetched))
        return await asyncio.wrap_future(work)

    def _note_fetched(self) -> None:
        self._fetches -= 1
