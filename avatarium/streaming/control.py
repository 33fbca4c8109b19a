"""The API's way to a stage: HTTP and WebSockets to its control server, with a key that both derive from the secret."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from avatarium.errors import (
    BusyError,
    ConflictError,
    ForbiddenError,
    GoneError,
    NotFoundError,
    OutdatedError,
    RequestError,
    ServiceError,
    TooLargeError,
    UnavailableError,
)
from avatarium.secret import derive
from avatarium.streaming.models import EndReason, Room, StageRecord
from avatarium.streaming.reports import Report
from avatarium.streaming.rooms import Booked, Rooms
from avatarium.streaming.wire import CONTROL, EndCommand, Message, Refusal, RoomSpec

if TYPE_CHECKING:
    import httpx
    from websockets.asyncio.client import ClientConnection

CONNECT_S = 2.0
ANSWER_S = 15.0
"""For one call. Opening a room only begins to load its avatar, so nothing takes long."""
PATIENCE_S = 100.0
"""For a command whose stage answers meanwhile: it may start a slow voice first, and tells if that hangs."""
END_S = 20.0
"""For ending a room: its recording is stored before the answer."""
SILENCE_S = 25.0
"""A stream of events that says nothing for longer, not even that it lives, is dead."""
CLOSE_S = 1.0
"""For the goodbye of a WebSocket."""
CONNECTIONS = 500
STREAMS = 2000
ANSWER_MAX = 1 << 20
LINE_MAX = 64 * 1024
SOCKET_MAX_BYTES = 1 << 20
SOCKET_QUEUE = 16
RETRY_S = 2.0
_ERRORS: dict[int, type[ServiceError]] = {
    kind.status: kind
    for kind in (
        RequestError,
        ForbiddenError,
        NotFoundError,
        ConflictError,
        GoneError,
        OutdatedError,
        TooLargeError,
        BusyError,
        UnavailableError,
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A viewer's offer was taken."""

    viewer_id: str
    sdp: str


