"""The control server on its socket."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from avatarium.errors import OptionError

BACKLOG = 256
KEEP_ALIVE_S = 60
GOODBYE_S = 1
SOCKET_MAX_BYTES = 2 << 20


class ControlServer(uvicorn.Server):
    """Leaves signals to its process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def control_server(app: ASGIApp) -> ControlServer:
    """The server of an application."""
    return ControlServer(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="websockets-sansio",
            ws_max_size=SOCKET_MAX_BYTES,
            ws_ping_interval=None,  # a pong waits behind sound that there is no room for; silence has bounds of its own
            ws_ping_timeout=None,
            ws_per_message_deflate=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=GOODBYE_S,
        )
    )


def listen(host: str) -> socket.socket:
    """A socket on any free port of an address.

    Raises:
        OptionError: ``bad_stage_host``.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as problem:
        raise _bad(host, problem) from problem
    try:
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError as problem:
        bound.close()
        raise _bad(host, problem) from problem
    return bound


def address_of(listener: socket.socket) -> str:
    """Where the API reaches it; a stage that listens on every address is found by its machine's name."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104
        host = socket.gethostname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _bad(host: str, problem: OSError) -> OptionError:
    return OptionError(
        f"A stage cannot listen on {host} ({problem.strerror or problem}). Set AVATARIUM_STAGE_HOST to an address of "
        "this machine.",
        code="bad_stage_host",
    )
