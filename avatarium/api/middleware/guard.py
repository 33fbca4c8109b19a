"""Bugs and time limits: whatever happens inside, the client gets an answer in our shape."""

from __future__ import annotations

import asyncio

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from avatarium.api.envelope import failure
from avatarium.api.errors import server_error

log = structlog.get_logger(__name__)

RETRY_S = 5


class GuardMiddleware:
    """Answer 500 where the app raises and 503 where it has not begun to answer in time.

    An endpoint that runs in a thread cannot be stopped: its client is answered, its late answer is dropped. Paths
    below ``raw_prefix``, or below one of several, move files or bound themselves, and take as long as these take.
    """

    def __init__(self, app: ASGIApp, *, limit_s: float, raw_prefix: str | tuple[str, ...]) -> None:
        self.app = app
        self.limit_s = limit_s
        self.raw_prefix = raw_prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        gate = _Gate(send)
        limit_s = None if scope["path"].startswith(self.raw_prefix) else self.limit_s
        task = asyncio.create_task(self._run(scope, receive, gate))
        try:
            await asyncio.wait({task}, timeout=limit_s)
            if not task.done() and not gate.begun:
                gate.closed = True
                log.warning("request took too long", path=scope["path"][:200])
                await _late()(scope, receive, send)
                task.cancel()
            await asyncio.wait({task})
        finally:
            task.cancel()
        if not task.cancelled() and (bug := task.exception()) is not None:
            raise bug

    async def _run(self, scope: Scope, receive: Receive, gate: _Gate) -> None:
        try:
            await self.app(scope, receive, gate.send)
        except Exception:  # the outer edge of a request
            log.exception("bug", path=scope["path"][:200])
            if gate.begun:
                raise
            await server_error()(scope, receive, gate.send)


class _Gate:
    """Passes messages on until it is closed."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False
        self.closed = False

    async def send(self, message: Message) -> None:
        if self.closed:
            return
        self.begun = True
        await self._send(message)


def _late() -> ASGIApp:
    words = "The answer took too long and was given up. Try again in a few seconds."
    return failure(503, "request_timeout", words, retry_after_s=RETRY_S)
