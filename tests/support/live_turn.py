"""A coturn of one's own, for tests."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

SECRET = "a secret of the test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A running server."""

    host: str
    port: int


@contextmanager
def turn_server(folder: Path, host: str = "127.0.0.1") -> Iterator[Turn]:
    """Start coturn with time-limited credentials; skips the test where it is not installed."""
    program = shutil.which("turnserver")
    if program is None:
        pytest.skip("coturn is not installed")
    with socket.socket() as probe:
        probe.bind((host, 0))
        port = probe.getsockname()[1]
    command = [
        program, "-n", f"--listening-ip={host}", f"--relay-ip={host}", f"--listening-port={port}", "--realm=test",
        "--use-auth-secret", f"--static-auth-secret={SECRET}", "--no-tls", "--no-dtls", "--no-cli",
        "--allow-loopback-peers", f"--pidfile={folder / 'turn.pid'}", "--log-file=stdout",
        f"--userdb={folder / 'turn.db'}",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(host, port)
            yield Turn(host=host, port=port)
        finally:
            process.terminate()


def _wait(host: str, port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("coturn did not start")
