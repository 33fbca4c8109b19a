"""The threads of a stage that are neither its event loop nor its pacemaker."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
FIRST_THREADS, AHEAD_THREADS, LOADING_THREADS, CHORE_THREADS = 2, 2, 1, 8
AHEAD_NICE, LOADING_NICE = 10, 5
"""What can wait gives way to the pacemaker and to the beginnings of utterances."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pools:
    """Made once, by the process; closed once."""

    first: ThreadPoolExecutor
    """Judges texts and makes the first piece of each utterance, which somebody waits for."""
    ahead: ThreadPoolExecutor
    """Makes the others."""
    loading: ThreadPoolExecutor
    """Finds faces in pictures."""
    chores: ThreadPoolExecutor
    """What waits more than it works: database, storage, strangers' servers."""

    @classmethod
    def open(cls) -> Pools:
        """Start no thread yet."""
        return cls(
            first=ThreadPoolExecutor(FIRST_THREADS, thread_name_prefix="first"),
            ahead=ThreadPoolExecutor(AHEAD_THREADS, "ahead", _give_way, (AHEAD_NICE,)),
            loading=ThreadPoolExecutor(LOADING_THREADS, "loading", _give_way, (LOADING_NICE,)),
            chores=ThreadPoolExecutor(CHORE_THREADS, thread_name_prefix="chore"),
        )

    def close(self) -> None:
        """Let what runs run out; what waits is forgotten."""
        for pool in (self.first, self.ahead, self.loading, self.chores):
            pool.shutdown(wait=False, cancel_futures=True)


async def run_in(pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """Wait for work in a pool. Who is cancelled waits no more; the work itself runs out."""
    return await asyncio.get_running_loop().run_in_executor(pool, work)


def _give_way(niceness: int) -> None:
    # Linux has a niceness for each thread, by its own number.
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