class StageClient:
    """Calls to any stage, from one event loop.

    Every method raises UnavailableError ``stage_away`` where the stage does not answer, and what the stage says where
    it refuses.
    """

    def __init__(self, secret: bytes) -> None:
        self._headers = {"Authorization": f"Bearer {derive(secret, CONTROL).hex()}"}
        self._http = _http(self._headers, CONNECTIONS, ANSWER_S)
        # Streams of events stay open: they shall not use up what calls need.
        self._streams = _http(self._headers, STREAMS, SILENCE_S)

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.aclose()
        await self._streams.aclose()

    async def open(self, stage: StageRecord, spec: RoomSpec) -> None:
        """Open a room. Twice does no harm."""
        await self._call("POST", stage, "/rooms", spec)

    async def end(self, stage: StageRecord, room_id: str, reason: EndReason) -> None:
        """End a room; the stage closes its money."""
        await self._call("DELETE", stage, f"/rooms/{room_id}", EndCommand(reason=reason), timeout_s=END_S)

    async def state(self, stage: StageRecord, room_id: str) -> dict[str, Any]:
        """How a room is: viewers, queue, sync and what it costs."""
        return await self._call("GET", stage, f"/rooms/{room_id}")

    async def command(self, stage: StageRecord, room_id: str, verb: str, message: Message | None) -> dict[str, Any]:
        """``speak``, ``ask``, ``interrupt``, ``extend``, ``context``, ``listening`` or ``microphone``.

        One that takes long is waited for as long as the stage tells how the room is.
        """
        calling = asyncio.ensure_future(
            self._call("POST", stage, f"/rooms/{room_id}/{verb}", message, timeout_s=PATIENCE_S)
        )
        try:
            while not (await asyncio.wait([calling], timeout=ANSWER_S))[0]:
                await self.state(stage, room_id)
            return calling.result()
        finally:
            calling.cancel()
            await asyncio.gather(calling, return_exceptions=True)

    async def events(self, stage: StageRecord, room_id: str, *, after: int) -> AsyncIterator[dict[str, Any]]:
        """The events of a room from a number on, as they happen, with a ``keepalive`` now and then.

        It ends when the stage closes the stream, after the event ``ended`` or when it stops.
        """
        import httpx

        url = f"{stage.address}/rooms/{room_id}/events"
        try:
            async with self._streams.stream("GET", url, params={"after": after}) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise _refused(answer.status_code, await answer.aread())
                async for line in _lines(answer):
                    yield _object(line)
        except httpx.HTTPError as problem:
            raise _away() from problem

    async def offer(
        self, stage: StageRecord, room_id: str, sdp: bytes, *, uid: int, may_publish: bool, address: str
    ) -> Answered:
        """A viewer's offer; the answer of the stage is complete, with its candidates."""
        headers = {
            **{"Content-Type": "application/sdp", "X-Viewer-Uid": str(uid)},
            **{"X-May-Publish": "1" if may_publish else "0", "X-Viewer-Address": address},
        }
        answer = await self._send("POST", f"{stage.address}/rooms/{room_id}/viewers", sdp, headers)
        return Answered(viewer_id=answer.headers.get("X-Viewer-Id", ""), sdp=answer.text)

    async def patch(
        self, stage: StageRecord, room_id: str, viewer_id: str, fragment: bytes, *, if_match: str = ""
    ) -> tuple[int, str, str]:
        """More candidates of a viewer, or an ICE restart (RFC 8840): status, body and ETag of the answer."""
        headers = {"Content-Type": "application/trickle-ice-sdpfrag"} | ({"If-Match": if_match} if if_match else {})
        url = f"{stage.address}/rooms/{room_id}/viewers/{viewer_id}"
        answer = await self._send("PATCH", url, fragment, headers)
        return answer.status_code, answer.text, answer.headers.get("ETag", "")

    async def drop(self, stage: StageRecord, room_id: str, viewer_id: str) -> None:
        """A viewer goes."""
        await self._send("DELETE", f"{stage.address}/rooms/{room_id}/viewers/{viewer_id}", b"", {})

    async def probe(self, stage: StageRecord, sdp: bytes, *, address: str) -> str:
        """An offer of somebody who only tests the way to a stage; its answer."""
        headers = {"Content-Type": "application/sdp", "X-Viewer-Address": address}
        return (await self._send("POST", f"{stage.address}/network/offer", sdp, headers)).text

    @asynccontextmanager
    async def socket(
        self, stage: StageRecord, path: str, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[ClientConnection]:
        """A WebSocket to a stage. It is gone :data:`CLOSE_S` after the end at the latest, whatever the stage does."""
        from websockets.asyncio.client import connect
        from websockets.exceptions import InvalidStatus, WebSocketException

        url = "ws" + stage.address.removeprefix("http") + path
        connecting = connect(
            url,
            additional_headers={**self._headers, **(headers or {})},
            open_timeout=CONNECT_S,
            close_timeout=CLOSE_S,
            max_size=SOCKET_MAX_BYTES,
            max_queue=SOCKET_QUEUE,
            ping_interval=None,  # a pong waits behind sound that there is no room for
            compression=None,
            proxy=None,
        )
        try:
            connection = await connecting
        except InvalidStatus as refusal:
            raise _refused(refusal.response.status_code, refusal.response.body or b"") from refusal
        except (OSError, TimeoutError, WebSocketException) as problem:
            raise _away() from problem
        try:
            yield connection
        finally:
            await _close(connection)

    async def _call(
        self, method: str, stage: StageRecord, path: str, message: Message | None = None, *, timeout_s: float = ANSWER_S
    ) -> dict[str, Any]:
        content = b"" if message is None else message.model_dump_json().encode()
        headers = {} if message is None else {"Content-Type": "application/json"}
        answer = await self._send(method, stage.address + path, content, headers, timeout_s=timeout_s)
        return _object(answer.content) if answer.content else {}

    async def _send(
        self, method: str, url: str, content: bytes, headers: Mapping[str, str], *, timeout_s: float = ANSWER_S
    ) -> httpx.Response:
        import httpx

        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._http.request(
                    method, url, content=content, headers=headers, timeout=_timeout(timeout_s)
                )
        except (httpx.HTTPError, TimeoutError) as problem:
            raise _away() from problem
        if answer.is_error or len(answer.content) > ANSWER_MAX:
            raise _refused(answer.status_code, answer.content)
        return answer


async def _close(connection: ClientConnection) -> None:
    from websockets.exceptions import WebSocketException

    with suppress(OSError, WebSocketException, TimeoutError):
        try:
            # The library's own time-out begins once its goodbye has room, which a stage that takes nothing never makes.
            async with asyncio.timeout(CLOSE_S):
                await connection.close()
        finally:
            connection.transport.abort()


def _http(headers: Mapping[str, str], connections: int, silence_s: float) -> httpx.AsyncClient:
    import httpx

    return httpx.AsyncClient(
        headers=headers,
        timeout=_timeout(silence_s),
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=32),
        trust_env=False,
    )


