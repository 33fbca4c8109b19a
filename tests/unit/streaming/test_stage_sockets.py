"""Sound that is pushed over a WebSocket: in turn with the rooms, and no faster than it may come."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import numpy as np
import pytest

from avatarium.clock import ManualClock
from avatarium.streaming.stage import sockets
from avatarium.streaming.stage.pcm import PcmFormat
from tests.support.live_rooms import in_loop

real_sleep = asyncio.sleep


class Queued:
    """A WebSocket whose messages are all there already."""

    def __init__(self, count: int) -> None:
        sound = np.zeros(160, "<i2").tobytes()
        self._messages: list[dict[str, Any]] = [{"type": "websocket.receive", "bytes": sound} for _ in range(count)]
        self._messages.append({"type": "websocket.receive", "text": json.dumps({"end": True})})

    async def receive(self) -> dict[str, Any]:
        return self._messages.pop(0)


class Kept:
    """A source that takes everything at once."""

    def __init__(self) -> None:
        self.samples = 0

    async def push(self, samples: Any) -> None:
        self.samples += len(samples)


def pumping(socket: Queued, source: Kept) -> asyncio.Task[None]:
    given: Any = (socket, PcmFormat.of({"sample_rate": 16_000}), source)
    return asyncio.create_task(sockets._pump(*given))


@in_loop
async def test_sound_that_is_queued_does_not_keep_the_loop_from_the_rooms() -> None:
    """Receiving what is there never pauses: a hundred messages were taken before any room had its turn."""
    source = Kept()
    pump, turns = pumping(Queued(100), source), 0
    while not pump.done():
        await asyncio.sleep(0)
        turns += 1
    assert source.samples == 100 * 160 and turns >= 100


@in_loop
async def test_who_pushes_more_messages_than_may_come_is_slowed_down(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await real_sleep(0)

    monkeypatch.setattr(sockets, "Clock", ManualClock)
    monkeypatch.setattr(sockets, "MESSAGES_AT_ONCE", 3)
    monkeypatch.setattr(sockets, "MESSAGES_A_SECOND", 100)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    await pumping(Queued(5), Kept())
    assert [round(wait, 3) for wait in waits] == [0, 0, 0, 0.01, 0.02, 0.03]
