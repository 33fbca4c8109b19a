"""Live rooms beyond A2E's calls: interrupt, extend, watch and account for them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from typing import Annotated, Any

from fastapi import Header
from pydantic import AliasChoices, Field
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from avatarium.api.envelope import Answer, ok
from avatarium.api.families import IdempotencyKey
from avatarium.api.groups import STREAMING
from avatarium.api.live import (
    EXAMPLE_CHANNEL,
    EXAMPLE_COMMAND,
    EXAMPLE_REPORT,
    EXAMPLE_TOKEN,
    Live,
    LiveDep,
    Named,
    stage_of,
)
from avatarium.api.pagination import PageNum
from avatarium.api.routes.streaming import PREFIX, STEERS
from avatarium.api.routes.tasks import HEARTBEAT_S, LONGEST_S, SEND_TIMEOUT_S, STREAMS_MAX
from avatarium.api.routing import Params, Router
from avatarium.errors import BusyError, NotFoundError, ServiceError, TooFewCoinsError
from avatarium.ids import new_id
from avatarium.streaming.models import Room
from avatarium.streaming.transports.turn import IceServers
from avatarium.streaming.wire import ExtendCommand, Switch

router = Router(STREAMING)

LOOK_S = 1.0
"""Between two looks at a room whose stage does not answer."""
ENDED = "ended"
STREAM = f"""id: 1
event: ready
data: {{"number": 1, "type": "ready", "channel": "{EXAMPLE_CHANNEL}", "media_ms": 480, "command_id": null, ...}}

id: 2
event: speaking_started
data: {{"number": 2, "type": "speaking_started", "command_id": "{EXAMPLE_COMMAND}", "text": "Hello!", ...}}

id: 3
event: word
data: {{"number": 3, "type": "word", "text": "Hello", "start_ms": 700, "end_ms": 1040, ...}}

