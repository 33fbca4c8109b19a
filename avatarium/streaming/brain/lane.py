"""One thread for the work of all rooms, and an order in which they get it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Rank(IntEnum):
    """Who goes first: of the same rank, who came first."""

    ANSWER = 0
    """Somebody has asked and listens."""
    PREPARE = 1


class Lane:
    """A thread that does one thing after the other. Used from one event loop.

    What waits is kept here and not in the thread's own queue: so it can be overtaken, and goes with whoever is
    cancelled.
    """

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._line: list[tuple[Rank, int, asyncio.Future[None], asyncio.Task[Any] | None]] = []
        self._numbers = itertools.count()
        self._busy = False

    async def run(self, rank: Rank, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Have the thread do something when its turn has come."""
        if self._busy:
            await self._turn(rank)
        self._busy = True
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: work(*args, **kwargs))
        finally:
            self._next()

    def waits(self, task: asyncio.Task[Any]) -> bool:
        """Whether what a task wants done has not begun."""
        return any(waiting is task and not turn.done() for _, _, turn, waiting in self._line)

    def close(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _turn(self, rank: Rank) -> None:
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._line, (rank, next(self._numbers), turn, asyncio.current_task()))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it had come just then
                self._next()
            raise

    def _next(self) -> None:
        while self._line:
            _, _, turn, _ = heapq.heappop(self._line)
            if not turn.done():
                turn.set_result(None)
                return
        self._busy = False
