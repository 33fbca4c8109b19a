"""A stage's control server: HTTP and WebSockets for the API, with a key that both derive from the secret."""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import structlog
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from avatarium.errors import AvatariumError, RequestError, TooLargeError
from avatarium.streaming.models import EndReason
from avatarium.streaming.placement import coded_size
from avatarium.streaming.stage.refusals import refusal_of
from avatarium.streaming.stage.room import StageRoom
from avatarium.streaming.stage.sockets import Sockets
from avatarium.streaming.stage.stage import Stage
from avatarium.streaming.stage.state import state_of, status_of
from avatarium.streaming.transports.ice import IceSettings
from avatarium.streaming.transports.trial import Trials
from avatarium.streaming.transports.whep import WhepViewer, answer_offer
from avatarium.streaming.wire import (
    TEXT_MAX,
    AskCommand,
    ContextCommand,
    EndCommand,
    ExtendCommand,
    Message,
    Refusal,
    RoomSpec,
    SpeakCommand,
    Switch,
)

BODY_MAX_BYTES = 256 * 1024
TRICKLE = "application/trickle-ice-sdpfrag"
SDP = "application/sdp"
Told = TypeVar("Told", bound=Message)
Handler = Callable[[StageRoom, Request], Awaitable[dict[str, Any]]]
log = structlog.get_logger()


def create_control(stage: Stage, *, key: str, ice: IceSettings, trials: Trials | None = None) -> ASGIApp:
    """The application.

    Args:
        stage: whose rooms.
        key: what callers show as bearer.
        ice: how viewers reach this machine.
        trials: the connections of those who only test their network, closed by the caller.
    """
    control = _Control(stage, ice, trials or Trials(ice))
    sockets = Sockets(stage)
    app = Starlette(
        routes=[
            Route("/status", control.status, methods=["GET"]),
            Route("/network/offer", control.trial, methods=["POST"]),
            Route("/rooms", control.open, methods=["POST"]),
            Route("/rooms/{room}", control.state, methods=["GET"]),
            Route("/rooms/{room}", control.end, methods=["DELETE"]),
            Route("/rooms/{room}/events", control.events, methods=["GET"]),
            Route("/rooms/{room}/viewers", control.offer, methods=["POST"]),
            Route("/rooms/{room}/viewers/{viewer}", control.patch, methods=["PATCH"]),
            Route("/rooms/{room}/viewers/{viewer}", control.drop, methods=["DELETE"]),
            Route("/rooms/{room}/{verb}", control.command, methods=["POST"]),
            WebSocketRoute("/rooms/{room}/sound", sockets.sound),
            WebSocketRoute("/rooms/{room}/watch", sockets.watch),
        ],
        exception_handlers={AvatariumError: _refused, ValidationError: _invalid, Exception: _bug},
    )
    return _Keyed(app, key)


