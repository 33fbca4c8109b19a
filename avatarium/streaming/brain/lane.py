"""One thread for the work of all rooms, and an order in which they get it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum
from typing import Any, ParamSpec, TypeVar

FAREWELL_S = 1.0
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
        self._line: list[tuple[Rank, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._busy = False
        self._doing: asyncio.Future[Any] | None = None

    async def run(self, rank: Rank, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Have the thread do something when its turn has come. What has begun runs out, whoever is cancelled."""
        if self._busy:
            await self._turn(rank)
        self._busy = True
        doing = asyncio.get_running_loop().run_in_executor(self._pool, lambda: work(*args, **kwargs))
        self._doing = doing
        doing.add_done_callback(self._done)
        return await asyncio.shield(doing)

    async def aclose(self) -> None:
        """Begin nothing more; what has begun is waited for, a second at most."""
        if self._doing is not None:
            await asyncio.wait([self._doing], timeout=FAREWELL_S)
            self._doing.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _turn(self, rank: Rank) -> None:
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._line, (rank, next(self._numbers), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it had come just then
                self._next()
            raise

    def _done(self, doing: asyncio.Future[Any]) -> None:
        if not doing.cancelled():
            doing.exception()  # of work whose caller was cancelled, nobody else asks for it
        self._next()

    def _next(self) -> None:
        while self._line:
            _, _, turn = heapq.heappop(self._line)
            if not turn.done():
                turn.set_result(None)
                return
        self._busy = False
