"""The threads of a stage that are neither its event loop nor its pacemaker."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")
FIRST_THREADS, AHEAD_THREADS, LOADING_THREADS, FILMS_THREADS = 2, 2, 1, 1
FETCHING_THREADS, STORING_THREADS, BOOKS_THREADS, ROLL_THREADS = 16, 2, 2, 1
"""Apart, as a stranger's server may hold its thread for long, and whoever misses the roll counts as dead."""
AHEAD_NICE, LOADING_NICE = 10, 5
"""What can wait gives way to the pacemaker and to the beginnings of utterances."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pools:
    """Made once, by the process; closed once."""

    first: Executor
    """Judges texts and makes the first piece of each utterance, which somebody waits for."""
    ahead: Executor
    """Makes the others."""
    loading: ThreadPoolExecutor
    """Finds faces in pictures."""
    films: ThreadPoolExecutor
    """Fetches and opens avatars from videos, whose files are a thousand times those of pictures."""
    fetching: ThreadPoolExecutor
    """Waits for strangers' servers."""
    storing: ThreadPoolExecutor
    """Completes and stores recordings."""
    books: ThreadPoolExecutor
    """Writes into the database what happens to rooms."""
    roll: ThreadPoolExecutor
    """Tells that the stage lives, and nothing else."""

    @classmethod
    def open(cls) -> Pools:
        """Start no thread yet."""
        return cls(
            first=ThreadPoolExecutor(FIRST_THREADS, thread_name_prefix="first"),
            ahead=ThreadPoolExecutor(AHEAD_THREADS, "ahead", _give_way, (AHEAD_NICE,)),
            loading=ThreadPoolExecutor(LOADING_THREADS, "loading", _give_way, (LOADING_NICE,)),
            films=ThreadPoolExecutor(FILMS_THREADS, "films", _give_way, (LOADING_NICE,)),
            fetching=ThreadPoolExecutor(FETCHING_THREADS, thread_name_prefix="fetching"),
            storing=ThreadPoolExecutor(STORING_THREADS, thread_name_prefix="storing"),
            books=ThreadPoolExecutor(BOOKS_THREADS, thread_name_prefix="books"),
            roll=ThreadPoolExecutor(ROLL_THREADS, thread_name_prefix="roll"),
        )

    def of_room(self) -> Pools:
        """The same threads for one room, whose speech is made in turn with that of the others."""
        return replace(self, first=InTurn(self.first), ahead=InTurn(self.ahead))

    def close(self) -> None:
        """Let what runs run out; what waits is forgotten."""
        for name in self.__slots__:
            pool: Executor = getattr(self, name)
            pool.shutdown(wait=False, cancel_futures=True)


class InTurn(Executor):
    """One room's way into a pool: one piece of its work at a time, after those of the other rooms.

    What nobody waits for any more still counts while it runs, so that no room takes two threads by interrupting itself.
    """

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._running = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """As of any pool."""
        future: Future[T] = Future()
        with self._lock:
            self._waiting.append((future, partial(fn, *args, **kwargs)))
            idle, self._running = not self._running, True
        if idle:
            self._next()
        return future

    def _next(self) -> None:
        try:
            self._pool.submit(self._one).add_done_callback(self._on_done)
        except RuntimeError:  # the pool was closed
            self._give_up()

    def _one(self) -> None:
        with self._lock:
            future, work = self._waiting.popleft()
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(work())
        except BaseException as problem:
            future.set_exception(problem)

    def _on_done(self, turn: Future[None]) -> None:
        if turn.cancelled():
            self._give_up()
            return
        with self._lock:
            self._running = bool(self._waiting)
            more = self._running
        if more:
            self._next()

    def _give_up(self) -> None:
        with self._lock:
            left = [future for future, _ in self._waiting]
            self._waiting.clear()
            self._running = False
        for future in left:
            future.cancel()


async def run_in(pool: Executor, work: Callable[[], T]) -> T:
    """Wait for work in a pool. Who is cancelled waits no more; the work itself runs out."""
    return await asyncio.get_running_loop().run_in_executor(pool, work)


def call_in(loop: asyncio.AbstractEventLoop, call: Callable[..., object], *values: object) -> None:
    """From another thread to the event loop; one that has ended wants nothing."""
    try:
        loop.call_soon_threadsafe(call, *values)
    except RuntimeError:
        if not loop.is_closed():
            raise


def _give_way(niceness: int) -> None:
    # Linux has a niceness for each thread, by its own number.
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
