"""The outermost layer: a trace identifier for every request, one line in the access log, one count in the metrics."""

from __future__ import annotations

import time
import uuid
from typing import Any, Protocol

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from avatarium.api.envelope import language_var, openai_var, trace_id_var

log = structlog.get_logger("avatarium.access")

EXTRA_HEADERS = "avatarium.headers"
USER = "avatarium.user"
MAX_LOGGED_PATH = 200
UNROUTED = "(none)"
OPENAI_PREFIX = "/v1/"


class Observer(Protocol):
    """What counts answers."""

    def observe(self, *, method: str, route: str, status: int, seconds: float) -> None: ...


class TraceMiddleware:
    """Name the request, note how it went.

    A ``X-Trace-Id`` that is a UUID is kept, so that a client may follow its own calls; anything else is replaced. The
    query never reaches the log: it may carry signatures.
    """

    def __init__(self, app: ASGIApp, observer: Observer) -> None:
        self.app = app
        self.observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        trace = _uuid_or_new(headers.get("x-trace-id", ""))
        trace_id_var.set(trace)
        language_var.set(headers.get("x-lang", "en-US")[:16])
        openai_var.set(scope["path"].lower().startswith(OPENAI_PREFIX))
        scope[EXTRA_HEADERS] = {"X-Trace-Id": trace}
        with structlog.contextvars.bound_contextvars(trace_id=trace):
            await self._follow(scope, receive, send)

    async def _follow(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = 0
        begun_s = time.perf_counter()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).update(scope[EXTRA_HEADERS])
            await send(message)

        try:
            await self.app(scope, receive, sending)
        finally:
            self._note(scope, status, time.perf_counter() - begun_s)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", UNROUTED)
        method = scope["method"]
        self.observer.observe(method=method, route=route, status=status, seconds=seconds)
        client = scope.get("client")
        details: dict[str, Any] = {
            "method": method[:20],
            "path": scope["path"][:MAX_LOGGED_PATH],
            "route": route,
            "status": status,
            "took_ms": round(seconds * 1000, 1),
            "address": client[0] if client else "",
        }
        if user := scope.get(USER):
            details["user"] = user
        log.info("request", **details)


def _uuid_or_new(text: str) -> str:
    try:
        return str(uuid.UUID(text)) if len(text) == 36 else str(uuid.uuid4())
    except ValueError:
        return str(uuid.uuid4())
