"""Connections to a real server: how many there are, how long one may take, what it hears when it is refused."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from avatarium.api.connections import BoundedProtocol
from tests.unit.api.kit import House, house

PATIENCE_S = 30
MOST = 12
MB = 1 << 20


class Impatient(BoundedProtocol):
    """Waits a moment only, so that the tests need not."""

    head_s = 0.8
    stall_s = 0.6


@contextmanager
def serving(made: House, protocol: type[BoundedProtocol], *, keep_alive_s: int = 30) -> Iterator[tuple[str, int]]:
    config = uvicorn.Config(
        made.app,
        host="127.0.0.1",
        port=0,
        http=protocol,
        limit_concurrency=MOST,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_keep_alive=keep_alive_s,
    )
    server = uvicorn.Server(config)
    listener = config.bind_socket()
    listener.listen()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield "127.0.0.1", listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)
        listener.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("home"), rate_limit_anonymous="100000/minute") as opened:
        yield opened


@pytest.fixture(scope="module")
def hasty(made: House) -> Iterator[tuple[str, int]]:
    with serving(made, Impatient) as address:
        yield address


def connected(address: tuple[str, int]) -> socket.socket:
    return socket.create_connection(address, timeout=PATIENCE_S)


def everything(peer: socket.socket) -> bytes:
    pieces = []
    try:
        while piece := peer.recv(65536):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


def body_of(answer: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert found["message"] == found["msg"] != ""
    return found


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ",
        b"\r\n\r\n",
    ],
    ids=["nothing", "a-method", "an-endless-head", "empty-lines"],
)
def test_a_request_that_never_begins_is_given_up(hasty: tuple[str, int], sent: bytes) -> None:
    with connected(hasty) as peer:
        peer.sendall(sent)
        answer = everything(peer)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert body_of(answer)["reason"] == "request_too_slow"


def test_a_head_byte_by_byte_is_given_up_all_the_same(hasty: tuple[str, int]) -> None:
    """Each byte shows that the client lives; that alone must not keep the connection open."""
    over = threading.Event()
    with connected(hasty) as peer:

        def drip() -> None:
            for byte in b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 1000:
                try:
                    peer.sendall(bytes([byte]))
                except OSError:
                    return
                if over.wait(0.02):
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        answer = everything(peer)
        over.set()
        thread.join(PATIENCE_S)
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_the_second_request_of_a_connection_has_to_begin_in_time_too(hasty: tuple[str, int]) -> None:
    with connected(hasty) as peer:
        peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        first = peer.recv(65536)
        peer.sendall(b"GET /heal")
        second = everything(peer)
    assert first.startswith(b"HTTP/1.1 200 ")
    assert second.startswith(b"HTTP/1.1 408 ")


def test_empty_lines_do_not_keep_a_connection_open(hasty: tuple[str, int]) -> None:
    """They end the time that a connection may idle, and begin no request."""
    with connected(hasty) as peer:
        peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert peer.recv(65536).startswith(b"HTTP/1.1 200 ")
        peer.sendall(b"\r\n")
        assert everything(peer).startswith(b"HTTP/1.1 408 ")


def test_a_body_may_take_longer_than_a_head(hasty: tuple[str, int]) -> None:
    with connected(hasty) as peer:
        peer.sendall(b"POST /api/login/account HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{")
        threading.Event().wait(3 * Impatient.head_s)
        peer.sendall(b"}")
        answer = everything(peer)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert body_of(answer)["reason"] == "invalid_request"


def test_what_is_no_http_is_answered_in_our_shape(hasty: tuple[str, int]) -> None:
    with connected(hasty) as peer:
        peer.sendall(b"\x16\x03\x01 hello, I am TLS\r\n\r\n")
        answer = everything(peer)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert body_of(answer)["reason"] == "bad_http"


def test_a_reader_that_stops_is_dropped(made: House, hasty: tuple[str, int]) -> None:
    key = "results/u1/t1/big.mp4"
    made.platform.storage.put(key, b"x" * 60 * MB, owner="u1", media_type="video/mp4", expires_ms=None)
    path = made.platform.storage.url(key, base_url="http://a", seconds=3600).removeprefix("http://a")
    with connected(hasty) as peer:
        peer.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        threading.Event().wait(4 * Impatient.stall_s)
        assert len(everything(peer)) < 60 * MB


def test_connections_over_the_limit_are_told_so(made: House) -> None:
    with serving(made, BoundedProtocol) as address, ExitStack() as idle:
        for _ in range(MOST):
            idle.enter_context(connected(address))
        with connected(address) as peer:
            peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = everything(peer)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: " in answer.lower()
        assert body_of(answer)["reason"] == "too_many_connections"
        idle.close()
        with httpx.Client(base_url=f"http://{address[0]}:{address[1]}", timeout=PATIENCE_S) as client:
            assert client.get("/healthz").status_code == 200


def test_far_more_connections_are_dropped(made: House) -> None:
    with serving(made, BoundedProtocol) as address, ExitStack() as idle:
        for _ in range(2 * MOST):
            idle.enter_context(connected(address))
        with connected(address) as peer:
            assert everything(peer) == b""


def test_the_service_bounds_its_connections(tmp_path: Path) -> None:
    from fastapi import FastAPI

    from avatarium.settings import Settings
    from avatarium.supervisor.processes import _http

    config = _http(FastAPI(), Settings(home=tmp_path, connections=77))
    assert config.http is BoundedProtocol
    assert config.limit_concurrency == 77
