"""Connections, WebSockets among them, bounded: so many at once, and none that sends nothing or takes nothing for long.

The server beneath waits for ever for a request whose head never ends, and for a client that stops reading.
"""

from __future__ import annotations

import asyncio
import logging

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from avatarium.api.envelope import Answer, failure

HEAD_S = 15.0
"""From the first byte of a request, or from the connection, to the end of its head."""
STALL_S = 60.0
"""How long a client may take nothing of what waits for it."""
RETRY_S = 5
SURPLUS = 1.25
"""At so many times the limit a connection is dropped unheard; up to there it is told why it is refused."""

_sparing = logging.getLogger("uvicorn.error.sockets")
_sparing.setLevel(logging.WARNING)


class BoundedProtocol(HttpToolsProtocol):
    """One connection. ``limit_concurrency`` of the configuration is the number of them."""

    head_s = HEAD_S
    stall_s = STALL_S

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._most = self.limit_concurrency
        self.limit_concurrency = None  # its answer would have no envelope
        self._served = self.app
        self._head_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._most is not None and len(self.connections) > self._most * SURPLUS:
            transport.abort()
            return
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        self._stop_stall_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._head_timer is None and (self.cycle is None or self.cycle.response_complete):
            self._await_head()
        super().data_received(data)

    def on_headers_complete(self) -> None:
        self._stop_head_timer()
        crowded = self._most is not None and len(self.connections) > self._most
        self.app = _overloaded() if crowded else self._served
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        self._stop_stall_timer()
        if self.app is self._served:
            super().handle_websocket_upgrade()
        else:
            words = "Too many connections are open. Try again in a few seconds."
            self._end_with(failure(503, "too_many_connections", words, retry_after_s=RETRY_S))

    def send_400_response(self, msg: str) -> None:
        self._end_with(failure(400, "bad_http", f"{msg} Check what is sent."))

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stop_stall_timer()
        self._stall_timer = self.loop.call_later(self.stall_s, self.transport.abort)

    def resume_writing(self) -> None:
        self._stop_stall_timer()
        super().resume_writing()

    def _await_head(self) -> None:
        self._stop_head_timer()
        self._head_timer = self.loop.call_later(self.head_s, self._head_is_late)

    def _head_is_late(self) -> None:
        words = f"The request did not begin within {self.head_s:g} seconds. Send it again."
        self._end_with(failure(408, "request_too_slow", words))

    def _end_with(self, answer: Answer) -> None:
        """The last words on this connection, outside of any request."""
        if self.transport.is_closing():
            return
        head = b"".join(b"%s: %s\r\n" % header for header in answer.raw_headers)
        self.transport.write(STATUS_LINE[answer.status_code] + head + b"connection: close\r\n\r\n" + bytes(answer.body))
        self.transport.close()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None


class BoundedSocket(WebSocketsSansIOProtocol):
    """One WebSocket. Whoever takes nothing for :data:`STALL_S` is cut off; silence is the business of the routes."""

    stall_s = STALL_S

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = _sparing  # what it says of each connection holds the whole address, with the token in it
        self._stall_timer: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_stall_timer()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stop_stall_timer()
        self._stall_timer = self.loop.call_later(self.stall_s, self.transport.abort)

    def resume_writing(self) -> None:
        self._stop_stall_timer()
        super().resume_writing()

    def _stop_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None


def _overloaded() -> Answer:
    words = "Too many connections are open. Try again in a few seconds."
    answer = failure(503, "too_many_connections", words, retry_after_s=RETRY_S)
    answer.headers["Connection"] = "close"
    return answer
