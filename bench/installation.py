"""A service of its own to measure: a data folder made for it, real processes, a key."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import psutil

from avatarium.engine.assets.store import default_home
from avatarium.errors import UnavailableError

CHECKOUT = Path(__file__).parents[1]
READY_S = 180.0
STOP_S = 20.0
ANSWER_S = 300.0
PAUSE_S = 0.02
IDLE_S = 15.0
ADDRESS = "address"
NO_LIMIT = "100000000/minute"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer, and how long it took."""

    status: int
    body: dict[str, Any]
    took_ms: float

    @property
    def data(self) -> Any:
        """What was asked for.

        Raises:
            UnavailableError: the answer is an error; it must not go into a measurement.
        """
        if self.status != 200:
            raise UnavailableError(f"The service answered {self.status}: {self.body}.", code="bench_answer")
        return self.body["data"]


class Client:
    """One keep-alive connection."""

    def __init__(self, port: int, key: str = "") -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.key = key
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._used_s = 0.0

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Reply:
        """Send a request and read the whole answer."""
        content = None if body is None else json.dumps(body)
        if time.monotonic() - self._used_s > IDLE_S:
            self._connection.close()  # the service may have hung up meanwhile; it is opened anew
        start = time.perf_counter()
        self._connection.request(method, path, content, self._headers)
        answer = self._connection.getresponse()
        raw = answer.read()
        took_ms = (time.perf_counter() - start) * 1000
        self._used_s = time.monotonic()
        return Reply(status=answer.status, body=json.loads(raw), took_ms=took_ms)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


class Service:
    """``avatarium serve`` on a free port and a folder; the models of this machine are used where they lie."""

    def __init__(self, home: Path, **settings: object) -> None:
        self.home = home
        self._settings = settings
        self.port = 0
        self.ready_s = 0.0
        self._key = ""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.home.mkdir(parents=True, exist_ok=True)
        models = self.home / "models"
        if not models.exists():
            models.symlink_to(default_home() / "models")
        start = time.perf_counter()
        with open(self.home / "bench.log", "ab") as log:
            self._process = subprocess.Popen(_command("serve"), env=self._environment(), stdout=log, stderr=log)
        with ExitStack() as undo:
            undo.callback(self.__exit__)
            self._wait_until_ready()
            undo.pop_all()
        self.ready_s = time.perf_counter() - start
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def client(self) -> Client:
        """A connection with the key of the first user."""
        if not self._key:
            made = subprocess.run(
                _command("token", "create"), env=self._environment(), check=True, capture_output=True, text=True
            )
            self._key = made.stdout.split()[-1]
        return Client(self.port, self._key)

    def processes(self) -> dict[str, list[psutil.Process]]:
        """The processes of the service by what they are."""
        assert self._process is not None
        found: dict[str, list[psutil.Process]] = {}
        supervisor = psutil.Process(self._process.pid)
        for process in (supervisor, *supervisor.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                found.setdefault(_kind(process.cmdline()), []).append(process)
        return found

    def cpu_s(self, kind: str = "") -> float:
        """CPU time that processes of one kind, or all that live, have used so far."""
        chosen = [process for name, some in self.processes().items() if kind in ("", name) for process in some]
        times = [process.cpu_times() for process in chosen]
        return float(sum(spent.user + spent.system for spent in times))

    def _environment(self) -> dict[str, str]:
        given = {
            "HOME": self.home,
            "PORT": 0,
            "RATE_LIMIT": NO_LIMIT,
            "RATE_LIMIT_ANONYMOUS": NO_LIMIT,
        } | self._settings
        paths = [str(CHECKOUT), os.environ.get("PYTHONPATH", "")]
        here = {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
        return {**os.environ, **here, **{f"AVATARIUM_{name}": str(value) for name, value in given.items()}}

    def _noted_port(self) -> int:
        """Where it listens, as it writes down; 0 before. A port chosen here could be taken meanwhile."""
        with suppress(OSError):
            return urlsplit((self.home / ADDRESS).read_text(encoding="utf-8").strip()).port or 0
        return 0

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        until_s = time.monotonic() + READY_S
        while time.monotonic() < until_s and self._process.poll() is None:
            self.port = self._noted_port()
            client = Client(self.port)
            with suppress(OSError, http.client.HTTPException):
                if client.ask("GET", "/readyz").status == 200:
                    return
            client.close()
            time.sleep(PAUSE_S)
        raise UnavailableError(
            f"The service did not become ready; {self.home / 'bench.log'} says why.", code="bench_not_ready"
        )


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "avatarium", *arguments]


def _kind(command: list[str]) -> str:
    if "avatarium.tasks.media_process" in command:
        return "media process"
    return next((name for name in ("api", "worker", "stage") if name in command), "supervisor")
