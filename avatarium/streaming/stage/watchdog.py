"""Ends a stage that hangs: it would be struck off the roll and never be started again."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import threading
from collections.abc import Callable

import structlog

from avatarium.streaming.stage.pacemaker import Pacemaker
from avatarium.streaming.stage.pools import call_in

TURN_S = 1.0
PATIENCE = 20
"""Turns without a sign of life. They are counted, so that a process that was stopped and goes on is no hung one."""
HUNG = 70
"""Exit status: EX_SOFTWARE of sysexits.h."""
log = structlog.get_logger()


class Watchdog:
    """A thread that looks whether the event loop and the pacemaker go on, and ends the process where they do not.

    Args:
        loop: the stage's event loop.
        pacemaker: started already.
        end: called once, in the watchdog's thread, where the stage hangs.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, pacemaker: Pacemaker, end: Callable[[], None]) -> None:
        self._loop = loop
        self._pacemaker = pacemaker
        self._end = end
        self._beats = 0
        self._seen: dict[str, tuple[object, int]] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; does not wait."""
        self._stopping.set()

    def look(self) -> str:
        """One turn: what hangs; empty where all is well."""
        hung = [
            name for name, sign in (("loop", self._beats), ("pacemaker", self._pacemaker.work)) if self._old(name, sign)
        ]
        if not self._pacemaker.alive:
            return "pacemaker"
        call_in(self._loop, self._beat)
        return hung[0] if hung else ""

    def _old(self, name: str, sign: object) -> bool:
        """Whether a sign of life has stayed the same for too many turns; None is somebody who need not give one."""
        before, turns = self._seen.get(name, (None, 0))
        turns = turns + 1 if sign is not None and sign == before else 0
        self._seen[name] = (sign, turns)
        return turns >= PATIENCE

    def _beat(self) -> None:
        self._beats += 1

    def _run(self) -> None:
        while not self._stopping.wait(TURN_S):
            hung = self.look()
            if hung and not self._stopping.is_set():
                log.error("stage_hangs", what=hung)
                self._end()
                return


def end_process() -> None:
    """Tell where all threads stand, and end without waiting for any."""
    faulthandler.dump_traceback(all_threads=True)
    os._exit(HUNG)
