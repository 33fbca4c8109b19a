"""The supervisor: sets up, starts one API process, the workers and the stages, keeps them alive, and stops them."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog

from avatarium.clock import Clock
from avatarium.errors import UnavailableError
from avatarium.settings import Settings, environment_of
from avatarium.supervisor import home, listening
from avatarium.supervisor.children import Child

if TYPE_CHECKING:
    from avatarium.supervisor.setup import SetUp

LOOK_S = 0.1
READY_TIMEOUT_S = 5.0
STOP_S = 8.0
"""For draining and for ending live rooms; what lives then is killed. Media processes go with their worker."""
HOPELESS = 5
"""Deaths in a row before anything was ever ready, at which the start is given up."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What is told when the service is ready."""

    address: str
    after_s: float
    settings: Settings
    done: SetUp


class Supervisor:
    """The whole service, as one process that runs the others."""

    def __init__(self, settings: Settings, clock: Clock, announce: Callable[[Ready], None]) -> None:
        self._settings = settings
        self._clock = clock
        self._announce = announce
        self._signals = 0
        self._ready = threading.Event()
        self._children: list[Child] = []
        self._at_once = 0

    def run(self) -> bool:
        """Serve until a signal says to stop; False where a second one said at once.

        Raises:
            AvatariumError: it cannot be started.
        """
        started_s = self._clock.monotonic_s()
        settings = self._settings
        home.prepare_home(settings.home)
        with home.locked(settings.home), self._listening_to_signals():
            listener = listening.listen(settings.host, settings.port, self._clock)
            address = listening.url_of(listener)
            settings = settings.model_copy(update={"port": listener.getsockname()[1]})
            try:
                with home.noted_address(settings.home, settings.public_url.rstrip("/") or address):
                    self._start(settings, listener.fileno())
                    done = self._set_up(settings)
                    self._watch(address)
                    self._keep_alive(lambda: self._tell(settings, address, done, started_s))
            finally:
                listener.close()
                self._stop()
        return self._signals < 2

    def _start(self, settings: Settings, descriptor: int) -> None:
        environment = environment_of(settings)
        api = ["api", "--supervised", "--descriptor", str(descriptor)]
        children = [Child("api", api, environment=environment, clock=self._clock, descriptors=[descriptor])]
        for number in range(1, settings.workers + 1):
            name = f"worker-{number}"
            children.append(Child(name, ["worker", "--supervised"], environment=environment, clock=self._clock))
        self._children = children
        for number in range(1, _stages(settings) + 1):
            name = f"stage-{number}"
            children.append(Child(name, ["stage", "--supervised"], environment=environment, clock=self._clock))
        # The API and a worker; the others would delay these, and follow when they are ready.
        self._at_once = 1 + min(settings.workers, 1)
        for child in children[: self._at_once]:
            child.start()

    def _set_up(self, settings: Settings) -> SetUp:
        from avatarium.supervisor.setup import set_up  # while the children load theirs

        done = set_up(settings, self._clock)
        for child in self._children:
            child.go()
        return done

    def _tell(self, settings: Settings, address: str, done: SetUp, started_s: float) -> None:
        after_s = self._clock.monotonic_s() - started_s
        log.info("ready", address=address, after_s=round(after_s, 1))
        self._announce(
            Ready(address=settings.public_url.rstrip("/") or address, after_s=after_s, settings=settings, done=done)
        )

    def _keep_alive(self, announce: Callable[[], None]) -> None:
        told = False
        while not self._signals:
            if self._ready.is_set() and not told:
                told = True
                announce()
            for child in self._children if told else self._children[: self._at_once]:
                if child.look() and not told and child.back_off.deaths >= HOPELESS:
                    raise UnavailableError(
                        f"The process {child.name} ended {HOPELESS} times before anything was ready. The lines above "
                        "say why; `avatarium doctor` looks for the reason.",
                        code="crash_loop",
                    )
            time.sleep(LOOK_S)

    def _watch(self, address: str) -> None:
        path = "/readyz" if self._settings.workers else "/healthz"  # workers elsewhere come when they come

        def ask() -> None:
            while not self._signals and not _answers(address, path):
                time.sleep(LOOK_S)
            self._ready.set()

        threading.Thread(target=ask, name="ready", daemon=True).start()

    def _stop(self) -> None:
        log.info("stopping")
        until_s = self._clock.monotonic_s() + STOP_S
        for child in self._children:
            child.signal(signal.SIGTERM)
        while self._clock.monotonic_s() < until_s and self._signals < 2:
            if all(child.has_ended() for child in self._children):
                break
            time.sleep(LOOK_S)
        for child in self._children:
            if not child.has_ended():
                log.warning("process_killed", process=child.name)
            child.reap()
        log.info("stopped")

    @contextmanager
    def _listening_to_signals(self) -> Iterator[None]:
        def count(number: int, frame: FrameType | None) -> None:
            self._signals += 1

        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        before = {number: signal.signal(number, count) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _stages(settings: Settings) -> int:
    return settings.stages if settings.stages >= 0 else os.cpu_count() or 1


def _answers(address: str, path: str) -> bool:
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=READY_TIMEOUT_S)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", path)
        return connection.getresponse().status == 200
    return False
