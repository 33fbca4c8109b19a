"""Threads for work that takes long, apart from those of ordinary requests, so many at once and no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

from avatarium.errors import BusyError

T = TypeVar("T")

RETRY_S = 10


class Slots:
    """A number of threads; who finds none free waits a little and is then turned away."""

    def __init__(self, number: int, *, wait_s: float, what: str) -> None:
        self._free = asyncio.Semaphore(number)
        self._wait_s = wait_s
        self._what = what

    async def run(self, work: Callable[[], T]) -> T:
        """Do it in a thread.

        Raises:
            BusyError: ``too_many_at_once``.
        """
        try:
            async with asyncio.timeout(self._wait_s):
                await self._free.acquire()
        except TimeoutError:
            raise BusyError(
                f"Too many {self._what} at once. Try again soon.", code="too_many_at_once", retry_after_s=RETRY_S
            ) from None
        try:
            return await anyio.to_thread.run_sync(work, limiter=anyio.CapacityLimiter(1))
        finally:
            self._free.release()
