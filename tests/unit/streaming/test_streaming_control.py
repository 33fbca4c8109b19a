"""The API's way to a stage: lines of events, and connections that wait for nothing but their turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from websockets.asyncio import client as client_library
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from avatarium.api import sockets
from avatarium.api.sockets import ServiceTimeout
from avatarium.clock import ManualClock
from avatarium.errors import NotFoundError, UnavailableError
from avatarium.streaming import control
from avatarium.streaming.control import LINE_MAX, StageClient
from avatarium.streaming.stage.serving import control_server
from avatarium.streaming.wire import Refusal
from tests.support.live_rooms import in_loop


class Answer:
    """A stream that comes in such blocks."""

    def __init__(self, *blocks: bytes) -> None:
        self._blocks = blocks

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        for block in self._blocks:
            yield block


async def lines(*blocks: bytes) -> list[bytes]:
    return [line async for line in control._lines(cast(Any, Answer(*blocks)))]


@in_loop
async def test_a_line_that_is_too_long_is_left_out_and_those_behind_it_come() -> None:
    long = b"x" * (LINE_MAX + 1)
    assert await lines(b"a\n", long + b"\nb\n") == [b"a", b"b"]
    assert await lines(b"a\n" + long, long, b"rest\nb", b"c\n\n") == [b"a", b"bc"]
    assert await lines(long, b"\n", b"a\n") == [b"a"]
    assert await lines(b"x" * LINE_MAX + b"\n") == [b"x" * LINE_MAX]


@in_loop
async def test_whoever_waits_for_a_connection_does_not_wait_as_long_as_for_an_answer() -> None:
    assert control._timeout(control.END_S).pool == control.CONNECT_S
    assert control._timeout(control.END_S).read == control.END_S


def test_no_pong_that_waits_behind_sound_ends_a_connection() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None: ...

    config = control_server(app).config
    assert config.ws_ping_interval is None and config.ws_ping_timeout is None and sockets.PONG_S is None


class Impatient(connect):
    """Connections as the library makes them, with its time-outs a thousand times as short."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **({"ping_interval": 0.02, "ping_timeout": 0.02} | named))


@in_loop
async def test_a_push_that_a_stage_has_no_room_for_outlasts_the_patience_of_the_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The pong waited behind the sound; after twenty seconds the connection was given up."""
    heard = asyncio.Queue[Any]()

    async def listen(socket: ServerConnection) -> None:
        socket.transport.pause_reading()
        await asyncio.sleep(0.3)
        socket.transport.resume_reading()
        async for message in socket:
            heard.put_nowait(message)

    monkeypatch.setattr(client_library, "connect", Impatient)
    async with serve(listen, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        stage = cast(Any, SimpleNamespace(address=f"http://127.0.0.1:{port}"))
        client = StageClient(b"secret")
        async with client.socket(stage, "/rooms/a/sound") as socket:
            await socket.send(b"before")
            await asyncio.sleep(0.3)
            await socket.send(b"after")
            assert [await heard.get(), await heard.get()] == [b"before", b"after"]
        await client.close()


@in_loop
async def test_messages_that_are_queued_do_not_keep_the_loop_from_others() -> None:
    """Reading what is there never pauses, nor does passing it on: others had their turn when all was through."""
    passed: list[str | bytes] = []

    class Queued:
        app = SimpleNamespace(state=SimpleNamespace(platform=SimpleNamespace(clock=ManualClock())))
        left = 100

        async def receive(self) -> dict[str, Any]:
            self.left -= 1
            if self.left < 0:
                return {"type": "websocket.disconnect"}
            return {"type": "websocket.receive", "bytes": b"ab"}

    class Stage:
        async def send(self, message: str | bytes) -> None:
            passed.append(message)

    up = asyncio.create_task(sockets._up(cast(Any, Queued()), cast(Any, Stage()), sockets.Flow()))
    turns = 0
    while not up.done():
        await asyncio.sleep(0)
        turns += 1
    assert len(passed) == 100 and turns >= 100


@in_loop
async def test_a_stage_that_has_no_room_for_long_is_told_in_a_sentence() -> None:
    class Full:
        async def send(self, message: str | bytes) -> None:
            await asyncio.sleep(60)

    with pytest.raises(ServiceTimeout, match="no room"):
        await sockets._send(cast(Any, Full()), b"ab", 0.01)


class Starting:
    """A stage that answers a command late, because a voice is being started; ``hangs`` answers nothing else either."""

    def __init__(self, *, hangs: bool = False, gone: bool = False) -> None:
        self.hangs, self.gone, self.asked = hangs, gone, 0
        self.ready = asyncio.Event()
        self.dropped = False

    async def answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            try:
                await self.ready.wait()
            except asyncio.CancelledError:
                self.dropped = True
                raise
            return httpx.Response(200, json={"command_id": "a"})
        self.asked += 1
        if self.hangs:
            await asyncio.sleep(60)
        if self.gone:
            refusal = Refusal(status=404, reason="room_not_found", message="There is no such room.")
            return httpx.Response(404, content=refusal.model_dump_json())
        if self.asked == 3:
            self.ready.set()
        return httpx.Response(200, json={})

    def client(self) -> StageClient:
        client = StageClient(b"secret")
        client._http = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        return client


STAGE = cast(Any, SimpleNamespace(address="http://stage"))


@in_loop
async def test_a_first_word_waits_for_a_slow_voice_that_takes_long_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """It took 17 s on a starved machine, and the call was given up after 15."""
    monkeypatch.setattr(control, "ANSWER_S", 0.01)
    stage = Starting()
    assert await stage.client().command(STAGE, "room", "speak", None) == {"command_id": "a"}
    assert stage.asked >= 3


@in_loop
async def test_a_stage_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "ANSWER_S", 0.01)
    stage = Starting(hangs=True)
    client = stage.client()
    call = client._call

    async def impatient(*given: Any, timeout_s: float = 0.01) -> dict[str, Any]:
        return await call(*given, timeout_s=timeout_s)

    monkeypatch.setattr(client, "_call", impatient)
    with pytest.raises(UnavailableError, match="does not answer"):
        await client.command(STAGE, "room", "speak", None)
    await asyncio.sleep(0.01)
    assert stage.dropped


@in_loop
async def test_a_room_that_ends_meanwhile_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "ANSWER_S", 0.01)
    with pytest.raises(NotFoundError, match="no such room"):
        await Starting(gone=True).client().command(STAGE, "room", "speak", None)
