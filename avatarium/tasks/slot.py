"""A worker's hold on one media process: gives it steps, watches it, and replaces it when it dies or must."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from avatarium.chatter import is_chatter
from avatarium.clock import Clock
from avatarium.settings import Settings, environment_of
from avatarium.tasks.models import Task

START_TIMEOUT_S = 300.0
POLL_S = 0.25
LOOK_S = 0.5
"""How often the task is looked at: was it cancelled, has somebody else ended it?"""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
MB = 1 << 20
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFailed(Exception):  # noqa: N818 - it is an outcome, not a fault of the caller
    """A step did not work."""

    code: str
    message: str
    again: bool = False
    """Whether trying once more may help."""


class Unwanted(Exception):  # noqa: N818
    """The task was cancelled, or ended by another worker; its process has been stopped."""


class Slot:
    """Room for one step at a time."""

    def __init__(self, settings: Settings, clock: Clock, queue_name: str = "quick") -> None:
        self._settings = settings
        self._clock = clock
        self._queue_name = queue_name
        self._process: subprocess.Popen[str] | None = None
        self._replies: queue.Queue[dict[str, Any] | None] = queue.Queue()

    def prepare(self) -> None:
        """Start the process, so that the first step need not wait for it."""
        if self._process is None or self._process.poll() is not None:
            self._start()

    def run(
        self,
        task: Task,
        step: str,
        results: dict[str, Any],
        *,
        limit_s: float,
        whole_s: float,
        on_progress: Callable[[float | None], None],
        is_wanted: Callable[[], bool],
    ) -> dict[str, Any]:
        """Do one step.

        Args:
            task: the task.
            step: its name.
            results: what the steps before returned.
            limit_s: seconds of work after which it is given up.
            whole_s: the same of all steps together, for the sentence that says so.
            on_progress: told how much of the step is done, and a few times a second None while it says nothing.
            is_wanted: asked now and then whether to go on.

        Raises:
            StepFailed: it failed, took too long, needed too much memory, or its process died.
            Unwanted: nobody wants it any more.
        """
        self.prepare()
        process = self._process
        if process is None or process.stdin is None:
            raise _crashed()  # stopped meanwhile
        try:
            process.stdin.write(json.dumps({"task": task.id, "step": step, "results": results}) + "\n")
            process.stdin.flush()
        except (OSError, ValueError) as problem:
            self.stop()
            raise _crashed() from problem
        return self._follow(process.pid, limit_s, whole_s, on_progress, is_wanted)

    def stop(self) -> None:
        """Kill the process and what it started."""
        # Taken first: the worker that ends and the thread that sees the process die may both be here.
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            process.wait()

    def _follow(
        self,
        pid: int,
        limit_s: float,
        whole_s: float,
        on_progress: Callable[[float | None], None],
        is_wanted: Callable[[], bool],
    ) -> dict[str, Any]:
        started_s = looked_s = self._clock.monotonic_s()
        while True:
            try:
                reply = self._replies.get(timeout=POLL_S)
            except queue.Empty:
                reply = {"progress": None}
            if reply is None:
                self.stop()
                raise _crashed()
            if "done" in reply:
                done: dict[str, Any] = reply["done"]
                return done
            if "failed" in reply:
                raise StepFailed(**reply["failed"])
            if "progress" in reply:
                on_progress(reply["progress"])
            now_s = self._clock.monotonic_s()
            self._check_limits(pid, now_s - started_s, limit_s, whole_s)
            if now_s - looked_s >= LOOK_S:
                looked_s = now_s
                if not is_wanted():
                    self.stop()
                    raise Unwanted

    def _check_limits(self, pid: int, working_s: float, limit_s: float, whole_s: float) -> None:
        if working_s > limit_s:
            self.stop()
            raise StepFailed(code="time_limit", message=f"It took longer than {whole_s:g} s and was given up.")
        limit_mb = self._settings.slot_memory_mb
        if _resident_bytes(pid) > limit_mb * MB:
            self.stop()
            raise StepFailed(
                code="memory_limit",
                message=f"It needed more than {limit_mb} MB of memory and was stopped. Use a smaller or shorter input.",
            )

    def _start(self) -> None:
        self.stop()
        threads = str(self._settings.slot_threads)
        self._replies = queue.Queue()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "avatarium.tasks.media_process", self._queue_name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="backslashreplace",
            env=environment_of(self._settings) | dict.fromkeys(THREADS, threads),
            start_new_session=True,  # a group of its own, so that it is killed with all that it started
        )
        threading.Thread(target=_listen, args=(self._process, self._replies), daemon=True, name="replies").start()
        threading.Thread(target=_pass_on, args=(self._process,), daemon=True, name="stderr").start()
        try:
            ready = self._replies.get(timeout=START_TIMEOUT_S)
        except queue.Empty:
            ready = None
        if not ready:
            self.stop()
            raise _crashed()


def _listen(process: subprocess.Popen[str], replies: queue.Queue[dict[str, Any] | None]) -> None:
    assert process.stdout is not None
    try:
        for line in process.stdout:
            replies.put(json.loads(line))
    except ValueError:
        log.warning("reply_cut_off", process=process.pid)  # it died in the middle of a line
    finally:
        replies.put(None)


def _pass_on(process: subprocess.Popen[str]) -> None:
    """Let what the process says appear among the lines of this one, but for what nobody wants to know."""
    assert process.stderr is not None
    with suppress(ValueError):  # closed with the process
        for line in process.stderr:
            if not is_chatter(line.encode()):
                with suppress(OSError):  # who reads ours may be gone; the process must not wait for that
                    sys.stderr.write(line)
                    sys.stderr.flush()


def _resident_bytes(pid: int) -> int:
    """Memory of a process and of those that it started."""
    try:
        own = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, IndexError, ValueError):
        return 0  # it has just ended, or this is no Linux
    return own + sum(_resident_bytes(int(child)) for child in children)


def _crashed() -> StepFailed:
    message = "The process that worked on it died. It has been logged; nothing was charged."
    return StepFailed(code="engine_crashed", message=message, again=True)