def _timeout(silence_s: float) -> httpx.Timeout:
    import httpx

    return httpx.Timeout(silence_s, connect=CONNECT_S, pool=CONNECT_S)


def warm_up() -> None:
    """Load what the first call to a stage needs."""
    import httpx
    import websockets.asyncio.client

    assert httpx and websockets.asyncio.client


async def open_room(rooms: Rooms, client: StageClient, booked: Booked) -> Booked:
    """Tell the stage of a booked room; one that does not answer is passed over for the next. If none does, the room
    ends and costs nothing.

    Raises:
        UnavailableError: ``stage_away``.
    """
    avoid: set[str] = set()
    tried: Booked | None = booked
    while tried is not None:
        try:
            await client.open(tried.stage, tried.spec)
            return tried
        except ServiceError as problem:
            avoid.add(tried.stage.id)
            reason = problem
            tried = await anyio.to_thread.run_sync(_moved, rooms, booked.room.id, frozenset(avoid))
    await anyio.to_thread.run_sync(rooms.end, booked.room.id, EndReason.STAGE_LOST)
    raise reason


async def end_room(rooms: Rooms, client: StageClient, room: Room, reason: EndReason) -> Report:
    """End a room by its stage, which tells the viewers, or without it where it does not answer. An ended one stays."""
    if room.is_open:
        stage = await anyio.to_thread.run_sync(rooms.stage, room.stage_id)
        if stage is not None:
            with suppress(ServiceError):
                await client.end(stage, room.id, reason)
    return await anyio.to_thread.run_sync(rooms.end, room.id, reason)


def _moved(rooms: Rooms, room_id: str, avoid: frozenset[str]) -> Booked | None:
    return rooms.move(room_id, avoid=avoid)


async def _lines(answer: httpx.Response) -> AsyncIterator[bytes]:
    """The lines of a stream; one that is too long is left out."""
    rest, skips = b"", False
    async for block in answer.aiter_bytes():
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            if line.strip() and len(line) <= LINE_MAX and not skips:
                yield line
            skips = False
        if len(rest) > LINE_MAX:
            rest, skips = b"", True


def _object(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except ValueError as problem:
        raise _away() from problem
    if not isinstance(value, dict):
        raise _away()
    return value


def _refused(status: int, content: bytes | bytearray) -> ServiceError:
    try:
        refusal = Refusal.model_validate_json(bytes(content))
    except ValueError:
        return _away()
    kind = _ERRORS.get(status)
    if kind is None:
        return _away()  # 401 among them: the stage belongs to an installation with another secret
    return kind(refusal.message, code=refusal.reason, retry_after_s=refusal.retry_after_s)


def _away() -> UnavailableError:
    return UnavailableError(
        "The process that renders this room does not answer. Try again in a few seconds; if it is gone the room ends "
        "and what was not used is given back.",
        code="stage_away",
        retry_after_s=RETRY_S,
    )
