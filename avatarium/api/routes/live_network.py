"""What the page ``/live/network`` tests a visitor's way with: no key, but the limit of the visitor's address."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request, WebSocket
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocketState

from avatarium.api.auth import AnonymousDep, PlatformDep, anonymous
from avatarium.api.envelope import Answer, ok
from avatarium.api.live import ClientDep
from avatarium.api.routing import Router
from avatarium.api.sockets import accepted
from avatarium.errors import UnavailableError
from avatarium.platform import Platform
from avatarium.streaming.models import StageRecord
from avatarium.streaming.transports.turn import IceServers

SDP_MAX = 32 * 1024
CREDENTIALS_S = 120.0
"""For how long a stranger may use the relay."""
ECHO_S = 10.0
ECHO_MAX = 1000

router = Router()


class Probe(BaseModel):
    """A browser's offer of a connection that carries nothing but a test."""

    sdp: str = Field(min_length=1, max_length=SDP_MAX)


@router.post("/live/network/offer", include_in_schema=False)
async def offer(
    probe: Probe, request: Request, platform: PlatformDep, client: ClientDep, _counted: AnonymousDep
) -> Answer:
    """Connect to a stage by WebRTC, without a room: it echoes what the data channel ``echo`` brings, for a moment."""
    stage = await run_in_threadpool(_stage, platform)
    address = request.client.host if request.client else ""
    return ok({"sdp": await client.probe(stage, probe.sdp.encode(), address=address)})


@router.get("/live/network/ice", include_in_schema=False)
def ice(platform: PlatformDep, _counted: AnonymousDep) -> Answer:
    """STUN and TURN servers, with credentials for two minutes. Relays with fixed ones are kept for viewers of rooms."""
    known = IceServers.of(platform.settings)
    lent = replace(
        known,
        servers=tuple(server for server in known.servers if not server.username),
        lasts_s=CREDENTIALS_S,
    )
    servers: list[dict[str, Any]] = lent.for_browser("test", platform.clock)
    return ok({"ice_servers": [server for server in servers if server.get("username", "stun")]})


async def echo(socket: WebSocket) -> None:
    """Give one message back."""
    async with accepted(socket):
        await run_in_threadpool(anonymous, socket, socket.app.state.platform)
        # Whoever is silent, or sends what is no text, tests nothing.
        with suppress(TimeoutError):
            async with asyncio.timeout(ECHO_S):
                message = await socket.receive()
                if (text := message.get("text")) is not None:
                    await socket.send_text(text[:ECHO_MAX])
        if socket.client_state is WebSocketState.CONNECTED:
            await socket.close()


APIRouter.add_api_websocket_route(router, "/live/network/echo", echo)


def _stage(platform: Platform) -> StageRecord:
    alive = platform.rooms.living()
    if not alive:
        raise UnavailableError(
            "No process for live rooms runs on this server now. Try again in a minute.",
            code="no_stage",
            retry_after_s=10,
        )
    return min(alive, key=lambda stage: (stage.load, stage.id))
