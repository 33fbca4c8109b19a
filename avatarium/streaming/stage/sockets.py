"""WebSockets of a stage: samples that are pushed, and media over one connection."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from avatarium.clock import Clock
from avatarium.errors import AudioError, AvatariumError, RequestError
from avatarium.ids import new_id
from avatarium.streaming.meter import Meter
from avatarium.streaming.placement import coded_size
from avatarium.streaming.stage.pcm import PcmFormat
from avatarium.streaming.stage.refusals import refusal_of
from avatarium.streaming.stage.room import StageRoom
from avatarium.streaming.stage.sounds import PushedSource
from avatarium.streaming.stage.stage import Stage
from avatarium.streaming.transports.socket import SocketViewer
from avatarium.streaming.wire import COMMAND_ID_MAX

FIRST_S = 10.0
IDLE_S = 30.0
"""Without a message for so long, what was pushed is all that is said."""
MESSAGES_A_SECOND, MESSAGES_AT_ONCE = 600, 200
"""Of sound; who sends more is slowed down."""
REFUSED = 4000
"""Codes of WebSockets that refuse: this and the status of HTTP."""
log = structlog.get_logger()


class Sockets:
    """Those of one stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def sound(self, socket: WebSocket) -> None:
        """Say what is pushed: first a message that tells how it is written, then samples, then ``{"end": true}``."""
        await socket.accept()
        try:
            room = self._stage.find(socket.path_params["room"])
            room.check_joined()
            await _take_sound(room, socket)
            with suppress(RuntimeError):
                await socket.close()
        except AvatariumError as problem:
            await _refuse(socket, problem)
        except WebSocketDisconnect:
            return

    async def watch(self, socket: WebSocket) -> None:
        """Send the room over this connection until the viewer goes."""
        await socket.accept()
        try:
            room = self._stage.find(socket.path_params["room"])
            room.check_open()
            room.audience.check_room()
            headers = socket.headers
            uid = headers.get("x-viewer-uid", "")
            viewer = SocketViewer(
                room,
                _Line(socket),
                uid=int(uid) if uid.isascii() and uid.isdigit() else 0,
                may_publish=headers.get("x-may-publish") == "1" and room.spec.microphone,
                size=coded_size(room.spec),
                alpha=room.spec.transparent,
            )
            room.add_viewer(viewer)
            await viewer.run()
        except AvatariumError as problem:
            await _refuse(socket, problem)


class _Line:
    """A WebSocket as transports know it."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def send_text(self, text: str) -> None:
        try:
            await self._socket.send_text(text)
        except (WebSocketDisconnect, RuntimeError) as problem:
            raise ConnectionError("the viewer has gone") from problem

    async def send_bytes(self, data: bytes) -> None:
        try:
            await self._socket.send_bytes(data)
        except (WebSocketDisconnect, RuntimeError) as problem:
            raise ConnectionError("the viewer has gone") from problem

    async def receive(self) -> str | bytes:
        """One message.

        Raises:
            ConnectionError: it was closed.
        """
        try:
            message = await self._socket.receive()
        except RuntimeError as problem:
            raise ConnectionError("the viewer has gone") from problem
        if message["type"] != "websocket.receive":
            raise ConnectionError("the viewer has gone")
        return message.get("bytes") or message.get("text") or ""

    async def close(self, code: int = 1000) -> None:
        with suppress(RuntimeError, WebSocketDisconnect):
            await self._socket.close(code)


async def _take_sound(room: StageRoom, socket: WebSocket) -> None:
    first = _json(await _received(socket, FIRST_S))
    form = PcmFormat.of(first)
    command_id = str(first.get("command_id") or new_id())[:COMMAND_ID_MAX]
    source = room.speaker.push(command_id, form.rate)
    await socket.send_json({"type": "accepted", "command_id": command_id})
    try:
        await _pump(socket, form, source)
        await source.end()
        await socket.send_json({"type": "ended", "command_id": command_id, "seconds": round(source.received_s, 3)})
    finally:
        # Whatever ended it: what came is all that is said.
        with suppress(AudioError):
            await source.end()


async def _pump(socket: WebSocket, form: PcmFormat, source: PushedSource) -> None:
    first, meter = True, Meter(Clock(), rate=MESSAGES_A_SECOND, burst=MESSAGES_AT_ONCE)
    while True:
        message = await _received(socket, IDLE_S)
        # Also where it is not early: what is queued comes without a pause, in which rooms would have their turn.
        await asyncio.sleep(meter.count())
        if isinstance(message, bytes):
            await source.push(form.decode(message, first=first))
            first = False
        elif _json(message).get("end"):
            return


async def _received(socket: WebSocket, within_s: float) -> str | bytes:
    try:
        async with asyncio.timeout(within_s):
            message = await socket.receive()
    except TimeoutError as problem:
        raise RequestError(
            f'Nothing came for {within_s:g} seconds. Send samples without a pause, and {{"end": true}} at the end.',
            code="sound_idle",
        ) from problem
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    data = message.get("bytes")
    return data if data is not None else str(message.get("text", ""))


def _json(message: str | bytes) -> dict[str, Any]:
    try:
        value = json.loads(message) if isinstance(message, str) else None
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise RequestError(
            'A text message is a JSON object: the first tells how the sound is written, {"end": true} ends it.',
            code="bad_sound_message",
        )
    return value


async def _refuse(socket: WebSocket, problem: AvatariumError) -> None:
    refusal = refusal_of(problem)
    with suppress(RuntimeError, WebSocketDisconnect):
        await socket.send_json({"type": "error", "code": refusal.reason, **refusal.model_dump()})
        await socket.close(REFUSED + refusal.status)
