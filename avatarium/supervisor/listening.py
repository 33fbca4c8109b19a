"""The listening socket. The supervisor holds it, so that clients wait instead of being refused while the API starts."""

from __future__ import annotations

import errno
import socket
import time

from avatarium.clock import Clock
from avatarium.errors import OptionError

BACKLOG = 2048
PATIENCE_S = 2.0
"""The processes of a supervisor that was killed a moment ago need this long to let go of the port."""
PAUSE_S = 0.05


def listen(host: str, port: int, clock: Clock) -> socket.socket:
    """Listen on an address; port 0 takes any that is free.

    Raises:
        OptionError: ``port_taken``, ``port_forbidden`` or ``bad_host``.
    """
    until_s = clock.monotonic_s() + PATIENCE_S
    while True:
        try:
            return _bound(host, port)
        except OSError as problem:
            if problem.errno != errno.EADDRINUSE or clock.monotonic_s() >= until_s:
                raise _error(host, port, problem) from problem
            time.sleep(PAUSE_S)


def url_of(listener: socket.socket) -> str:
    """The address of a socket for clients on this machine."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


def _error(host: str, port: int, problem: OSError) -> OptionError:
    if problem.errno == errno.EADDRINUSE:
        return OptionError(
            f"Port {port} of {host} is taken by another program. Stop that one, or choose another port with "
            "AVATARIUM_PORT; 0 takes any that is free.",
            code="port_taken",
        )
    if problem.errno == errno.EACCES:
        return OptionError(
            f"Port {port} needs the rights of root. Choose one from 1024 on with AVATARIUM_PORT, "
            "and put a proxy before it.",
            code="port_forbidden",
        )
    return OptionError(
        f"The address {host} cannot be listened on ({problem.strerror}). Set AVATARIUM_HOST to one of this machine.",
        code="bad_host",
    )
