"""Live rooms for one request: the room, its stage, and what is told of both."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import State
from starlette.requests import HTTPConnection

from avatarium.accounts.models import Principal
from avatarium.api.auth import PlatformDep, StreamerDep, base_url_of
from avatarium.clock import SECOND_MS, iso
from avatarium.errors import UnavailableError
from avatarium.platform import Platform
from avatarium.streaming import tokens
from avatarium.streaming.booking import BookRequest
from avatarium.streaming.control import StageClient, end_room, open_room
from avatarium.streaming.models import EndReason, Room, RoomState, StageRecord
from avatarium.streaming.reports import Report
from avatarium.streaming.wire import COMMAND_ID_MAX, Message

CHANNEL_MAX = 32
RETRY_S = 5.0
_MAKING = threading.Lock()
EXAMPLE_CHANNEL = "a1b2c"
EXAMPLE_COMMAND = "64f0c0ffee0000000000c001"
EXAMPLE_TOKEN = {
    "token": "007eJxTYBBbsMMnKq7p9Hf/HcIX5kce9b518kCiQgSr5Zrp4X1Tu6UUGAwMjVLNLcxTEo1SE02SLI1TUs1Sks2Nk...",
    "appId": "00000000000000000000000000000abc",
    "channel": EXAMPLE_CHANNEL,
    "expire_epoch_timestamp": 1735786938.678,
    "expire_date_UTC": "2025-01-02 03:02:18",
    "uid": 360923290,
    "coins": 12,
    "whep_url": f"https://avatars.example/whep/{EXAMPLE_CHANNEL}",
}
EXAMPLE_REPORT = {
    "channel": EXAMPLE_CHANNEL,
    "room_id": "64f0c0ffee0000000000c101",
    "avatar_id": "64f0c0ffee0000000000e001",
    "state": "ended",
    "reason": "left",
    "booked_s": 60,
    "used_s": 12.34,
    "units": 3,
    "unit_s": 5,
    "unit_price": 1.0,
    "held": 12,
    "charged": 3,
    "refunded": 9,
    "why": "You left the room. 12.34 seconds with a viewer make 3 begun units of 5 seconds at 1 each: 3 coins; 9 coins "
    "of the 12 that were held were given back.",
    "createdAt": "2025-01-02T03:01:18.678Z",
    "expiresAt": "2025-01-02T03:02:18.678Z",
    "joinedAt": "2025-01-02T03:01:20.100Z",
    "endedAt": "2025-01-02T03:01:32.440Z",
    "recording_url": "",
}


class Named(BaseModel):
    """One room."""

    model_config = ConfigDict(extra="ignore")

    channel: str = Field(max_length=CHANNEL_MAX, description="The room: `channel` of agora-token.")


class Commanded(Named):
    """Something to do in one room."""

    command_id: str = Field(
        "",
        max_length=COMMAND_ID_MAX,
        pattern=r"^[\w.:-]*$",
        description="Your own name for this; the events that it causes carry it. One is made where it is left out.",
    )


class Live:
    """What the routes of live rooms do, for one request."""

    def __init__(self, platform: Platform, client: StageClient, request: HTTPConnection, caller: Principal) -> None:
        self.platform = platform
        self.client = client
        self.owner = caller.user_id
        self._request = request

    async def book(self, wanted: BookRequest, key: str | None = None) -> dict[str, Any]:
        """Book a room, have a stage open it, and answer with its token. The same key answers the same room.

        Raises:
            ServiceError, InputError: see :meth:`Rooms.book`; ``stage_away``.
        """
        rooms = self.platform.rooms
        known = await run_in_threadpool(rooms.booked_before, self.owner, wanted, key)
        if known is not None and known.state is not RoomState.BOOKED:
            return self.opened(known)
        # One that nobody has joined is opened again: who booked it may have died before its stage was told.
        booked = await run_in_threadpool(partial(rooms.book, self.owner, wanted, key=key))
        opened = await open_room(rooms, self.client, booked)
        return self.opened(opened.room)

    async def find(self, channel: str) -> Room:
        """A room, open or ended."""
        return await run_in_threadpool(self.platform.rooms.find, self.owner, channel)

    async def stage_of(self, channel: str) -> tuple[Room, StageRecord]:
        """A room that is open, and its stage.

        Raises:
            NotFoundError: ``room_not_found``.
            ConflictError: ``room_ended``.
            UnavailableError: ``stage_away``.
        """
        return await run_in_threadpool(located, self.platform, self.owner, channel)

    async def command(self, channel: str, verb: str, message: Message | None) -> dict[str, Any]:
        """Have a stage do something in a room."""
        room, stage = await self.stage_of(channel)
        return await self.client.command(stage, room.id, verb, message)

    async def end(self, channel: str) -> Report:
        """End a room; one that has ended already stays as it is."""
        return await end_room(self.platform.rooms, self.client, await self.find(channel), EndReason.LEFT)

    def opened(self, room: Room) -> dict[str, Any]:
        """A room as whoever booked it needs it: A2E's fields, then ours."""
        credentials = tokens.Credentials.of(self.platform.settings, self.platform.secret)
        token = tokens.viewer_token(
            credentials,
            channel=room.channel,
            uid=room.uid,
            issued_s=room.created_ms // SECOND_MS,
            valid_s=room.booked_s,
            microphone=bool(room.spec.get("microphone")),
        )
        expires = datetime.fromtimestamp(room.expires_ms / SECOND_MS, UTC)
        return {
            "token": token,
            "appId": credentials.app_id,
            "channel": room.channel,
            "expire_epoch_timestamp": room.expires_ms / SECOND_MS,
            "expire_date_UTC": expires.strftime("%Y-%m-%d %H:%M:%S"),
            "uid": room.uid,
            "coins": room.held,
            "whep_url": f"{self._base_url}/whep/{room.channel}",
        }

    def shown(self, report: Report) -> dict[str, Any]:
        """A report as it is sent."""
        values = report.as_json()
        key = values.pop("recording_key")
        for name in ("created", "expires", "joined", "ended"):
            moment_ms = values.pop(f"{name}_ms")
            values[f"{name}At"] = None if moment_ms is None else iso(moment_ms)
        return values | {"recording_url": self.platform.links(self._base_url).url(key)}

    @property
    def _base_url(self) -> str:
        assert isinstance(self._request, Request)
        return base_url_of(self._request, self.platform)


