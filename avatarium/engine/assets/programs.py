"""Running a client program (pip, uv, npm) with a watch on what it writes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

POLL_S = 0.2
GRACE_S = 5.0


class ProgramFailed(Exception):
    """The program left with an error; the argument is what it printed."""


class ProgramStalled(Exception):
    """The program wrote nothing for too long and was ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait for a download."""

    stall_s: float = 120.0
    """Without a single new byte."""
    limit_s: float = 3600.0
    """In all."""


def run(
    command: Sequence[str],
    *,
    scratch: Path,
    environment: Mapping[str, str],
    patience: Patience,
    on_bytes: Callable[[int], None],
) -> None:
    """Run ``command`` with ``scratch`` as its folder and its temporary folder.

    ``on_bytes`` is told how many bytes lie in ``scratch``, several times a second.

    Raises:
        ProgramFailed: it left with another status than 0.
        ProgramStalled: ``patience`` ran out.
        OSError: it cannot be started.
    """
    log = scratch / "client.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=scratch,
            env={**os.environ, **environment, "TMPDIR": str(scratch)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _watch(process, scratch, patience, on_bytes)
        finally:
            _end(process)
    if process.returncode:
        raise ProgramFailed(log.read_text(encoding="utf-8", errors="replace"))


def _watch(
    process: subprocess.Popen[bytes], scratch: Path, patience: Patience, on_bytes: Callable[[int], None]
) -> None:
    start = moved = time.monotonic()
    seen = -1
    while True:
        try:
            process.wait(POLL_S)
            return
        except subprocess.TimeoutExpired:
            now, size = time.monotonic(), folder_size(scratch)
        if size != seen:
            seen, moved = size, now
            on_bytes(size)
        if now - moved > patience.stall_s or now - start > patience.limit_s:
            raise ProgramStalled(f"{min(now - moved, patience.limit_s):.0f} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program and whatever it started."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(GRACE_S)


def folder_size(folder: Path) -> int:
    """Bytes of all files below a folder that somebody else is busy in."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size
            except FileNotFoundError:
                continue
    return total
