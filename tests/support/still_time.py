"""An event loop whose time passes only where it would wait: pacing is the same on a machine that has no time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Leaping(selectors.DefaultSelector):
    """Waits for no timer: the time goes on by what would have been waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.passed_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(timeout if timeout is None else 0)
        if not ready and timeout:
            self.passed_s += timeout
        return ready


class StillLoop(asyncio.SelectorEventLoop):
    """For what has timers and neither threads nor sockets: those it would overtake."""

    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.passed_s


def run_still(main: Coroutine[Any, Any, T]) -> T:
    """As :func:`asyncio.run`, in a loop of that kind."""
    with asyncio.Runner(loop_factory=StillLoop) as runner:
        return runner.run(main)
