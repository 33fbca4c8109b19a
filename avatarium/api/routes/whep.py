"""How viewers join a room: WHEP (draft-ietf-wish-whep, after RFC 9725), and one TCP connection for strict firewalls.

They have no key but the token of their room. Its owner pays.
"""

from __future__ import annotations

import asyncio
import re
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, WebSocket
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import Response

from avatarium.api.auth import PlatformDep, address_of, anonymous, count, key_in
from avatarium.api.envelope import failure
from avatarium.api.groups import STREAMING
from avatarium.api.live import ClientDep, client_of, stage_of
from avatarium.api.routing import Router
from avatarium.api.sockets import accepted, counted, relay
from avatarium.errors import AuthError, ForbiddenError, GoneError, NotFoundError, RequestError, TooLargeError
from avatarium.platform import Platform
from avatarium.streaming import tokens
from avatarium.streaming.models import Room, StageRecord
from avatarium.streaming.transports.turn import IceServers

router = Router(STREAMING)

SDP, FRAGMENT = "application/sdp", "application/trickle-ice-sdpfrag"
SDP_MAX_BYTES = 64 * 1024
BODY_S = 15.0
HOW = "Send the `token` of agora-token as `Authorization: Bearer 007...`."
_CHANNEL = re.compile(r"[0-9A-Fa-f]{1,16}")
_UFRAG = re.compile(r"^a=ice-ufrag:([^\r\n]{1,256})", re.MULTILINE)
_VIEWER = re.compile(r"[\w-]{1,64}", re.ASCII)

Channel = Annotated[str, Path(max_length=64)]
ViewerId = Annotated[str, Path(max_length=128)]


class Ticket:
    """A viewer's way into a room: what its token opens."""

    __slots__ = ("may_publish", "room", "stage")

    def __init__(self, room: Room, stage: StageRecord, *, may_publish: bool) -> None:
        self.room = room
        self.stage = stage
        self.may_publish = may_publish


async def _ticket(channel: Channel, request: Request, platform: PlatformDep) -> Ticket:
    try:
        token = key_in(request)
    except AuthError:
        token = None
    return await run_in_threadpool(admitted, request, platform, channel, token)


TicketDep = Annotated[Ticket, Depends(_ticket)]


def admitted(connection: HTTPConnection, platform: Platform, channel: str, token: str | None) -> Ticket:
    """Whom a token lets in; wrong ones count against the limit of their address, good ones against that of their room.

    Raises:
        AuthError: ``no_room_token``, ``bad_room_token``, ``room_token_expired``.
        ForbiddenError: ``token_for_other_room``.
        NotFoundError: ``room_not_found``.
        GoneError: ``room_over``.
        BusyError: too many requests.
    """
    try:
        if not token:
            raise AuthError(f"A room opens to its token only. {HOW}", code="no_room_token")
        credentials = tokens.Credentials.of(platform.settings, platform.secret)
        known = tokens.verified(token, credentials)
        room = _room_of(platform, channel, known)
    except (AuthError, ForbiddenError, NotFoundError):
        anonymous(connection, platform)
        raise
    count(connection, platform, f"viewers:{room.id}:{address_of(connection)}")
    if not room.is_open or room.expires_ms <= platform.clock.now_ms():
        raise GoneError("This room has ended. Whoever made it can book another.", code="room_over")
    heard = tokens.Privilege.PUBLISH_AUDIO
    may_publish = known.allows(heard) and _lasts(platform, room, known, heard) and bool(room.spec.get("microphone"))
    return Ticket(room, stage_of(platform, room), may_publish=may_publish)


@router.post("/whep/{channel}", include_in_schema=False)
async def offer(request: Request, ticket: TicketDep, platform: PlatformDep, client: ClientDep) -> Response:
    """A viewer's offer; the answer is 201 with ours, complete with candidates."""
    refusal = _wrong_type(request, SDP) or _not_accepted(request, SDP)
    if refusal is not None:
        return refusal
    sdp = await _body(request)
    room = ticket.room
    taken = await client.offer(
        ticket.stage,
        room.id,
        sdp,
        uid=room.uid,
        may_publish=ticket.may_publish,
        address=request.client.host if request.client else "",
    )
    answer = Response(taken.sdp, status_code=201, media_type=SDP, headers=_tags(taken.sdp))
    answer.headers["Location"] = f"/whep/{room.channel}/{taken.viewer_id}"
    answer.headers["Accept-Patch"] = FRAGMENT
    for link in _links(platform, room):
        answer.headers.append("Link", link)
    return answer


@router.patch("/whep/{channel}/{viewer}", include_in_schema=False)
async def trickle(viewer: ViewerId, request: Request, ticket: TicketDep, client: ClientDep) -> Response:
    """More candidates of a viewer (204), or an ICE restart (200 with ours): RFC 8840."""
    if (refusal := _wrong_type(request, FRAGMENT)) is not None:
        return refusal
    fragment = await _body(request)
    status, text, tag = await client.patch(
        ticket.stage,
        ticket.room.id,
        _checked(viewer),
        fragment,
        if_match=request.headers.get("if-match", "")[:300],
    )
    if status == 204 or not text:
        return Response(status_code=204)
    return Response(text, media_type=FRAGMENT, headers={"ETag": tag} if tag else _tags(text))


