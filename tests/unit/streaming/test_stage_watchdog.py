"""A stage that hangs ends, and one that only waits or was stopped for a while does not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from avatarium.streaming.stage import watchdog as module
from avatarium.streaming.stage.pacemaker import Pacemaker
from avatarium.streaming.stage.show import Beat
from avatarium.streaming.stage.watchdog import PATIENCE, Watchdog
from tests.support.live_rooms import in_loop


class Stuck:
    """A show whose tick takes until it is let."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.let = threading.Event()

    def make(self, due_s: float, *, late: bool) -> Beat:
        self.begun.set()
        assert self.let.wait(60)
        return Beat(number=0, due_s=due_s, pcm=np.zeros(1920, np.float32))

    def close(self) -> None:
        pass


@pytest.fixture
def pacemaker() -> Iterator[Pacemaker]:
    maker = Pacemaker()
    maker.start()
    yield maker
    maker.stop()


def unwanted() -> None:
    raise AssertionError("the process would have ended")


@in_loop
async def test_a_loop_that_goes_on_is_left_alone(pacemaker: Pacemaker) -> None:
    dog = Watchdog(asyncio.get_running_loop(), pacemaker, unwanted)
    for _ in range(3 * PATIENCE):
        assert not dog.look()
        await asyncio.sleep(0)


@in_loop
async def test_a_loop_that_hangs_is_found(pacemaker: Pacemaker) -> None:
    """It was struck off the roll, and its process lived on without any room."""
    dog = Watchdog(asyncio.get_running_loop(), pacemaker, unwanted)
    assert not dog.look()
    await asyncio.sleep(0)
    found = [dog.look() for _ in range(PATIENCE + 1)]
    assert found == [""] * PATIENCE + ["loop"]


@in_loop
async def test_a_pacemaker_that_hangs_in_a_tick_is_found(pacemaker: Pacemaker) -> None:
    show, found = Stuck(), ""
    pacemaker.add(show, lambda beat: None)
    assert await asyncio.to_thread(show.begun.wait, 20)
    dog = Watchdog(asyncio.get_running_loop(), pacemaker, unwanted)
    for _ in range(PATIENCE + 1):
        found = dog.look()
        await asyncio.sleep(0)
    show.let.set()
    assert found == "pacemaker"


@in_loop
async def test_a_pacemaker_that_died_is_found_at_once(pacemaker: Pacemaker) -> None:
    dog = Watchdog(asyncio.get_running_loop(), pacemaker, unwanted)
    assert not dog.look()
    pacemaker.stop()
    assert dog.look() == "pacemaker"


@in_loop
async def test_the_process_is_ended_from_another_thread_while_the_loop_stands_still(
    pacemaker: Pacemaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TURN_S", 0.001)
    ended = threading.Event()
    dog = Watchdog(asyncio.get_running_loop(), pacemaker, ended.set)
    dog.start()
    assert ended.wait(60), "this very loop stands still meanwhile"