class _Keyed:
    """Lets in who shows the key."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._wanted = f"Bearer {key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        shown = dict(scope["headers"]).get(b"authorization", b"")
        if hmac.compare_digest(shown, self._wanted):
            return await self._app(scope, receive, send)
        if scope["type"] == "websocket":
            await receive()
            return await send({"type": "websocket.close", "code": 4401})
        return await _refusal(401, "unauthorized", "This stage belongs to another installation.")(scope, receive, send)


class _Control:
    def __init__(self, stage: Stage, ice: IceSettings, trials: Trials) -> None:
        self._stage = stage
        self._ice = ice
        self._trials = trials

    async def status(self, _request: Request) -> Response:
        return JSONResponse(status_of(self._stage))

    async def open(self, request: Request) -> Response:
        self._stage.open(await _read(request, RoomSpec))
        return JSONResponse({}, status_code=201)

    async def state(self, request: Request) -> Response:
        return JSONResponse(state_of(self._room(request)))

    async def end(self, request: Request) -> Response:
        room = self._room(request)
        body = await _body(request)
        reason = EndCommand.model_validate_json(body).reason if body else EndReason.LEFT
        return JSONResponse(await self._stage.end(room, reason))

    async def command(self, request: Request) -> Response:
        verb = request.path_params["verb"]
        handle: Handler | None = _VERBS.get(verb)
        if handle is None:
            raise RequestError(f"A room cannot {verb}.", code="unknown_command")
        return JSONResponse(await handle(self._room(request), request))

    async def events(self, request: Request) -> Response:
        after = request.query_params.get("after")
        room = self._room(request)
        number = int(after) if after and after.isascii() and after.isdigit() else None
        return StreamingResponse(_lines(room, number), media_type="application/x-ndjson")

    async def offer(self, request: Request) -> Response:
        room = self._room(request)
        offer = (await _body(request)).decode("utf-8", "replace")
        room.check_open()
        with room.audience.expect():
            viewer, answer = await answer_offer(
                room,
                offer,
                uid=_number(request, "x-viewer-uid"),
                may_publish=request.headers.get("x-may-publish") == "1" and room.spec.microphone,
                ice=self._ice,
                size=coded_size(room.spec),
                alpha=room.spec.transparent,
                viewer_address=request.headers.get("x-viewer-address", ""),
            )
            added = room.add_viewer(viewer)
        if not added:
            await viewer.close()
            room.check_open()
        return Response(answer, status_code=201, media_type=SDP, headers={"X-Viewer-Id": viewer.id})

    async def trial(self, request: Request) -> Response:
        offer = (await _body(request)).decode("utf-8", "replace")
        answer = await self._trials.answer(offer, address=request.headers.get("x-viewer-address", ""))
        return Response(answer, status_code=201, media_type=SDP)

    async def patch(self, request: Request) -> Response:
        viewer = self._room(request).audience.find(request.path_params["viewer"])
        fragment = (await _body(request)).decode("utf-8", "replace")
        if not isinstance(viewer, WhepViewer):
            raise RequestError("This viewer has no ICE that could be restarted.", code="bad_sdp")
        answer = await viewer.patch(fragment, if_match=request.headers.get("if-match", ""))
        return Response(status_code=204) if answer is None else Response(answer, media_type=TRICKLE)

    async def drop(self, request: Request) -> Response:
        room = self._room(request)
        room.viewer_lost(room.audience.find(request.path_params["viewer"]))
        return Response(status_code=204)

    def _room(self, request: Request) -> StageRoom:
        return self._stage.find(request.path_params["room"])


async def _speak(room: StageRoom, request: Request) -> dict[str, Any]:
    room.check_joined()
    return (await room.speaker.speak(await _read(request, SpeakCommand))).model_dump()


async def _ask(room: StageRoom, request: Request) -> dict[str, Any]:
    room.check_joined()
    return (await room.conversation.ask(await _read(request, AskCommand))).model_dump()


async def _interrupt(room: StageRoom, _request: Request) -> dict[str, Any]:
    room.check_open()
    return room.director.interrupt()


async def _extend(room: StageRoom, request: Request) -> dict[str, Any]:
    room.extend((await _read(request, ExtendCommand)).expires_ms)
    return {}


async def _context(room: StageRoom, request: Request) -> dict[str, Any]:
    room.check_open()
    room.conversation.set_context((await _read(request, ContextCommand)).text)
    return {}


async def _listening(room: StageRoom, request: Request) -> dict[str, Any]:
    on = (await _read(request, Switch)).on
    room.listen(on)
    return {"on": on}


async def _microphone(room: StageRoom, request: Request) -> dict[str, Any]:
    room.check_open()
    on = (await _read(request, Switch)).on
    room.hearing.turn(on)
    return {"on": on}


_VERBS: dict[str, Handler] = {
    "speak": _speak,
    "ask": _ask,
    "interrupt": _interrupt,
    "extend": _extend,
    "context": _context,
    "listening": _listening,
    "microphone": _microphone,
}


async def _lines(room: StageRoom, after: int | None) -> AsyncIterator[bytes]:
    async for event in room.events.follow(after):
        yield json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for block in request.stream():
        body += block
        if len(body) > BODY_MAX_BYTES:
            raise TooLargeError("The request is too large.", code="body_too_large")
    return bytes(body)


async def _read(request: Request, kind: type[Told]) -> Told:
    return kind.model_validate_json(await _body(request))


def _number(request: Request, header: str) -> int:
    text = request.headers.get(header, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, AvatariumError)
    refusal = refusal_of(error)
    return JSONResponse(refusal.model_dump(), status_code=refusal.status)


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ValidationError)
    first = error.errors(include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    if first["type"] == "string_too_long" and field == "text":
        message = f"The text is longer than the {TEXT_MAX:,} characters of one utterance. Send it in parts."
        return _refusal(413, "text_too_long", message)
    return _refusal(400, "invalid_request", f"{field or 'The request'} cannot be used: {first['msg']}.")


async def _bug(request: Request, error: Exception) -> Response:
    log.error("control_bug", path=request.url.path, exc_info=error)
    return _refusal(500, "stage_bug", "Something went wrong inside. It has been logged.")


def _refusal(status: int, reason: str, message: str) -> JSONResponse:
    return JSONResponse(Refusal(status=status, reason=reason, message=message).model_dump(), status_code=status)
