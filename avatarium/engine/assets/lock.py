"""One process at a time: a lock on a file, which the system gives back when its holder dies."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from avatarium.errors import AssetError

POLL_S = 0.1


@contextmanager
def locked(path: Path, *, timeout_s: float, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the lock on ``path`` (created where missing); ``on_wait`` is called at every vain attempt.

    Raises:
        AssetError: ``asset_locked``, another process held it for ``timeout_s``.
    """
    deadline = time.monotonic() + timeout_s
    with path.open("a") as file:
        while not _try_lock(file.fileno()):
            if time.monotonic() >= deadline:
                raise AssetError(
                    f"Another process has been fetching into {path.parent} for more than {timeout_s:.0f} s; "
                    "wait for it or end it, then try again.",
                    code="asset_locked",
                )
            if on_wait:
                on_wait()
            time.sleep(POLL_S)
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
