"""Connections to strangers: only to public addresses, never through a redirect, and all over at one moment."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import requests
from AntiSSRF import AntiSSRFPolicy, PolicyConfigOptions
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from avatarium.errors import RequestError

_IPV4_COMPATIBLE = "::/96"
"""Deprecated (RFC 4291, section 2.5.5.1), and not in the library's list: ::127.0.0.1."""


class Deadline:
    """The moment at which every socket of a session is shut, whatever it is in the middle of.

    Time-outs of a socket count from the last byte: who sends one byte a second holds a connection for ever, in the
    middle of the head of an answer as well as in the handshake of TLS, where nobody else looks at a clock.
    """

    def __init__(self, seconds: float) -> None:
        self.end_s = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._shut)
        self._timer.daemon = True
        self._timer.start()

    @property
    def passed(self) -> bool:
        """Whether it is over."""
        return time.monotonic() >= self.end_s

    def watch(self, connected: socket.socket) -> None:
        """Shut this socket, too; a double of it is kept, since TLS takes the original over."""
        with self._lock:
            self._sockets.append(connected.dup())
        if self.passed:
            self._shut()

    def close(self) -> None:
        """Watch no longer."""
        self._timer.cancel()
        with self._lock:
            for double in self._sockets:
                double.close()
            self._sockets.clear()

    def _shut(self) -> None:
        with self._lock:
            for double in self._sockets:
                try:
                    double.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # closed by the other side already


@contextmanager
def guarded_session(deadline: Deadline, *, allowed: bool) -> Iterator[requests.Session]:
    """A session for one request, whose sockets the deadline watches.

    Args:
        deadline: when everything is shut.
        allowed: whoever runs the service named this host and port, so its address may be private.
    """
    session = requests.Session() if allowed else _policy().get_antissrf_session()
    session.trust_env = False  # a proxy of the environment would reach what we must not
    for scheme in ("http://", "https://"):
        adapter = session.get_adapter(scheme)
        assert isinstance(adapter, HTTPAdapter)
        adapter.poolmanager.pool_classes_by_scheme = _pools(deadline)
    with session:
        yield session


def is_allowed(url: str, allowed: Collection[str]) -> bool:
    """Whether whoever runs the service named the host and port of an address: ``host:port`` or ``[ipv6]:port``."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = parts.hostname or ""
    return f"{host}:{port}" in allowed or f"[{host}]:{port}" in allowed


def refuse_private() -> RequestError:
    """The error for an address that is not public."""
    return RequestError(
        "The address leads to a private or reserved network, which is never fetched from. Use a public address.",
        code="url_private",
    )


def _policy() -> AntiSSRFPolicy:
    policy = AntiSSRFPolicy(PolicyConfigOptions.EXTERNAL_ONLY_LATEST)
    policy.add_denied_addresses([_IPV4_COMPATIBLE])
    policy.allow_plain_text_http = True
    policy.add_xff_header = False
    return policy


def _pools(deadline: Deadline) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            made = super()._new_conn()
            deadline.watch(made)
            return made

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            made = super()._new_conn()
            deadline.watch(made)
            return made

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
