"""Makes the speech of slow voices, in a process of its own: a second of it is a second of a core.

It gives way to everything else on the machine, and can be stopped amid a piece. Messages are pickled, each after its
length in four bytes: orders come in on standard input, replies go out on what was standard output. It ends when its
input does, so none outlives its stage.

    -> ("open", number, Order)     <- ("opened", number, None)
    -> ("next", number, None)      <- ("piece", number, Speech or None)
    -> ("drop", number, None)         of either also ("failed", number, (kind, code, message))
"""

from __future__ import annotations

import os
import pickle
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from avatarium.catalogue.vendor import offer_vendor
from avatarium.engine.speech.outside import PREFIX
from avatarium.errors import AvatariumError, StalledError
from avatarium.settings import load_settings

if TYPE_CHECKING:
    from avatarium.engine.speech import Speech, Voice

NICENESS = 10
THREADS = 2
"""Of the network: together they make speech about twice as fast as it is heard, where two cores are free."""
OUTSIDE = 8
"""Pieces that outside services are asked for at once: waiting for a network keeps nobody else's voice waiting."""
LENGTH = struct.Struct(">I")
LONGEST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Something to be spoken."""

    text: str
    rate: float
    voice: str = ""
    """The engine's name; empty of a voice in a file."""
    path: str = ""
    """The file of a cloned voice."""
    language: str = ""
    """In which that speaks."""


@dataclass(slots=True, eq=False)
class _Reading:
    halt: Any
    outside: bool
    """Whether somebody else's machine makes it."""
    script: Iterator[Speech] | None = None
    dropped: bool = field(default=False)


class _Child:
    """What is being read, by number."""

    def __init__(self, replies: IO[bytes]) -> None:
        self._replies = replies
        self._writing = threading.Lock()
        self._open: dict[int, _Reading] = {}
        # Texts are judged beside the making, or who asks in one room would wait for a sentence of another.
        self._judging = ThreadPoolExecutor(1, "judge")
        self._making = ThreadPoolExecutor(1, "make")
        self._asking = ThreadPoolExecutor(OUTSIDE, "ask")

    def take(self, what: str, number: int, given: Any) -> None:
        """One order; called by the thread that reads them."""
        if what == "open":
            self._begin(number, given)
            return
        reading = self._open.get(number)
        if reading is None:
            return
        if what == "next":
            pool = self._asking if reading.outside else self._making
            pool.submit(self._answer, number, reading, lambda: self._made(reading))
            return
        del self._open[number]
        reading.dropped = True
        reading.halt.stop()

    def _begin(self, number: int, order: Order) -> None:
        from avatarium.engine.speech.models.sessions import Halt

        reading = self._open[number] = _Reading(Halt(), outside=order.voice.startswith(PREFIX))
        self._judging.submit(self._answer, number, reading, lambda: self._opened(reading, order))

    def _opened(self, reading: _Reading, order: Order) -> tuple[str, Any]:
        from avatarium.engine.speech import stream

        reading.script = stream(order.text, _voice_of(order), order.rate, threads=_threads(), in_clauses=True)
        return "opened", None

    def _made(self, reading: _Reading) -> tuple[str, Any]:
        assert reading.script is not None
        with reading.halt.over():
            return "piece", next(reading.script, None)

    def _answer(self, number: int, reading: _Reading, work: Callable[[], tuple[str, Any]]) -> None:
        if reading.dropped:
            return
        try:
            what, found = work()
        except AvatariumError as problem:
            what, found = "failed", (type(problem).__name__, problem.code, problem.message)
        except Exception as problem:  # the outer edge of an order; a network that was stopped raises one of its own
            if reading.dropped:
                return
            what, found = "failed", ("", "engine_bug", repr(problem))
        if not reading.dropped:
            self._send((what, number, found))

    def _send(self, message: tuple[str, int, Any]) -> None:
        content = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
        with self._writing:
            self._replies.write(LENGTH.pack(len(content)) + content)
            self._replies.flush()


def packed(what: str, number: int, given: object) -> bytes:
    """A message as it is sent."""
    content = pickle.dumps((what, number, given), protocol=pickle.HIGHEST_PROTOCOL)
    return LENGTH.pack(len(content)) + content


def problem_of(kind: str, code: str, message: str) -> AvatariumError:
    """What was raised in the child."""
    from avatarium import errors

    found = getattr(errors, kind, None)
    if isinstance(found, type) and issubclass(found, AvatariumError):
        return found(message, code=code)
    return StalledError(
        "Something went wrong inside while this was made into speech. It has been logged.", code="engine_bug"
    )


def main() -> None:
    """Work until the input ends."""
    os.nice(NICENESS)
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    child = _Child(replies)
    orders = sys.stdin.buffer
    while len(head := orders.read(LENGTH.size)) == LENGTH.size:
        content = orders.read(LENGTH.unpack(head)[0])
        child.take(*pickle.loads(content))
    os._exit(0)  # whatever is being made


def _voice_of(order: Order) -> Voice | str:
    if not order.path:
        if order.voice.startswith(PREFIX):  # known to this process only when one is wanted
            offer_vendor(load_settings())
        return order.voice
    from pathlib import Path

    from avatarium.engine.speech.cloning import open_voice

    return open_voice(Path(order.path), language=order.language)


def _threads() -> int:
    return max(1, min(THREADS, os.cpu_count() or 1))


if __name__ == "__main__":
    main()