def located(platform: Platform, owner: str, channel: str) -> tuple[Room, StageRecord]:
    """See :meth:`Live.stage_of`; for a thread."""
    room = platform.rooms.find_open(owner, channel)
    return room, stage_of(platform, room)


def stage_of(platform: Platform, room: Room) -> StageRecord:
    """The stage of a room; for a thread.

    Raises:
        UnavailableError: ``stage_away``.
    """
    stage = platform.rooms.stage(room.stage_id)
    if stage is None:
        raise UnavailableError(
            "The process that rendered this room is gone. The room is being ended; what was not used is given back. "
            "Book another.",
            code="stage_away",
            retry_after_s=RETRY_S,
        )
    return stage


async def client_of(connection: HTTPConnection) -> StageClient:
    """The app's way to its stages, made when it is first wanted."""
    known: StageClient | None = connection.app.state.stages
    return known if known is not None else await run_in_threadpool(_client, connection.app.state)


def _client(state: State) -> StageClient:
    with _MAKING:  # calls that come at once shall not make two, of which one would never be closed
        if state.stages is None:
            state.stages = StageClient(state.platform.secret)
        client: StageClient = state.stages
        return client


ClientDep = Annotated[StageClient, Depends(client_of)]


async def _live(request: Request, caller: StreamerDep, platform: PlatformDep, client: ClientDep) -> Live:
    return Live(platform, client, request, caller)


LiveDep = Annotated[Live, Depends(_live)]
