"""A child of the supervisor: started, told to go, started again when it dies, stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from avatarium.clock import Clock
from avatarium.supervisor.leash import GO

PAUSES_S = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Before a child that has died this often in a row is started again."""
WELL_S = 60.0
"""A child that lived this long is not counted as dying in a row."""
LOOP = 3
"""Deaths in a row that are a crash loop."""
log = structlog.get_logger()


@dataclass(slots=True)
class BackOff:
    """How long to wait before the next start."""

    deaths: int = 0

    def died(self, lived_s: float) -> float:
        """Note a death, and answer with the pause before the next start in seconds."""
        self.deaths = 1 if lived_s >= WELL_S else self.deaths + 1
        return PAUSES_S[min(self.deaths, len(PAUSES_S)) - 1]


class Child:
    """One process that shall always run."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        clock: Clock,
        descriptors: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.back_off = BackOff()
        self._arguments = arguments
        self._environment = environment
        self._clock = clock
        self._descriptors = descriptors
        self._process: subprocess.Popen[bytes] | None = None
        self._started_s = 0.0
        self._next_s = 0.0
        self._may_go = False

    @property
    def pid(self) -> int | None:
        """Its process, while it lives."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start the process. It loads its libraries and waits until it may go."""
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "avatarium", *self._arguments],
            stdin=subprocess.PIPE,
            env=self._environment,
            pass_fds=self._descriptors,
            start_new_session=True,  # Ctrl-C is for the supervisor, which tells its children itself
        )
        self._started_s = self._clock.monotonic_s()
        if self._may_go:
            self.go()

    def go(self) -> None:
        """Let it begin."""
        self._may_go = True
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(GO)
                self._process.stdin.flush()

    def look(self) -> bool:
        """Start it again if it has died and its pause is over; True where it was found dead."""
        now_s = self._clock.monotonic_s()
        if self._process is None:
            if now_s >= self._next_s:
                self.start()
            return False
        code = self._process.poll()
        if code is None:
            return False
        self._forget()
        pause_s = self.back_off.died(now_s - self._started_s)
        self._next_s = now_s + pause_s
        self._tell(code, pause_s)
        return True

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it lives."""
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, number)

    def has_ended(self) -> bool:
        """Whether it does not live."""
        return self._process is None or self._process.poll() is not None

    def reap(self) -> None:
        """Kill what is left of it."""
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
            self._forget()

    def _forget(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process = None

    def _tell(self, code: int, pause_s: float) -> None:
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        log.warning("process_died", process=self.name, how=how, again_in_s=pause_s)
        if self.back_off.deaths >= LOOP:
            log.error(
                "crash_loop",
                process=self.name,
                deaths=self.back_off.deaths,
                advice="It dies again and again; the lines above say why. `avatarium doctor` looks for the reason.",
            )
