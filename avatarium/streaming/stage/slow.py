"""Speech of slow voices for the rooms of a stage, made in a process beside it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import pickle
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from avatarium.engine import apart
from avatarium.errors import AvatariumError, BusyError, UnavailableError
from avatarium.streaming.stage.slow_child import LENGTH, LONGEST_BYTES, Order, packed, problem_of

if TYPE_CHECKING:
    from avatarium.engine.speech import Speech

ANSWER_S = 90.0
"""Within which something must be answered, the loading of a model among it: a process that makes nothing for so long
hangs."""
LINE_S = 300.0
"""For one piece where the process gets on with those of other rooms."""
OPEN_MAX = 512
"""Texts that are read or wait to be, of two dozen rooms with full queues: one room never takes the places of others."""
IDLE_S = 600.0
"""After which a process that nobody wants anything of is ended, as it holds a gigabyte."""
END_S = 2.0
log = structlog.get_logger()


class Reading:
    """One text that is being spoken. :meth:`drop` it when nobody wants more of it."""

    def __init__(self, number: int, maker: SlowSpeech) -> None:
        self._number = number
        self._maker = maker

    async def next(self) -> Speech | None:
        """Its next piece; None after the last.

        Raises:
            AvatariumError: it cannot be spoken, or took too long.
        """
        found: Speech | None = await self._maker.ask("next", self._number, None)
        return found

    def drop(self) -> None:
        """What is made of it now is stopped."""
        self._maker.drop(self._number)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowSource:
    """The speech of a text that was judged already."""

    reading: Reading

    async def pieces(self) -> AsyncGenerator[Speech, None]:
        """As of any source; closing it stops the making at once."""
        try:
            while (piece := await self.reading.next()) is not None:
                yield piece
        finally:
            self.reading.drop()


class SlowSpeech:
    """The process, started when it is first wanted. Used on the event loop."""

    def __init__(self, start: Callable[[], list[str]] = lambda: apart.command(f"{__package__}.slow_child")) -> None:
        self._start = start
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._open: set[int] = set()
        self._made_s = 0.0
        """When a piece last came, on the loop's clock."""
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None
        self._closed = False

    async def open(self, order: Order) -> Reading:
        """Judge a text.

        Raises:
            TextError, OptionError, InputError: it cannot be spoken so.
            BusyError: ``queue_full``.
            UnavailableError: ``voice_away``, ``voice_too_slow``.
        """
        if len(self._open) >= OPEN_MAX:
            raise BusyError(
                "Too much waits for voices that are not live on this stage. Try again in a moment, or take a voice "
                "whose `live` is true.",
                code="queue_full",
                retry_after_s=5,
            )
        number = next(self._numbers)
        self._open.add(number)
        try:
            await self.ask("open", number, order)
        except BaseException:
            self.drop(number)
            raise
        return Reading(number, self)

    async def ask(self, what: str, number: int, given: object) -> Any:
        """Send an order and wait for its answer.

        Raises:
            AvatariumError: as the process says; UnavailableError where it does not answer.
        """
        await self._ready()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._waiting[number] = answer
        asked_s = loop.time()
        try:
            self._send(packed(what, number, given))
            return await self._patiently(answer, asked_s)
        except TimeoutError as problem:
            hangs = what == "next" and loop.time() >= self._hangs_at_s(asked_s)
            log.warning("slow_voice_stalled", what=what, hangs=hangs)
            if hangs:
                self._kill()
            raise _away("voice_too_slow") from problem
        finally:
            self._waiting.pop(number, None)

    def _hangs_at_s(self, asked_s: float) -> float:
        return max(asked_s, self._made_s) + ANSWER_S

    async def _patiently(self, answer: asyncio.Future[Any], asked_s: float) -> Any:
        """Wait in the line: as long as others get their pieces, the process is slow and does not hang."""
        loop = asyncio.get_running_loop()
        while not answer.done():
            until_s = min(self._hangs_at_s(asked_s), asked_s + LINE_S)
            if loop.time() >= until_s:
                answer.cancel()
                raise TimeoutError
            await asyncio.wait([answer], timeout=until_s - loop.time())
        return answer.result()

    def drop(self, number: int) -> None:
        """Nobody wants more of it."""
        if number in self._open:
            self._open.discard(number)
            self._send(packed("drop", number, None))
            self._rest()

    async def close(self) -> None:
        """End the process."""
        self._closed = True
        if self._idle is not None:
            self._idle.cancel()
        process, reader = self._process, self._reader
        self._kill()
        if process is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), END_S)
        if reader is not None:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    async def _ready(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        async with self._starting:
            if self._closed:
                raise _away("voice_away")
            if self._process is not None and self._process.returncode is None:
                return
            self._process = await asyncio.create_subprocess_exec(
                *self._start(),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=os.environ | apart.environment(),
            )
            self._reader = asyncio.create_task(self._read(self._process), name="slow voices")

    def _send(self, message: bytes) -> None:
        process = self._process
        if process is not None and process.stdin is not None and not process.stdin.is_closing():
            process.stdin.write(message)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        try:
            while True:
                size = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))[0]
                if size > LONGEST_BYTES:
                    break
                self._tell(*pickle.loads(await process.stdout.readexactly(size)))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            if self._process is process:
                self._lose()

    def _tell(self, what: str, number: int, found: Any) -> None:
        if what == "piece":
            self._made_s = asyncio.get_running_loop().time()
        answer = self._waiting.get(number)
        if answer is None or answer.done():
            return
        if what == "failed":
            if found[1] == "engine_bug":
                log.error("slow_voice_bug", problem=found[2])
            answer.set_exception(problem_of(*found))
        else:
            answer.set_result(found)

    def _lose(self) -> None:
        """The process has ended: so has all that it was asked for."""
        self._process = None
        self._open.clear()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(_away("voice_away"))

    def _kill(self) -> None:
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        self._lose()

    def _rest(self) -> None:
        if not self._open and not self._closed and self._idle is None and self._process is not None:
            self._idle = asyncio.get_running_loop().call_later(IDLE_S, self._kill)


def _away(code: str) -> AvatariumError:
    return UnavailableError(
        "This voice cannot speak just now. Try again in a moment, or take a voice whose `live` is true.",
        code=code,
        retry_after_s=5,
    )
