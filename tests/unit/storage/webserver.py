"""A stranger's web server on this machine that answers however a test wants, byte by byte, and counts who comes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Answer = Callable[[socket.socket, str], None]
"""Writes a whole answer, head included; is given the request's head."""


@dataclass(slots=True)
class Stranger:
    """A server that runs."""

    port: int
    answer: Answer
    requests: list[str] = field(default_factory=list)
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """The address of a file there."""
        return f"http://127.0.0.1:{self.port}/some/file.mp4"

    @property
    def allowed(self) -> str:
        """What lets it be fetched from though it is on this machine."""
        return f"127.0.0.1:{self.port}"


def reply(body: bytes, *, status: str = "200 OK", headers: str = "", length: int | None = None) -> Answer:
    """An answer with a body; ``length`` is what its head says of it."""

    def write(connection: socket.socket, _request: str) -> None:
        size = len(body) if length is None else length
        connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{headers}\r\n".encode() + body)

    return write


@contextmanager
def running(answer: Answer, host: str = "127.0.0.1") -> Iterator[Stranger]:
    """Serve on a free port until the end of the block."""
    listener = socket.create_server((host, 0))
    stranger = Stranger(port=listener.getsockname()[1], answer=answer)
    threads: list[threading.Thread] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            stranger.connections += 1
            thread = threading.Thread(target=_serve_one, args=(connection, stranger))
            thread.start()
            threads.append(thread)

    accepting = threading.Thread(target=serve)
    accepting.start()
    try:
        yield stranger
    finally:
        stranger.over.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in [accepting, *threads]:
            thread.join(10)


def _serve_one(connection: socket.socket, stranger: Stranger) -> None:
    with connection, suppress(OSError):
        head = b""
        while b"\r\n\r\n" not in head and (piece := connection.recv(65536)):
            head += piece
        stranger.requests.append(head.decode("latin-1"))
        stranger.answer(connection, head.decode("latin-1"))
