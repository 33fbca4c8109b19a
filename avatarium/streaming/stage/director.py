"""What is said in a room, and when: a queue of utterances, fed to the performer a little ahead of time.

Every utterance carries the generation in which it was asked for. An interrupt raises the generation: what is older is
dropped wherever it is, in the queue, in synthesis, in the performer, and what was really said is told to the word.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from avatarium.clock import Clock
from avatarium.errors import AvatariumError, BusyError
from avatarium.streaming.stage.events import Sink
from avatarium.streaming.stage.pools import Pools, run_in
from avatarium.streaming.stage.said import Said, said_of
from avatarium.streaming.stage.utterances import Utterance
from avatarium.streaming.wire import Accepted

if TYPE_CHECKING:
    from avatarium.engine.live import Mark, Performer
    from avatarium.engine.speech import Speech
    from avatarium.streaming.stage.show import Beat, Show

AHEAD_S = 6.0
"""Speech that waits in the performer at most, beyond the piece that was just made."""
FAREWELL_S = 2.0


@dataclass(slots=True, eq=False, kw_only=True)
class Coming:
    """A command that was taken and cannot wait in the queue yet, as its text is read or its recording fetched."""

    command_id: str
    text: str
    generation: int
    """In which it was asked for."""
    answer: Accepted | None = None
    """What all who sent it meanwhile are told; None while it is on its way, and where it was refused."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """It waits in the queue, was refused or was dropped."""

    def drop(self) -> None:
        """It was interrupted before it was ready."""
        self.answer = Accepted(command_id=self.command_id, generation=self.generation)


log = structlog.get_logger()


class Director:
    """The utterances of one room. Used on the event loop.

    Args:
        show: whose performer speaks.
        emit: told what happens.
        pools: where speech is made ready.
        clock: for latencies.
        queue_max: utterances that may wait.
    """

    def __init__(self, show: Show, emit: Sink, pools: Pools, clock: Clock, *, queue_max: int) -> None:
        self._show = show
        self._performer: Performer = show.performer
        self._emit = emit
        self._pools = pools
        self._clock = clock
        self._queue_max = queue_max
        self._waiting: deque[Utterance] = deque()
        self._open: dict[str, Utterance] = {}
        self._coming: dict[str, Coming] = {}
        self._news = asyncio.Event()
        self._audience = asyncio.Event()
        self._feeding: asyncio.Task[None] | None = None
        self._runner: asyncio.Task[None] | None = None
        self._count = 0
        self.generation = 0
        self.spoken = 0
        """Utterances that were begun."""

    def start(self) -> None:
        """Begin to work."""
        self._runner = asyncio.create_task(self._run(), name="director")

    async def close(self) -> None:
        """Drop everything; nothing is said any more."""
        self.generation += 1
        tasks = [task for task in (self._feeding, self._runner) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=FAREWELL_S)
        for coming in self._coming.values():
            coming.drop()
        self._coming.clear()
        for utterance in self._open.values():
            utterance.done.set()
        self._open.clear()
        self._waiting.clear()

    def set_audience(self, present: bool) -> None:
        """Whether anybody is connected: nothing is begun before nobody."""
        if present:
            self._audience.set()
        else:
            self._audience.clear()

    # Asking

    def new_tag(self) -> str:
        """A name for an utterance."""
        self._count += 1
        return f"u{self._count}"

    @contextmanager
    def expect(self, command_id: str, text: str, *, interrupt: bool) -> Iterator[Coming]:
        """Keep a place in the queue, under a name that nothing else has, until what is to be said is ready.

        Args:
            interrupt: whether it will end all that waits, so that no place is needed.

        Raises:
            BusyError: ``queue_full``.
        """
        self.check_room(len(self._coming) if interrupt else None)
        coming = self._coming[command_id] = Coming(command_id=command_id, text=text, generation=self.generation)
        try:
            yield coming
        finally:
            if self._coming.get(command_id) is coming:
                del self._coming[command_id]
            coming.over.set()

    async def answered(self, command_id: str) -> Accepted | None:
        """What to tell who sends a command that is under way, once that is known; None where it is to be taken anew."""
        while (coming := self._coming.get(command_id)) is not None:
            await coming.over.wait()
            if coming.answer is not None:
                return coming.answer
        known = self.find(command_id)
        return None if known is None else Accepted(command_id=command_id, generation=known.generation)

    def knows(self, command_id: str) -> bool:
        """Whether something of this name is being said, waits or is on its way."""
        return command_id in self._coming or self.find(command_id) is not None

    def check_room(self, waiting: int | None = None) -> None:
        """Refuse where too many wait.

        Args:
            waiting: how many; all that were not begun unless given.

        Raises:
            BusyError: ``queue_full``.
        """
        if waiting is None:
            waiting = len(self._coming) + sum(not utterance.started for utterance in self._open.values())
        speaking = any(utterance.started for utterance in self._open.values())
        if waiting >= self._queue_max + (not speaking):
            raise BusyError(
                f"{waiting} utterances wait in this room already, which is the limit. Wait until some were said, or "
                "interrupt.",
                code="queue_full",
                retry_after_s=round(max(1.0, self.waits_s / max(waiting, 1)), 1),
            )

    def add(self, utterance: Utterance, *, expected: bool = False) -> Accepted:
        """Say it after what waits already.

        Args:
            expected: whether it has its place by :meth:`expect`.

        Raises:
            BusyError: ``queue_full``.
        """
        if not expected:
            self.check_room()
        position, waits_s = len(self._open), self.waits_s
        utterance.generation = self.generation
        utterance.asked_s = utterance.asked_s or self._clock.monotonic_s()
        self._open[utterance.tag] = utterance
        self._waiting.append(utterance)
        self._news.set()
        return Accepted(
            command_id=utterance.command_id,
            position=position,
            waits_s=round(waits_s, 2),
            generation=self.generation,
        )

    def find(self, command_id: str) -> Utterance | None:
        """An utterance that waits or is being said, by its command."""
        return next((found for found in self._open.values() if found.command_id == command_id), None)

    @property
    def waits_s(self) -> float:
        """About how long all that waits will take."""
        return self._performer.buffered_s + sum(utterance.expected_s for utterance in self._waiting)

    @property
    def queue(self) -> list[Utterance]:
        """All that is being said or waits, in order."""
        return list(self._open.values())

    @property
    def speaking(self) -> bool:
        """Whether something is being said or about to be, what is on its way into the queue included."""
        return bool(self._open or self._coming)

    # Interrupting

    def interrupt(self, command_id: str | None = None) -> dict[str, Any]:
        """Be silent now, and forget what waits or is on its way; answers with what was really said.

        Args:
            command_id: what interrupts; where it is on its way itself, what was asked for after it stays.
        """
        self.generation += 1
        self._show.generation = self.generation
        self._waiting.clear()
        cuts = {cut.tag: cut for cut in self._performer.cut()}
        if self._feeding is not None:
            self._feeding.cancel()
        told = [(utterance, said_of(utterance, cuts.get(utterance.tag))) for utterance in self._open.values()]
        self._open.clear()
        said_all = [said for _, said in told] + self._drop_coming(command_id)
        answer = {
            "utterances": [said.as_json() for said in said_all],
            "dropped": sum(not said.said_ms for said in said_all),
            "generation": self.generation,
        }
        for utterance, said in told:
            self._end(utterance, said, interrupted=True)
        if said_all:
            told_of = {"utterances": [said.as_event() for said in said_all]}
            self._emit("interrupted", command_id=command_id, **(answer | told_of))
        return answer

    def _drop_coming(self, command_id: str | None) -> list[Said]:
        earlier: list[Said] = []
        for coming in list(self._coming.values()):
            if coming.command_id == command_id:
                break
            del self._coming[coming.command_id]
            coming.drop()
            earlier.append(Said(command_id=coming.command_id, text=coming.text, said_text="", said_ms=0))
        return earlier

    # What happens

    def on_beat(self, beat: Beat) -> None:
        """Tell of what a tick began and ended."""
        for mark in beat.marks:
            utterance = self._open.get(mark.tag)
            if utterance is not None:
                self._on_mark(utterance, mark, beat)

    def _on_mark(self, utterance: Utterance, mark: Mark, beat: Beat) -> None:
        from avatarium.engine.live import MarkKind

        media_ms, at_ms = round(mark.media_s * 1000), round(mark.at_s * 1000)
        if mark.kind is MarkKind.STARTED:
            utterance.started = True
            self.spoken += 1
            sounds_s = beat.due_s + mark.media_s - beat.media_ms / 1000
            self._emit(
                "speaking_started",
                command_id=utterance.command_id,
                media_ms=media_ms,
                text=utterance.text,
                after_ms=round((sounds_s - utterance.asked_s) * 1000),
            )
        elif mark.kind is MarkKind.ENDED:
            self._open.pop(utterance.tag, None)
            said = Said(command_id=utterance.command_id, text=utterance.text, said_text=utterance.text, said_ms=at_ms)
            self._end(utterance, said, interrupted=False, media_ms=media_ms)
        else:
            name = "word" if mark.kind is MarkKind.WORD else "viseme"
            key = "text" if name == "word" else "viseme"
            facts: dict[str, Any] = {key: mark.text, "start_ms": at_ms, "end_ms": round(mark.end_s * 1000)}
            self._emit(name, command_id=utterance.command_id, media_ms=media_ms, **facts)

    def _end(self, utterance: Utterance, said: Said, *, interrupted: bool, **facts: Any) -> None:
        utterance.said_text, utterance.interrupted = said.said_text, interrupted
        if utterance.started:
            command_id = utterance.command_id
            self._emit("speaking_ended", command_id=command_id, said_ms=said.said_ms, interrupted=interrupted, **facts)
            if said.said_text:
                self._emit("transcript", command_id=command_id, role="avatar", text=said.said_text, final=True, **facts)
        utterance.done.set()

    # Feeding

    async def _run(self) -> None:
        while True:
            await self._audience.wait()
            if not self._waiting:
                self._news.clear()
                await self._news.wait()
                continue
            utterance = self._waiting.popleft()
            self._feeding = asyncio.create_task(self._feed(utterance), name=f"feed {utterance.tag}")
            await asyncio.wait([self._feeding])

    async def _feed(self, utterance: Utterance) -> None:
        fed = False
        try:
            async with aclosing(utterance.source.pieces()) as pieces:
                async for piece in pieces:
                    if utterance.generation != self.generation:
                        return
                    fed = await self._say(utterance, piece, first=not fed) or fed
                    await self._keep_close()
        except AvatariumError as problem:
            self._emit("problem", command_id=utterance.command_id, code=problem.code, message=problem.message)
        except Exception:  # the outer edge of an utterance
            log.exception("utterance_bug", command=utterance.command_id)
            message = "Something went wrong inside while this was to be said. It has been logged."
            self._emit("problem", command_id=utterance.command_id, code="engine_bug", message=message)
        finally:
            self._close_feed(utterance, fed)

    async def _say(self, utterance: Utterance, piece: Speech, *, first: bool) -> bool:
        """Hand a piece to the performer; whether there is anything in it."""
        if not len(piece.audio):
            return False
        if first:
            # The performer drops what comes late of an utterance that was cut, if it knew it when it was cut.
            self._performer.say(replace(piece, audio=piece.audio[:0], phonemes=(), words=()), tag=utterance.tag)
        say = partial(
            self._performer.say,
            piece,
            tag=utterance.tag,
            emotion=utterance.emotion,
            strength=utterance.strength,
            gesture=utterance.gesture if first else None,
        )
        # It takes some milliseconds for each second of speech, for which packets on the event loop cannot wait.
        await run_in(self._pools.first if first else self._pools.ahead, say)
        return True

    def _close_feed(self, utterance: Utterance, fed: bool) -> None:
        if utterance.generation != self.generation:
            return
        self._performer.finish(utterance.tag)
        if not fed and self._open.pop(utterance.tag, None) is not None:
            utterance.done.set()

    async def _keep_close(self) -> None:
        """Wait while more than enough waits to be performed, which it is at the speed of the clock."""
        await asyncio.sleep(max(0.0, self._performer.buffered_s - AHEAD_S))
