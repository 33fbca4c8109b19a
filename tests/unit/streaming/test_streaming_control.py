"""The API's way to a stage: lines of events, and connections that wait for nothing but their turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from avatarium.api import sockets
from avatarium.api.sockets import ServiceTimeout
from avatarium.streaming import control
from avatarium.streaming.control import LINE_MAX
from avatarium.streaming.stage.serving import control_server
from tests.support.live_rooms import in_loop


class Answer:
    """A stream that comes in such blocks."""

    def __init__(self, *blocks: bytes) -> None:
        self._blocks = blocks

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        for block in self._blocks:
            yield block


async def lines(*blocks: bytes) -> list[bytes]:
    return [line async for line in control._lines(cast(Any, Answer(*blocks)))]


@in_loop
async def test_a_line_that_is_too_long_is_left_out_and_those_behind_it_come() -> None:
    long = b"x" * (LINE_MAX + 1)
    assert await lines(b"a\n", long + b"\nb\n") == [b"a", b"b"]
    assert await lines(b"a\n" + long, long, b"rest\nb", b"c\n\n") == [b"a", b"bc"]
    assert await lines(long, b"\n", b"a\n") == [b"a"]
    assert await lines(b"x" * LINE_MAX + b"\n") == [b"x" * LINE_MAX]


@in_loop
async def test_whoever_waits_for_a_connection_does_not_wait_as_long_as_for_an_answer() -> None:
    assert control._timeout(control.END_S).pool == control.CONNECT_S
    assert control._timeout(control.END_S).read == control.END_S


def test_no_pong_that_waits_behind_sound_ends_a_connection() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None: ...

    config = control_server(app).config
    assert config.ws_ping_interval is None and config.ws_ping_timeout is None and sockets.PONG_S is None


@in_loop
async def test_a_stage_that_has_no_room_for_long_is_told_in_a_sentence() -> None:
    class Full:
        async def send(self, message: str | bytes) -> None:
            await asyncio.sleep(60)

    with pytest.raises(ServiceTimeout, match="no room"):
        await sockets._send(cast(Any, Full()), b"ab", 0.01)
