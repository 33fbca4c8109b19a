"""Sound that is pushed while it is being made, for the avatar to say."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, WebSocket
from starlette.concurrency import run_in_threadpool

from avatarium.accounts.models import Credential, Principal, Scope
from avatarium.api.auth import HOW, anonymous, count
from avatarium.api.groups import STREAMING
from avatarium.api.live import client_of, located
from avatarium.api.routes.streaming import PREFIX
from avatarium.api.routing import Router
from avatarium.api.sockets import Flow, accepted, counted, relay
from avatarium.errors import AuthError
from avatarium.platform import Platform

router = Router(STREAMING)

PASSED_ON_MAX = 500
FLOW = Flow(rate=500, waits=True, send_s=660.0)
"""A stage that has no room for more sound refuses it after ten minutes, in its own words."""
OURS = frozenset({"channel", "token"})


async def sound(socket: WebSocket, channel: str = "", token: str = "") -> None:
    """PCM as messages of bytes, after one of text that says how it is written."""
    async with accepted(socket):
        platform: Platform = socket.app.state.platform
        caller = await run_in_threadpool(_caller, socket, platform, token)
        room, stage = await run_in_threadpool(located, platform, caller.user_id, channel[:64])
        async with counted(socket, caller.user_id):
            client = await client_of(socket)
            more = urlencode([(name, value) for name, value in socket.query_params.multi_items() if name not in OURS])
            async with client.socket(stage, f"/rooms/{room.id}/sound?{more[:PASSED_ON_MAX]}") as connection:
                await relay(socket, connection, FLOW)


APIRouter.add_api_websocket_route(router, f"{PREFIX}/sound", sound)


def _caller(socket: WebSocket, platform: Platform, token: str) -> Principal:
    """Whoever connects: by the header, or, as browsers can send none, by a client token in the address."""
    scheme, _, key = socket.headers.get("authorization", "").partition(" ")
    given = key.strip() if scheme.lower() == "bearer" else ""
    try:
        if not (given or token):
            raise AuthError(f"This call needs an API key. {HOW}", code="no_key")
        caller = platform.accounts.authenticate(given or token, origin=socket.headers.get("origin"))
        if not given and caller.kind is not Credential.CLIENT:
            raise AuthError(
                f"A key in the address would end in logs and is not taken; a client token is. {HOW}",
                code="key_elsewhere",
            )
    except AuthError:
        anonymous(socket, platform)
        raise
    count(socket, platform, f"{caller.user_id}:{caller.key_id}")
    caller.require(Scope.STREAMING)
    return caller