id: 9
event: ended
data: {{"number": 9, "type": "ended", "reason": "left", "charged": 3, "refunded": 9, "why": "You left ...", ...}}
"""
SAID = {
    "utterances": [
        {
            "command_id": EXAMPLE_COMMAND,
            "text": "Hello, nice to meet you.",
            "said_text": "Hello, nice",
            "said_ms": 830,
            "words_said": 2,
            "words": [
                {"text": "Hello", "start_ms": 0, "end_ms": 390},
                {"text": "nice", "start_ms": 470, "end_ms": 810},
            ],
        }
    ],
    "dropped": 1,
    "generation": 2,
}
VIEWER = {
    **{"id": "c0ffee", "uid": 360923290, "codec": "h264", "connected": True, "estimated_bitrate": 1_200_000},
    **{"transport": "webrtc", "path": "host udp"},
}
LIVE = {
    **{"room_id": "64f0c0ffee0000000000c101", "channel": EXAMPLE_CHANNEL, "state": "live", "seconds_left": 48.0},
    **{"has_picture": True, "media_ms": 12_040, "viewers": [VIEWER]},
    "queue": [{"command_id": EXAMPLE_COMMAND, "text": "Hello, nice to meet you.", "started": True}],
    **{"waits_s": 1.2, "speaking": True, "listening": False, "microphone": False, "generation": 1, "events": 7},
    **{"fps": 25.0, "late_ticks": 0, "late_share": 0.0, "ready_ms": {"p50": -38.1, "p95": -33.0, "max": -20.5}},
    **{"pictures_left_out": 0, "bitrate": 800_000, "thin": False, "encoder": "h264", "cpu": 0.21, "recording": False},
}


class Extension(Named):
    """More time for a room."""

    seconds: int = Field(
        validation_alias=AliasChoices("seconds", "expire_seconds"),
        description="How many seconds more: a whole number from 1 on; a room lasts 7200 in all at most.",
    )


class Turn(Named):
    """On or off."""

    on: bool = Field(description="true or false.")


class Watched(Named):
    """A room, and from where on."""

    after: int = Field(
        0,
        ge=0,
        le=10**12,
        validation_alias=AliasChoices("after", "last_event_id"),
        description="Only events after this number; the header `Last-Event-ID` does the same.",
    )


@router.serve(
    f"POST {PREFIX}/interrupt",
    title="Interrupt the Avatar",
    request={"channel": EXAMPLE_CHANNEL},
    answer=SAID,
    returns=dict[str, Any],
    errors=STEERS,
)
async def interrupt(params: Annotated[Named, Params], live: LiveDep) -> Answer:
    """Stop what is being said and forget what waits. Ours.

    The answer tells what was really said, to the word and the millisecond.
    """
    return ok(await live.command(params.channel, "interrupt", None))


@router.serve(
    f"POST {PREFIX}/extend",
    title="Extend a Room",
    request={"channel": EXAMPLE_CHANNEL, "seconds": 60},
    answer=EXAMPLE_TOKEN,
    returns=dict[str, Any],
    errors=(*STEERS, TooFewCoinsError),
)
async def extend(params: Annotated[Extension, Params], live: LiveDep, key: IdempotencyKey = None) -> Answer:
    """Book more time for a room that has not ended; its price is held as the first was. Ours.

    Viewers stay connected. The answer has a token that lasts as long as the room now does.
    """
    rooms = live.platform.rooms
    room, stage = await live.stage_of(params.channel)
    longer = await run_in_threadpool(partial(rooms.extend, live.owner, room.channel, params.seconds, key=key))
    with suppress(ServiceError):  # it looks at the database before it ends a room, and what is not used comes back
        await live.client.command(stage, room.id, "extend", ExtendCommand(expires_ms=longer.expires_ms))
    return ok(live.opened(longer))


@router.serve(
    f"POST {PREFIX}/listening",
    title="Let the Avatar Listen",
    request={"channel": EXAMPLE_CHANNEL, "on": True},
    answer={"on": True},
    returns=dict[str, Any],
    errors=STEERS,
)
async def listening(params: Annotated[Turn, Params], live: LiveDep) -> Answer:
    """Have the avatar look attentive while your user types or talks: it looks at them and nods now and then. Ours."""
    return ok(await live.command(params.channel, "listening", Switch(on=params.on)))


@router.serve(
    f"POST {PREFIX}/microphone",
    title="Open or Close the Microphone",
    request={"channel": EXAMPLE_CHANNEL, "on": False},
    answer={"on": False},
    returns=dict[str, Any],
    errors=STEERS,
)
async def microphone(params: Annotated[Turn, Params], live: LiveDep) -> Answer:
    """Have the avatar hear its viewers, or not, in a room that was booked with ``microphone``. Ours."""
    return ok(await live.command(params.channel, "microphone", Switch(on=params.on)))


@router.serve(
    f"GET {PREFIX}/session",
    title="Get a Session",
    request={"channel": EXAMPLE_CHANNEL},
    answer=EXAMPLE_REPORT | {"state": "live", "reason": "", "endedAt": None, "live": LIVE},
    returns=dict[str, Any],
    errors=(NotFoundError,),
)
async def session(params: Annotated[Named, Params], live: LiveDep) -> Answer:
    """One room, open or ended: what it costs and why. While it is open ``live`` tells what goes on in it. Ours."""
    room = await live.find(params.channel)
    shown = live.shown(await run_in_threadpool(live.platform.rooms.report, room))
    return ok(shown | {"live": await _state(live, room)})


@router.serve(
    f"GET {PREFIX}/sessions",
    title="List Sessions",
    request={"pageNum": 1, "pageSize": 10},
    answer={"rows": [EXAMPLE_REPORT], "list": [EXAMPLE_REPORT], "count": 1},
    returns=dict[str, Any],
)
async def sessions(params: Annotated[PageNum, Params], live: LiveDep) -> Answer:
    """Your rooms of the last 30 days, open and ended, newest first. Ours."""
    rooms = live.platform.rooms
    found, total = await run_in_threadpool(lambda: rooms.page(live.owner, offset=params.offset, limit=params.size))
    rows = [live.shown(rooms.report(room)) for room in found]
    return ok({"rows": rows, "list": rows, "count": total})


@router.serve(
    f"GET {PREFIX}/ice-servers",
    title="Get ICE Servers",
    request={"channel": EXAMPLE_CHANNEL},
    answer=[{"urls": ["turn:turn.example:3478?transport=udp"], "username": "1735797678:a1b2c", "credential": "..."}],
    returns=list[dict[str, Any]],
    errors=(NotFoundError,),
)
async def ice_servers(params: Annotated[Named, Params], live: LiveDep) -> Answer:
    """STUN and TURN servers for a viewer of the room, as ``RTCPeerConnection`` takes them. Ours."""
    room = await live.find(params.channel)
    platform = live.platform
    return ok(IceServers.of(platform.settings).for_browser(room.channel, platform.clock))


@router.serve(
    f"GET {PREFIX}/events",
    title="Watch a Room",
    request={"channel": EXAMPLE_CHANNEL},
    answer="",
    stream=STREAM,
    errors=(NotFoundError,),
)
async def events(
    params: Annotated[Watched, Params],
    request: Request,
    live: LiveDep,
    last_event_id: Annotated[
        str | None, Header(alias="Last-Event-ID", max_length=20, description="The number of the last event seen.")
    ] = None,
) -> EventSourceResponse:
    """A stream of server-sent events until the room has ended; the last one is ``ended`` and tells why. Ours.

    ``command_id`` names the call that caused it. Who comes back with ``Last-Event-ID`` gets what was missed meanwhile.
    """
    room = await live.find(params.channel)
    if request.app.state.streams[live.owner] >= STREAMS_MAX:
        raise BusyError(
            f"{STREAMS_MAX} streams of yours are open, which is the limit. Close some.",
            code="too_many_streams",
            retry_after_s=HEARTBEAT_S,
        )
    given = (last_event_id or "").strip()
    after = int(given) if given.isascii() and given.isdigit() else params.after
    return EventSourceResponse(_counted(request, live, room, after), ping=HEARTBEAT_S, send_timeout=SEND_TIMEOUT_S)


async def _state(live: Live, room: Room) -> dict[str, Any] | None:
    """What goes on in a room; None where it has ended, or its stage does not answer."""
    if not room.is_open:
        return None
    try:
        stage = await run_in_threadpool(stage_of, live.platform, room)
        return await live.client.state(stage, room.id)
    except ServiceError:
        return None


async def _counted(request: Request, live: Live, room: Room, after: int) -> AsyncIterator[ServerSentEvent]:
    open_streams: Counter[str] = request.app.state.streams
    open_streams[live.owner] += 1
    try:
        async for event in _events(live, room, after):
            yield ServerSentEvent(
                id=str(event["number"]), event=event["type"], data=json.dumps(event, ensure_ascii=False)
            )
    finally:
        open_streams[live.owner] -= 1
        if not open_streams[live.owner]:
            del open_streams[live.owner]


async def _events(live: Live, room: Room, after: int) -> AsyncIterator[dict[str, Any]]:
    """The events of a room by its stage; where that cannot tell the last one, how the room ended by the database."""
    clock, rooms = live.platform.clock, live.platform.rooms
    until_s = clock.monotonic_s() + LONGEST_S
    while clock.monotonic_s() < until_s:
        now = await run_in_threadpool(rooms.get, room.id)
        if now is None:
            return
        with suppress(ServiceError):  # it is gone, or has forgotten a room that ended long ago
            async for event in _told(live, now, after):
                after = event["number"]
                yield event
                if event["type"] == ENDED:
                    return
        if not now.is_open:
            yield _ended(live, now, after + 1)
            return
        await asyncio.sleep(LOOK_S)


async def _told(live: Live, room: Room, after: int) -> AsyncIterator[dict[str, Any]]:
    """What the stage of a room tells, until it tells no more though the room has ended."""
    stage = await run_in_threadpool(stage_of, live.platform, room)
    over = False
    async for event in live.client.events(stage, room.id, after=after):
        if isinstance(event.get("number"), int) and isinstance(event.get("type"), str):
            yield event
            continue
        if over:
            return
        # A sign of life, and time to see whether the room has ended without the stage.
        now = await run_in_threadpool(live.platform.rooms.get, room.id)
        over = now is None or not now.is_open


def _ended(live: Live, room: Room, number: int) -> dict[str, Any]:
    """The last event of a room whose stage cannot tell it any more."""
    report = live.platform.rooms.report(room)
    return {
        **{"number": number, "event_id": new_id(), "type": ENDED, "channel": room.channel},
        **{"time": room.ended_ms, "media_ms": None, "command_id": None},
        **{"reason": report.reason, "used_s": report.used_s, "held": report.held, "charged": report.charged},
        **{"refunded": report.refunded, "why": report.why},
    }
