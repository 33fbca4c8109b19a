"""WebSockets, passed on to a stage within bounds: so many of one user, none that is silent for long."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from avatarium.errors import AvatariumError, BusyError, ServiceError, UnavailableError
from avatarium.streaming.meter import Meter

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

SOCKETS_MAX = 100
"""Of one user at once, viewers of their rooms among them."""
MESSAGE_MAX_BYTES = 1 << 20
"""Larger messages end the connection."""
IDLE_S = 60.0
"""Who says nothing for so long is gone."""
SEND_S = 30.0
"""Who takes nothing for so long is gone too."""
PING_S, PONG_S = 20.0, None
"""Pings keep ways through routers open. Nobody is given up for a pong: it waits behind the messages that a stage has no
room for yet. Silence is bounded by :data:`IDLE_S` instead."""
MESSAGES_A_SECOND, MESSAGES_AT_ONCE = 300, 1000
"""Several times what a player and a microphone send, and what gathers while a line stands still."""
CODES = 4000
"""Added to an HTTP status it is the code with which a socket is closed."""
REASON_MAX = 120
"""Bytes; the protocol leaves 123."""
log = structlog.get_logger(__name__)


@asynccontextmanager
async def accepted(socket: WebSocket) -> AsyncIterator[None]:
    """Accept a socket; what is raised inside is told in a message ``{"type": "error", "code", "message"}`` before it is
    closed with 4000 and the HTTP status of the error."""
    await socket.accept()
    try:
        yield
    except WebSocketDisconnect:
        pass
    except AvatariumError as problem:
        await _refuse(socket, problem)
    except Exception:  # the outer edge of a connection
        log.exception("bug", path=socket.scope["path"][:200])
        await _refuse(socket, UnavailableError("Something went wrong on our side.", code="server_error"), status=500)


@asynccontextmanager
async def counted(socket: WebSocket, owner: str) -> AsyncIterator[None]:
    """One more socket of a user, until the end.

    Raises:
        BusyError: ``too_many_sockets``.
    """
    open_sockets: Counter[str] = socket.app.state.sockets
    if open_sockets[owner] >= SOCKETS_MAX:
        raise BusyError(
            f"{SOCKETS_MAX} connections of this kind are open, which is the limit. Close some.",
            code="too_many_sockets",
            retry_after_s=IDLE_S,
        )
    open_sockets[owner] += 1
    try:
        yield
    finally:
        open_sockets[owner] -= 1
        if not open_sockets[owner]:
            del open_sockets[owner]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What a client may send."""

    rate: float = MESSAGES_A_SECOND
    """Messages a second."""
    waits: bool = False
    """Whether who sends more is slowed down; else he is sent away."""
    send_s: float = SEND_S
    """How long the stage may have no room for a message."""


async def relay(socket: WebSocket, stage: ClientConnection, flow: Flow | None = None) -> None:
    """Pass messages on in both directions until one side closes, or the client is silent or talks too much."""
    up = asyncio.create_task(_up(socket, stage, flow or Flow()))
    ways = {up, asyncio.create_task(_down(socket, stage))}
    try:
        done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
    for way in done:
        way.result()


async def _up(socket: WebSocket, stage: ClientConnection, flow: Flow) -> None:
    from websockets.exceptions import ConnectionClosed

    meter = Meter(socket.app.state.platform.clock, rate=flow.rate, burst=MESSAGES_AT_ONCE)
    with suppress(ConnectionClosed, WebSocketDisconnect):
        while (message := await _next(socket)) is not None:
            await _keep_to(flow, meter)
            await _send(stage, message, flow.send_s)


async def _next(socket: WebSocket) -> str | bytes | None:
    try:
        async with asyncio.timeout(IDLE_S):
            message = await socket.receive()
    except TimeoutError:
        raise ServiceTimeout(f"Nothing was sent for {IDLE_S:g} seconds. Connect again.") from None
    if message["type"] != "websocket.receive":
        return None
    return message.get("text") or message.get("bytes") or b""


async def _keep_to(flow: Flow, meter: Meter) -> None:
    early_s = meter.count()
    if early_s and not flow.waits:
        raise BusyError(
            f"More than {flow.rate:g} messages a second came. Send fewer and larger ones.",
            code="too_many_messages",
            retry_after_s=1,
        )
    # Also where nobody is early: what is queued comes without a pause, in which others would have their turn.
    await asyncio.sleep(early_s)


async def _send(stage: ClientConnection, message: str | bytes, within_s: float) -> None:
    try:
        async with asyncio.timeout(within_s):
            await stage.send(message)
    except TimeoutError:
        raise ServiceTimeout(f"For {within_s:g} seconds there was no room for what you sent. Connect again.") from None


async def _down(socket: WebSocket, stage: ClientConnection) -> None:
    from websockets.exceptions import ConnectionClosed

    try:
        while True:
            message = await stage.recv()
            async with asyncio.timeout(SEND_S):
                await (socket.send_text(message) if isinstance(message, str) else socket.send_bytes(message))
    except ConnectionClosed as closed:
        code = closed.rcvd.code if closed.rcvd is not None else CODES + UnavailableError.status
        await _close(socket, code, closed.rcvd.reason if closed.rcvd is not None else "stage_away")
    except TimeoutError:
        raise ServiceTimeout(f"Nothing was taken for {SEND_S:g} seconds. Connect again.") from None


class ServiceTimeout(ServiceError):
    """A peer was silent for too long."""

    status = 408

    def __init__(self, message: str) -> None:
        super().__init__(message, code="socket_silent")


async def _refuse(socket: WebSocket, problem: AvatariumError, status: int | None = None) -> None:
    known = status or (problem.status if isinstance(problem, ServiceError) else 400)
    words = {"type": "error", "code": problem.code, "message": problem.message}
    with suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
        async with asyncio.timeout(SEND_S):
            await socket.send_text(json.dumps(words, ensure_ascii=False))
    await _close(socket, CODES + known, problem.code)


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    if socket.application_state is WebSocketState.CONNECTED:
        with suppress(RuntimeError, WebSocketDisconnect):
            await socket.close(code, reason.encode()[:REASON_MAX].decode(errors="ignore"))
