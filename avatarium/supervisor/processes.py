"""What the processes of the service do: one answers requests, the others work or render live rooms."""

from __future__ import annotations

import resource
import signal
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from avatarium.clock import Clock
from avatarium.database import Database
from avatarium.errors import UnavailableError
from avatarium.logs import configure_logging
from avatarium.migrations import is_current
from avatarium.settings import Settings, load_settings
from avatarium.supervisor.leash import Leash
from avatarium.supervisor.listening import listen, url_of

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

    from avatarium.platform import Platform

DRAIN_S = 5
"""Requests that still run when the API is stopped get this long."""
KEEP_ALIVE_S = 30
WARM_UP_S = 2.0
"""After which the libraries of tasks are loaded, beside the first requests, if none has needed them yet."""
TABLES_S = 120.0
"""How long a process waits for somebody to migrate the database."""
FILES_EACH, FILES_ELSE = 2, 512
"""Open files of a connection, which may be moving one, and of everything else."""
log = structlog.get_logger()


def run_api(leash: Leash | None, descriptor: int | None, overrides: dict[str, object]) -> int:
    """Answer requests until SIGTERM; then no new ones, and those that run are finished."""
    settings = load_settings(**overrides)
    configure_logging(settings)
    clock = Clock()
    listener = listen(settings.host, settings.port, clock) if descriptor is None else socket.socket(fileno=descriptor)
    import uvicorn

    from avatarium.api.app import create_app
    from avatarium.platform import Platform
    from avatarium.streaming.guard import guarding

    _wait(leash, settings, clock)
    platform = Platform.open(settings)
    _allow_files(settings.connections)
    server = uvicorn.Server(_http(create_app(platform), settings))
    warm_up = threading.Timer(WARM_UP_S, _load_later_parts, [platform])
    warm_up.daemon = True
    warm_up.start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # the server raises what it caught once more when it has ended
    log.info("api_ready", address=url_of(listener))
    with guarding(platform.database, platform.rooms, clock, settings):
        server.run(sockets=[listener])
    platform.close()
    log.info("api_stopped")
    return 0


def run_worker(leash: Leash | None, on_stop: Callable[[Callable[[], None]], None]) -> int:
    """Work until a signal says to stop; what is being worked on is handed back."""
    settings = load_settings()
    configure_logging(settings)
    clock = Clock()
    from avatarium.platform import Platform
    from avatarium.tasks.worker import Worker

    _wait(leash, settings, clock)
    platform = Platform.open(settings)
    worker = Worker(platform)
    on_stop(worker.stop)
    worker.run()
    log.info("worker_stopped", executor=worker.executor)
    return 0


def run_stage(leash: Leash | None, on_stop: Callable[[Callable[[], None]], None], overrides: dict[str, object]) -> int:
    """Render live rooms until a signal says to stop; then they end, and what was not used is given back."""
    settings = load_settings(**overrides)
    configure_logging(settings)
    from avatarium.platform import Platform
    from avatarium.streaming.stage.process import run

    _wait(leash, settings, Clock())
    run(Platform.open(settings), on_stop)
    log.info("stage_stopped")
    return 0


def _load_later_parts(platform: Platform) -> None:
    """What the first task and the first room would otherwise wait for."""
    from avatarium.catalogue.voices import default_voice, wanted_locale
    from avatarium.streaming.control import warm_up

    default_voice(wanted_locale())
    warm_up()
    _ = platform.tasks


def _http(app: FastAPI, settings: Settings) -> uvicorn.Config:
    import uvicorn

    from avatarium.api.connections import BoundedProtocol, BoundedSocket
    from avatarium.api.sockets import MESSAGE_MAX_BYTES, PING_S, PONG_S

    return uvicorn.Config(
        app,
        http=BoundedProtocol,
        limit_concurrency=settings.connections,
        log_config=None,
        access_log=False,
        lifespan="on",
        ws=BoundedSocket,
        ws_max_size=MESSAGE_MAX_BYTES,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PONG_S,
        ws_per_message_deflate=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=DRAIN_S,
    )


def _allow_files(connections: int) -> None:
    """Raise the number of files that this process may open, where it is too small for so many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_EACH * connections + FILES_ELSE
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _wait(leash: Leash | None, settings: Settings, clock: Clock) -> None:
    """Until there is an installation to work with: the supervisor says so, or the database shows it."""
    if leash is not None:
        leash.wait()
        return
    database = Database.open(settings.database)
    until_s = clock.monotonic_s() + TABLES_S
    told = False
    while not _has_tables(database):
        if clock.monotonic_s() >= until_s:
            raise UnavailableError(
                "The tables of the database are not those of this version. Run `avatarium migrate` once.",
                code="not_migrated",
            )
        if not told:
            log.warning("waiting", reason="The database is not migrated yet. Run `avatarium migrate` once.")
            told = True
        time.sleep(0.5)
    database.close()


def _has_tables(database: Database) -> bool:
    try:
        return is_current(database)
    except UnavailableError:
        return False
