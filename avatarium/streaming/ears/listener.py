"""Listens to the microphones of a stage: never blocks its event loop, never falls behind without saying so."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from avatarium.engine.speech import Samples
from avatarium.engine.speech.transcription import RATE, Transcript, transcriber
from avatarium.errors import AvatariumError
from avatarium.streaming.ears.ears import Ears, Heard
from avatarium.streaming.ears.records import EarEvent, EarKind
from avatarium.streaming.ears.turns import Turn

BACKLOG_S = 3.0
"""Sound that may wait for the detector."""
CHUNKS = 1000
"""Pieces of sound that may wait, whatever their length."""
UTTERANCES = 3
"""Of one microphone, that may wait to be written down."""
SHORTEST_S = 0.25
NICE = 5
"""Writing down gives way to pictures and to the beginnings of answers."""

OnEvent = Callable[[EarEvent], None]
Transcribe = Callable[[Samples, str | None], Transcript | None]

log = structlog.get_logger()


class EarKit:
    """What all microphones of a process share: threads and the network. Used on one event loop."""

    def __init__(self, *, threads: int = 1, transcribe: Transcribe | None = None) -> None:
        self._threads = threads
        self._transcribe = transcribe
        self.detecting = ThreadPoolExecutor(1, thread_name_prefix="ears")
        self.writing = ThreadPoolExecutor(1, "transcription", _give_way)
        self._listeners: set[Listener] = set()

    def listener(self, on_event: OnEvent, *, language: str | None = None) -> Listener:
        """Listen to one more microphone.

        Args:
            on_event: is told what happens, on the event loop; must not raise.
            language: BCP 47 tag of what is likely spoken; another language is believed where it is plain.
        """
        listener = Listener(self, on_event, language)
        self._listeners.add(listener)
        return listener

    async def prepare(self) -> None:
        """Load the networks, so that the first words are written down soon.

        Raises:
            AssetError: one cannot be had.
        """
        await asyncio.get_running_loop().run_in_executor(self.writing, self._load)

    async def aclose(self) -> None:
        """Stop listening everywhere."""
        await asyncio.gather(*(listener.aclose() for listener in tuple(self._listeners)))
        self.detecting.shutdown(wait=False, cancel_futures=True)
        self.writing.shutdown(wait=False, cancel_futures=True)

    def write(self, sound: Samples, language: str | None) -> Transcript | None:
        """What an utterance says; in a thread of :attr:`writing`."""
        return self._load()(sound, language)

    def forget(self, listener: Listener) -> None:
        """A microphone is gone."""
        self._listeners.discard(listener)

    def _load(self) -> Transcribe:
        return self._transcribe or transcriber(self._threads).transcribe


@dataclass(frozen=True, slots=True)
class _Chunk:
    sound: Samples
    rate: int
    """0 marks what the avatar played."""
    duration_s: float


class Listener:
    """One microphone. Used on the event loop; its calls return at once."""

    def __init__(self, kit: EarKit, on_event: OnEvent, language: str | None) -> None:
        self._kit = kit
        self._on_event = on_event
        self._language = language
        self._ears = Ears()
        self._chunks: deque[_Chunk] = deque()
        self._waiting_s = 0.0
        self._dropped = False
        self._something = asyncio.Event()
        self._utterances: asyncio.Queue[Samples] = asyncio.Queue(UTTERANCES)
        self._tasks = (
            asyncio.create_task(self._guarded(self._detect), name="ears"),
            asyncio.create_task(self._guarded(self._write), name="transcription"),
        )
        self._closing = False

    @property
    def speaks(self) -> bool:
        """Whether somebody is within an utterance."""
        return self._ears.speaks

    def hear(self, pcm: Samples, rate: int) -> None:
        """Sound of the microphone: ``float32`` mono, any length, kept as it is until it was listened to."""
        if self._closing or rate <= 0 or not len(pcm):
            return
        self._put(_Chunk(pcm, rate, len(pcm) / rate))

    def played(self, sound: Samples) -> None:
        """What the avatar says at the same time: every tick at 48 kHz, silence too, as long as the microphone is on."""
        if not self._closing:
            self._put(_Chunk(sound, 0, 0.0))

    async def aclose(self) -> None:
        """Stop; nothing is told any more."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._kit.forget(self)

    def _put(self, chunk: _Chunk) -> None:
        self._chunks.append(chunk)
        self._waiting_s += chunk.duration_s
        while self._chunks and (self._waiting_s > BACKLOG_S or len(self._chunks) > CHUNKS):
            self._waiting_s -= self._chunks.popleft().duration_s
            self._dropped = True
        self._something.set()

    async def _guarded(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        try:
            await work()
        except Exception:  # the outer edge of a task
            log.exception("ears_failed")
            problem = AvatariumError("The microphone is not listened to any more; join anew.", code="ears_failed")
            self._closing = True
            self._tell(EarKind.PROBLEM, problem=problem)

    async def _detect(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._something.wait()
            self._something.clear()
            chunks = tuple(self._chunks)
            self._chunks.clear()
            if self._dropped:
                self._dropped = False
                self._tell(EarKind.DROPPED)
            try:
                for heard in await loop.run_in_executor(self._kit.detecting, self._listen, chunks):
                    self._turn(heard)
            except AvatariumError as problem:
                self._tell(EarKind.PROBLEM, problem=problem)
            self._waiting_s = max(0.0, self._waiting_s - sum(chunk.duration_s for chunk in chunks))

    def _listen(self, chunks: tuple[_Chunk, ...]) -> list[Heard]:
        found: list[Heard] = []
        for chunk in chunks:
            if chunk.rate:
                found.extend(self._ears.feed(chunk.sound, chunk.rate))
            else:
                self._ears.played(chunk.sound)
        return found

    def _turn(self, heard: Heard) -> None:
        if heard.turn is Turn.STARTED:
            self._on_event(EarEvent(kind=EarKind.SPEECH_STARTED, at_s=heard.at_s))
            return
        assert heard.sound is not None
        duration_s = len(heard.sound) / RATE
        self._on_event(EarEvent(kind=EarKind.SPEECH_ENDED, at_s=heard.at_s, duration_s=duration_s))
        if self._utterances.full():
            self._utterances.get_nowait()
            self._tell(EarKind.DROPPED)
        self._utterances.put_nowait(heard.sound)

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            sound = await self._utterances.get()
            duration_s = len(sound) / RATE
            try:
                text = None
                if duration_s >= SHORTEST_S:
                    text = await loop.run_in_executor(self._kit.writing, self._kit.write, sound, self._language)
            except AvatariumError as problem:
                self._tell(EarKind.PROBLEM, problem=problem, duration_s=duration_s)
                continue
            if text is None:
                self._tell(EarKind.NOISE, duration_s=duration_s)
                continue
            self._on_event(
                EarEvent(
                    kind=EarKind.TRANSCRIPT,
                    at_s=self._ears.at_s,
                    text=text.text,
                    language=text.language,
                    confidence=text.confidence,
                    duration_s=duration_s,
                )
            )

    def _tell(self, kind: EarKind, *, problem: AvatariumError | None = None, duration_s: float = 0.0) -> None:
        if problem is not None:
            log.warning("microphone_problem", reason=problem.message)
        self._on_event(EarEvent(kind=kind, at_s=self._ears.at_s, problem=problem, duration_s=duration_s))


def _give_way() -> None:
    # Linux has a niceness for each thread, by its own number.
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
