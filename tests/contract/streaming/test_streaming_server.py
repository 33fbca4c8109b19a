"""WebSockets and streams behind the real server: connections, sizes and silence, bounded."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

from avatarium.api.app import create_app
from avatarium.api.connections import BoundedSocket
from avatarium.api.sockets import MESSAGE_MAX_BYTES
from avatarium.catalogue.shipped import shipped_avatars
from avatarium.streaming.control import StageClient
from avatarium.streaming.models import StageRecord
from avatarium.supervisor.processes import _http
from tests.running import Running, running
from tests.support.stage import StageDouble, stages

PATIENCE_S = 30


class Served:
    """An installation with a stage behind the server that `serve` starts."""

    def __init__(self, it: Running, app: FastAPI, stage: StageDouble, port: int) -> None:
        self.it = it
        self.app = app
        self.stage = stage
        self.address = f"127.0.0.1:{port}"

    @property
    def open_sockets(self) -> int:
        return sum(self.app.state.sockets.values())

    def room(self) -> Any:
        self.stage.register()
        return self.it.post(
            "streaming-avatar/agora-token", {"avatar_id": shipped_avatars()[0].id, "expire_seconds": 60}
        )

    def watching(self, room: Any, **options: Any) -> connect:
        bearer = {"Authorization": f"Bearer {room['token']}"}
        url = f"ws://{self.address}/whep/{room['channel']}/watch"
        return connect(url, additional_headers=bearer, proxy=None, max_size=None, **options)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with running(tmp_path, connections=8) as it, stages(it.platform) as (stage,):
        app = create_app(it.platform)
        config = _http(app, it.platform.settings)
        config.port = 0
        server = uvicorn.Server(config)
        listener = config.bind_socket()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        until = time.monotonic() + PATIENCE_S
        while not server.started:
            assert time.monotonic() < until
            time.sleep(0.01)
        try:
            yield Served(it, app, stage, listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(PATIENCE_S)
            listener.close()
            assert not thread.is_alive()


def stage_at(port: int) -> StageRecord:
    return StageRecord(
        id="stage-1",
        host="here",
        address=f"http://127.0.0.1:{port}",
        places=4.0,
        capacity={},
        rooms=0,
        load=0.0,
        late=0.0,
        draining=False,
        started_ms=0,
        seen_ms=0,
    )


async def exchanged(socket: ClientConnection, message: str | bytes) -> str | bytes:
    await socket.send(message)
    async with asyncio.timeout(PATIENCE_S):
        return await socket.recv()


async def closed(socket: ClientConnection) -> int:
    """The code with which the server closes."""
    with pytest.raises(ConnectionClosed) as end:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                await socket.recv()
    return end.value.rcvd.code if end.value.rcvd is not None else 0


def test_messages_go_both_ways(served: Served) -> None:
    async def watch() -> None:
        async with served.watching(served.room()) as socket:
            assert await exchanged(socket, "got") == "heard got"
            assert await exchanged(socket, b"\x00\x01") == b"\x01\x00"
            assert await exchanged(socket, b"a" * (MESSAGE_MAX_BYTES - 1)) == b"a" * (MESSAGE_MAX_BYTES - 1)

    asyncio.run(watch())


def test_a_message_that_is_too_long_ends_the_connection(served: Served) -> None:
    async def watch() -> None:
        async with served.watching(served.room()) as socket:
            await socket.send(b"a" * (MESSAGE_MAX_BYTES + 1))
            assert await closed(socket) == 1009

    asyncio.run(watch())


def test_sockets_count_among_the_connections(served: Served) -> None:
    room = served.room()

    async def watch() -> None:
        open_ones = [await served.watching(room) for _ in range(8)]
        with pytest.raises(InvalidStatus) as refused:
            await served.watching(room)
        assert refused.value.response.status_code == 503
        assert b"too_many_connections" in refused.value.response.body
        assert await exchanged(open_ones[0], "a") == "heard a", "the others go on"
        for socket in open_ones:
            await socket.close()
        async with served.watching(room) as socket:
            assert await exchanged(socket, "b") == "heard b"

    asyncio.run(watch())


def test_who_takes_nothing_is_cut_off(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedSocket, "stall_s", 0.2)

    async def watch() -> int:
        socket = await served.watching(served.room(), max_queue=1, write_limit=2**26)
        block = b"a" * (MESSAGE_MAX_BYTES - 1)
        sent = 0
        with pytest.raises((ConnectionClosed, TimeoutError)):
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    await socket.send(block)  # and reads none of the answers
                    sent += 1
        await socket.close()
        return sent

    assert asyncio.run(watch()) < 200
    until = time.monotonic() + PATIENCE_S
    while served.stage.sockets or served.open_sockets:
        assert time.monotonic() < until, "both ends of it are gone"
        time.sleep(0.02)
    assert httpx.get(f"http://{served.address}/healthz", trust_env=False).status_code == 200


def test_a_stage_that_takes_nothing_does_not_hold_who_leaves() -> None:
    async def leave() -> None:
        over = asyncio.Event()

        async def deaf(socket: ServerConnection) -> None:
            socket.transport.pause_reading()
            await over.wait()
            socket.transport.abort()

        async with serve(deaf, "127.0.0.1", 0) as server:
            stage = stage_at(server.sockets[0].getsockname()[1])
            client = StageClient(b"secret")
            try:
                async with asyncio.timeout(PATIENCE_S), client.socket(stage, "/rooms/a/watch") as socket:
                    with pytest.raises(TimeoutError):
                        async with asyncio.timeout(1):
                            while True:
                                await socket.send(b"a" * (MESSAGE_MAX_BYTES - 1))
            finally:
                over.set()
                await client.close()

    asyncio.run(leave())


def test_tokens_in_addresses_do_not_reach_the_log(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    room = served.room()

    async def watch() -> None:
        token = room["token"].replace("+", "%2B")
        url = f"ws://{served.address}/whep/{room['channel']}/watch?token={token}"
        async with connect(url, proxy=None) as socket:
            assert await exchanged(socket, "a") == "heard a"

    with caplog.at_level(logging.INFO):
        asyncio.run(watch())
    assert room["token"][:20] not in caplog.text


def test_unknown_paths_take_no_sockets(served: Served) -> None:
    async def knock() -> int:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"ws://{served.address}/api/v1/streaming-avatar/nothing", proxy=None)
        return refused.value.response.status_code

    assert asyncio.run(knock()) in (403, 404)


def test_events_arrive_while_they_happen(served: Served) -> None:
    room = served.room()
    room_id = next(iter(served.stage.rooms))
    headers = {"Authorization": str(served.it.client.headers["Authorization"])}
    path = f"http://{served.address}/api/v1/streaming-avatar/events?channel={room['channel']}"
    with httpx.stream("GET", path, headers=headers, timeout=PATIENCE_S, trust_env=False) as answer:
        lines = (line for line in answer.iter_lines() if line.startswith("event:"))
        for kind in ("ready", "speaking_started"):
            served.stage.emit(room_id, kind)
            assert next(lines) == f"event: {kind}"
        served.it.post("streaming-avatar/leave", {"channel": room["channel"]})
        assert next(lines) == "event: ended" and not list(lines)
