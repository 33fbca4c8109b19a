"""A stage that speaks the control protocol and renders nothing: what it is told is written down."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from avatarium.api.routes.streaming_rooms import LIVE, SAID
from avatarium.clock import SECOND_MS
from avatarium.platform import Platform
from avatarium.secret import derive
from avatarium.streaming.models import EndReason, StageRecord
from avatarium.streaming.wire import CONTROL, RoomSpec

START_S = 10.0
ANSWER = "v=0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
RESTARTED = "a=ice-ufrag:efgh\r\na=ice-pwd:0123456789012345678901\r\n"


@dataclass
class OpenRoom:
    """One room of the double."""

    spec: RoomSpec
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    viewers: list[dict[str, str]] = field(default_factory=list)


class StageDouble:
    """Its server runs in a thread; ``rooms`` is what it was told to open."""

    def __init__(self, platform: Platform, name: str = "stage-1", *, places: float = 4.0) -> None:
        self.id = name
        self.rooms: dict[str, OpenRoom] = {}
        self.sockets = 0
        """How many are open."""
        self.refusal: tuple[int, dict[str, Any]] | None = None
        """What every command is refused with."""
        self._platform = platform
        self._places = places
        self._key = f"Bearer {derive(platform.secret, CONTROL).hex()}"
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._app(), host="127.0.0.1", port=0, log_config=None, lifespan="off", ws="websockets-sansio"
            )
        )
        self._thread = threading.Thread(target=self._server.run)

    @property
    def address(self) -> str:
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def start(self) -> None:
        self._thread.start()
        until = time.monotonic() + START_S
        while not self._server.started:
            assert time.monotonic() < until
            time.sleep(0.01)
        self.register()

    def register(self, *, lasts_s: float = 0.0) -> None:
        """On the roll, seen just now, or as if it were to be seen for longer than tests take."""
        now_ms = self._platform.clock.now_ms() + round(lasts_s * SECOND_MS)
        self._platform.rooms.register_stage(
            StageRecord(
                id=self.id,
                host="here",
                address=self.address,
                places=self._places,
                capacity={"rooms_max": self._places},
                rooms=0,
                load=0.0,
                late=0.0,
                draining=False,
                started_ms=now_ms,
                seen_ms=now_ms,
            )
        )

    def stop(self) -> None:
        """As if it died: its row stays."""
        if self._thread.is_alive():
            self._server.force_exit = True
            self._server.should_exit = True
            self._thread.join(timeout=START_S)

    def emit(self, room_id: str, kind: str, **facts: Any) -> None:
        """Something happens in a room."""
        events = self.rooms[room_id].events
        events.append({"number": len(events) + 1, "type": kind, "command_id": None, "media_ms": 40, **facts})

    def _app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/rooms", self._open, methods=["POST"]),
                Route("/rooms/{id}", self._end, methods=["DELETE"]),
                Route("/rooms/{id}", self._state, methods=["GET"]),
                Route("/rooms/{id}/events", self._events, methods=["GET"]),
                Route("/rooms/{id}/viewers", self._offer, methods=["POST"]),
                Route("/rooms/{id}/viewers/{viewer}", self._viewer, methods=["PATCH", "DELETE"]),
                Route("/rooms/{id}/{verb}", self._command, methods=["POST"]),
                WebSocketRoute("/rooms/{id}/{way}", self._socket),
            ]
        )

    def _room(self, request: Request) -> OpenRoom | Response:
        if request.headers.get("authorization") != self._key:
            return JSONResponse({"status": 401, "reason": "bad_key", "message": "No."}, 401)
        if self.refusal is not None:
            status, body = self.refusal
            return JSONResponse({"status": status, **body}, status)
        room = self.rooms.get(request.path_params["id"])
        return room or JSONResponse({"status": 404, "reason": "room_not_found", "message": "Not here."}, 404)

    async def _open(self, request: Request) -> Response:
        if request.headers.get("authorization") != self._key:
            return Response(status_code=401)
        if self.refusal is not None:
            return JSONResponse({"status": self.refusal[0], **self.refusal[1]}, self.refusal[0])
        spec = RoomSpec.model_validate_json(await request.body())
        self.rooms.setdefault(spec.room_id, OpenRoom(spec))
        return JSONResponse({"room_id": spec.room_id}, 201)

    async def _end(self, request: Request) -> Response:
        room = self._room(request)
        if isinstance(room, Response):
            return room
        reason = EndReason((await request.json())["reason"])
        report = await asyncio.to_thread(self._platform.rooms.end, room.spec.room_id, reason, stage_id=self.id)
        facts = {"reason": report.reason, "charged": report.charged, "refunded": report.refunded, "why": report.why}
        self.emit(room.spec.room_id, "ended", **facts)
        return JSONResponse(report.as_json())

    async def _state(self, request: Request) -> Response:
        room = self._room(request)
        return room if isinstance(room, Response) else JSONResponse(LIVE)

    async def _command(self, request: Request) -> Response:
        room = self._room(request)
        if isinstance(room, Response):
            return room
        body = json.loads(await request.body() or b"{}")
        room.told.append((request.path_params["verb"], body))
        if request.path_params["verb"] in ("speak", "ask"):
            position = len(room.told) - 1
            answer = {"command_id": body["command_id"], "position": position, "waits_s": 0.0, "generation": 1}
            return JSONResponse(answer)
        if request.path_params["verb"] == "interrupt":
            return JSONResponse(SAID)
        return JSONResponse({name: body[name] for name in ("on",) if name in body})

    async def _events(self, request: Request) -> Response:
        room = self._room(request)
        if isinstance(room, Response):
            return room
        return StreamingResponse(self._lines(room, int(request.query_params["after"])))

    async def _lines(self, room: OpenRoom, after: int) -> AsyncIterator[bytes]:
        while True:
            yield b'{"type": "keepalive"}\n'
            for event in room.events[after:]:
                after += 1
                yield json.dumps(event).encode() + b"\n"
                if event["type"] == "ended":
                    return
            if room.events and room.events[-1]["type"] == "ended":
                return
            await asyncio.sleep(0.02)

    async def _offer(self, request: Request) -> Response:
        room = self._room(request)
        if isinstance(room, Response):
            return room
        names = ("x-viewer-uid", "x-may-publish", "x-viewer-address")
        room.viewers.append({name: request.headers[name] for name in names} | {"sdp": (await request.body()).decode()})
        headers = {"X-Viewer-Id": f"viewer{len(room.viewers)}"}
        return Response(ANSWER, 201, media_type="application/sdp", headers=headers)

    async def _viewer(self, request: Request) -> Response:
        room = self._room(request)
        if isinstance(room, Response):
            return room
        body = (await request.body()).decode()
        if_match = request.headers.get("if-match", "")
        room.told.append(
            (request.method, {"viewer": request.path_params["viewer"], "body": body, "if_match": if_match})
        )
        if "ice-ufrag" in body:
            return Response(RESTARTED, 200, media_type="application/trickle-ice-sdpfrag")
        return Response(status_code=204 if request.method == "PATCH" else 200)

    async def _socket(self, socket: WebSocket) -> None:
        room = self.rooms.get(socket.path_params["id"])
        if socket.headers.get("authorization") != self._key or room is None:
            await socket.close(4404)
            return
        await socket.accept()
        way = socket.path_params["way"]
        room.told.append((way, dict(socket.headers) | {"query": str(socket.url.query)}))
        self.sockets += 1
        try:
            while True:
                message = await socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                if message.get("text") == "bye":
                    await socket.close(4410, "room_over")
                    return
                if (text := message.get("text")) is not None:
                    await socket.send_text(f"heard {text}")
                else:
                    await socket.send_bytes(message["bytes"][::-1])
        except WebSocketDisconnect:
            return
        finally:
            self.sockets -= 1


@contextmanager
def stages(platform: Platform, number: int = 1, *, places: float = 4.0) -> Iterator[list[StageDouble]]:
    """So many of them, on the roll."""
    made = [StageDouble(platform, f"stage-{index}", places=places) for index in range(1, number + 1)]
    for stage in made:
        stage.start()
    try:
        yield made
    finally:
        for stage in made:
            stage.stop()
