"""The API behind a real server: what only shows on a socket."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import psutil
import pytest
import uvicorn

from tests.unit.api.kit import House, house, trial

PATIENCE_S = 30
MB = 1 << 20


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, str]]:
    """An installation and its address."""
    with house(tmp_path_factory.mktemp("home"), body_max_bytes=100_000) as made:
        made.add(trial())
        config = uvicorn.Config(made.app, port=0, log_config=None, access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        listener = config.bind_socket()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield made, f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(PATIENCE_S)
            listener.close()


def test_concurrent_callers_get_their_own_answers(served: tuple[House, str]) -> None:
    made, address = served
    wrong: list[object] = []

    def call(name: int) -> None:
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {made.user_key}"}) as client:
            for n in range(20):
                answer = client.post("/api/v1/trial/echo", json={"msg": f"{name}-{n}"})
                body = answer.json()
                if body["data"]["msg"] != f"{name}-{n}" or body["trace_id"] != answer.headers["X-Trace-Id"]:
                    wrong.append(body)

    callers = [threading.Thread(target=call, args=(name,)) for name in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(PATIENCE_S)
    assert wrong == []


def test_a_body_that_is_too_long_ends_the_connection(served: tuple[House, str]) -> None:
    """The rest of the body must not be read as the next request."""
    with _connected(served[1]) as peer:
        peer.sendall(b"POST /api/v1/trial/open HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n")
        peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = _all_of(peer)
    assert answer.startswith(b"HTTP/1.1 413")
    assert answer.count(b"HTTP/1.1") == 1


def test_a_body_in_pieces_is_counted_as_it_comes(served: tuple[House, str]) -> None:
    piece = b"2710\r\n" + b" " * 10_000 + b"\r\n"
    with _connected(served[1]) as peer:
        peer.sendall(b"POST /api/v1/trial/open HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(100):
            try:
                peer.sendall(piece)
            except OSError:
                break
        answer = _all_of(peer)
    assert answer.startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /api/v1/trial/%ff%fe HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /api/v1/trial/x?\xff=\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /api/v1/trial/open HTTP/1.1\r\nHost: a\r\nContent-Type: \xff\r\nContent-Length: 2\r\n\r\n{}",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nAuthorization: \xff\r\nX-Lang: \xff\r\nX-Trace-Id: \xff\r\n\r\n",
        b"GET /api/v1/user/remainingCoins HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \xff\r\n\r\n",
        b"STRANGE /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: \xff\r\n\r\n",
    ],
)
def test_strange_bytes_are_no_bug(served: tuple[House, str], raw: bytes) -> None:
    with _connected(served[1]) as peer:
        peer.sendall(raw.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
        answer = _all_of(peer)
    assert answer.startswith(b"HTTP/1.1 ")
    assert int(answer.split()[1]) < 500


def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(served: tuple[House, str]) -> None:
    made, address = served
    upload = _presigned(made, address)
    with _connected(address) as peer:
        path = upload["uploadUrl"].removeprefix(address)
        peer.sendall(f"PUT {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n".encode() + b"x" * 5000)
    incoming = made.platform.settings.home / "objects" / ".incoming"
    _until(lambda: not list(incoming.iterdir()))
    assert httpx.get(upload["cdnUrl"]).status_code == 404


def test_large_files_go_through_in_little_memory(served: tuple[House, str]) -> None:
    """200 MB up and down: the process may grow by a few blocks, not by the file."""
    made, address = served
    upload, size = _presigned(made, address), 200
    block = hashlib.sha512(b"block").digest() * (MB // 64)
    before = psutil.Process().memory_info().rss
    put = httpx.put(upload["uploadUrl"], content=(block for _ in range(size)), timeout=PATIENCE_S)
    assert put.json()["data"]["size"] == size * MB
    received, peak = 0, 0
    with httpx.stream("GET", upload["cdnUrl"], timeout=PATIENCE_S) as answer:
        for piece in answer.iter_raw():
            received += len(piece)
            peak = max(peak, psutil.Process().memory_info().rss)
    assert received == size * MB
    assert peak - before < 80 * MB


def test_a_reader_that_stops_reading_holds_nothing_up(served: tuple[House, str]) -> None:
    made, address = served
    made.platform.storage.put(
        "results/u1/t1/big.mp4", b"x" * 30 * MB, owner="u1", media_type="video/mp4", expires_ms=None
    )
    path = made.platform.storage.url("results/u1/t1/big.mp4", base_url=address, seconds=3600).removeprefix(address)
    idle = [_connected(address) for _ in range(60)]
    try:
        for peer in idle:
            peer.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        for _ in range(3):
            assert httpx.get(f"{address}/readyz", timeout=PATIENCE_S).status_code in (200, 503)
    finally:
        for peer in idle:
            peer.close()


def _presigned(made: House, address: str) -> dict[str, str]:
    answer = httpx.post(
        f"{address}/api/v1/r2/upload-presigned-url",
        json={"key": "a.bin"},
        headers={"Authorization": f"Bearer {made.user_key}"},
    )
    data: dict[str, str] = answer.json()["data"]
    return data


def _connected(address: str) -> socket.socket:
    port = int(address.rsplit(":", 1)[1])
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)


def _all_of(peer: socket.socket) -> bytes:
    pieces = []
    try:
        while piece := peer.recv(65536):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)
