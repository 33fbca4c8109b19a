"""Viewers made of aiortc join a room: what they see and hear, and what is left when they go."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.live_broadcast import Broadcast, broadcasting
from tests.support.live_receiving import watching


@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_a_viewer_sees_and_hears(codec: str) -> None:
    async def run() -> None:
        async with broadcasting(Broadcast()) as host, watching(host, codec=codec) as (viewer, receiver):
            assert viewer.codec == codec.lower()
            await receiver.until_pictures(30)
            assert receiver.samples > 20_000
            assert receiver.flashes_s and receiver.beeps_s

    asyncio.run(run())