@router.delete("/whep/{channel}/{viewer}", include_in_schema=False)
async def goodbye(viewer: ViewerId, ticket: TicketDep, client: ClientDep) -> Response:
    """A viewer goes. The room stays for a while, so that it may come back."""
    await client.drop(ticket.stage, ticket.room.id, _checked(viewer))
    return Response(status_code=200)


@router.options("/whep/{channel}", include_in_schema=False)
async def options(channel: Channel) -> Response:
    """What may be posted here."""
    return Response(status_code=204, headers={"Accept-Post": SDP, "Allow": "OPTIONS, POST"})


async def watch(socket: WebSocket, channel: str, token: str = "") -> None:
    """Sound and picture of a room over one TCP connection."""
    async with accepted(socket):
        platform: Platform = socket.app.state.platform
        given = token or _bearer(socket)
        ticket = await run_in_threadpool(admitted, socket, platform, channel, given)
        async with counted(socket, ticket.room.owner):
            client = await client_of(socket)
            headers = {
                "X-Viewer-Uid": str(ticket.room.uid),
                "X-May-Publish": "1" if ticket.may_publish else "0",
                "X-Viewer-Address": socket.client.host if socket.client else "",
            }
            async with client.socket(ticket.stage, f"/rooms/{ticket.room.id}/watch", headers) as stage:
                await relay(socket, stage)


APIRouter.add_api_websocket_route(router, "/whep/{channel}/watch", watch)


def _room_of(platform: Platform, channel: str, token: tokens.AccessToken) -> Room:
    name = channel.strip().lower()
    if token.channel != name:
        raise ForbiddenError(f"This token opens another room than {channel[:32]}.", code="token_for_other_room")
    room = platform.rooms.by_channel(name) if _CHANNEL.fullmatch(name) else None
    if room is None:
        raise NotFoundError("There is no such room any more.", code="room_not_found")
    if token.uid not in ("", str(room.uid)):
        raise ForbiddenError("This token is of an earlier room of that name.", code="token_for_other_room")
    if not _lasts(platform, room, token, tokens.Privilege.JOIN):
        raise AuthError("This token has expired. Get another from whoever made the room.", code="room_token_expired")
    return room


def _lasts(platform: Platform, room: Room, token: tokens.AccessToken, privilege: tokens.Privilege) -> bool:
    """Whether a token still allows something: what held for all that was booked at first holds for what came later."""
    ends_s, first_end_s = token.ends_s(privilege), room.expires_ms // 1000 - room.extended_s
    return ends_s >= first_end_s or ends_s > platform.clock.now_ms() // 1000


def _links(platform: Platform, room: Room) -> list[str]:
    """STUN and TURN servers as headers (RFC 9725, section 4.6)."""
    made = []
    for server in IceServers.of(platform.settings).for_browser(room.channel, platform.clock):
        secret = ""
        if server.get("username"):
            secret = (
                f'; username="{server["username"]}"; credential="{server["credential"]}"; credential-type="password"'
            )
        made += [f'<{url}>; rel="ice-server"{secret}' for url in server["urls"]]
    return made


def _tags(sdp: str) -> dict[str, str]:
    """The name of this ICE session: by its user fragment, which a restart changes."""
    found = _UFRAG.search(sdp)
    return {"ETag": f'"{found[1]}"'} if found is not None else {}


def _wrong_type(request: Request, wanted: str) -> Response | None:
    given = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if given == wanted:
        return None
    words = f"The body must be {wanted}, and this is {given[:60] or 'of no type'}. Set the header Content-Type."
    return failure(415, "wrong_media_type", words, headers={"Accept-Post" if wanted == SDP else "Accept-Patch": wanted})


def _not_accepted(request: Request, offered: str) -> Response | None:
    accept = request.headers.get("accept", "").strip().lower()
    kinds = {part.split(";")[0].strip() for part in accept.split(",")}
    if not accept or kinds & {offered, "*/*", "application/*"}:
        return None
    return failure(406, "not_acceptable", f"The answer is {offered}, which the header Accept of this request refuses.")


async def _body(request: Request) -> bytes:
    """The body, bounded in size and time.

    Raises:
        TooLargeError: ``sdp_too_large``.
        RequestError: ``empty_sdp``, ``body_too_slow``, ``upload_broken``.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for block in request.stream():
                body += block
                if len(body) > SDP_MAX_BYTES:
                    raise TooLargeError(
                        f"The body is larger than {SDP_MAX_BYTES // 1024} kB, which no SDP is.", code="sdp_too_large"
                    )
    except TimeoutError:
        raise RequestError("The body did not arrive in time. Send it again.", code="body_too_slow") from None
    except ClientDisconnect:
        raise RequestError("The request broke off. Send it again.", code="upload_broken") from None
    if not body.strip():
        raise RequestError("The body is empty. Send the SDP of your offer.", code="empty_sdp")
    return bytes(body)


def _checked(viewer: str) -> str:
    if not _VIEWER.fullmatch(viewer):
        raise NotFoundError("There is no such viewer. POST an offer again.", code="viewer_not_found")
    return viewer


def _bearer(socket: WebSocket) -> str:
    scheme, _, token = socket.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
