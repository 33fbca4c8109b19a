"""The service as users start it: real processes, a fresh data folder, any free port."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

# One for all modules here: two that are alive at once exclude each other.
from tests.support.chromium import chromium as chromium

ROOT = Path(__file__).parents[3]
READY_S = 90.0
"""Ten on a machine that has nothing else to do."""


@dataclass(slots=True)
class Service:
    """One ``avatarium serve`` over one data folder."""

    home: Path
    environment: dict[str, str]
    process: subprocess.Popen[str] | None = None
    log: Path = field(default_factory=Path)

    def start(self, *arguments: str, **environment: str) -> Service:
        self.log = self.home.with_suffix(".log")
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "avatarium", "serve", *arguments],
                env=self.environment | environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )
        return self

    def until_ready(self) -> Service:
        until_s = time.monotonic() + READY_S
        while "is ready" not in self.said:
            assert self.process is not None and self.process.poll() is None, self.said
            assert time.monotonic() < until_s, self.said
            time.sleep(0.1)
        return self

    @property
    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    @property
    def address(self) -> str:
        return (self.home / "address").read_text().strip()

    @property
    def key(self) -> str:
        found = re.search(r"sk_\S+", self.said)
        assert found, self.said
        return found[0]

    def children(self) -> dict[str, list[psutil.Process]]:
        """The processes of the service by what they do."""
        assert self.process is not None
        found: dict[str, list[psutil.Process]] = {"api": [], "worker": [], "stage": []}
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.Error):
                for name in found:
                    if name in child.cmdline():
                        found[name].append(child)
        return found

    def everybody(self) -> list[psutil.Process]:
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def get(self, path: str, *, key: str = "", timeout_s: float = 30.0) -> tuple[int, Any]:
        request = urllib.request.Request(self.address + path)
        if key:
            request.add_header("Authorization", f"Bearer {key}")
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as problem:
            with problem:
                return problem.code, json.loads(problem.read())

    def command(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "avatarium", *arguments],
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=READY_S,
        )

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=READY_S)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait for something that other processes bring about."""
    until_s = time.monotonic() + READY_S
    while not condition():
        assert time.monotonic() < until_s, f"in vain: {what}"
        time.sleep(0.1)


def make_service(home: Path) -> Service:
    """A service that is not started yet, without media processes and stages, which take long to load."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AVATARIUM")}
    ours = {"HOME": str(home), "PORT": "0", "WORKERS": "1", "MEDIA_SLOTS": "0", "QUICK_SLOTS": "0", "STAGES": "0"}
    environment = kept | {f"AVATARIUM_{name}": value for name, value in ours.items()} | {"PYTHONPATH": str(ROOT)}
    return Service(home=home, environment=environment)


def end(service: Service) -> None:
    """Leave nothing of it, whatever has happened."""
    if service.process is not None and service.process.poll() is None:
        left = service.everybody()
        service.process.kill()
        service.process.wait()
        for process in left:
            with suppress(psutil.Error):
                process.kill()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service that is not started yet."""
    made = make_service(tmp_path / "home")
    yield made
    end(made)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service after its first start, for all tests of a module."""
    made = make_service(tmp_path_factory.mktemp("running") / "home")
    made.start().until_ready()
    yield made
    end(made)
