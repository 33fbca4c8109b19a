"""Rooms take turns in the threads that make speech."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from avatarium.streaming.stage.pools import FIRST_THREADS, Pools, run_in
from tests.support.live_rooms import in_loop, until


@pytest.fixture
def pools() -> Iterator[Pools]:
    opened = Pools.open()
    yield opened
    opened.close()


@in_loop
async def test_a_room_that_interrupts_itself_holds_one_thread(pools: Pools) -> None:
    """Each synthesis that was interrupted went on, and after two of them all other rooms waited."""
    greedy, other = pools.of_room(), pools.of_room()
    let, begun = threading.Event(), []

    def long() -> None:
        begun.append(threading.current_thread().name)
        assert let.wait(60)

    for _ in range(3 * FIRST_THREADS):
        asked = asyncio.create_task(run_in(greedy.first, long))
        await asyncio.sleep(0)
        asked.cancel()
        await asyncio.wait([asked])
    last = asyncio.create_task(run_in(greedy.first, lambda: "last"))
    await until(lambda: begun, "the first runs")
    async with asyncio.timeout(60):
        assert await run_in(other.first, lambda: "other") == "other"
    assert not last.done()
    let.set()
    assert await last == "last"
    assert len(begun) == 1, "what nobody waits for any more is never begun"


@in_loop
async def test_a_room_with_much_to_do_comes_after_the_others_each_time(pools: Pools) -> None:
    much, little = pools.of_room(), pools.of_room()
    order: list[str] = []
    gates = [threading.Event() for _ in range(FIRST_THREADS)]
    held: list[asyncio.Task[object]] = [asyncio.create_task(run_in(pools.first, gate.wait)) for gate in gates]
    for room, name in ((much, "much 0"), (much, "much 1"), (much, "much 2"), (little, "little")):
        held.append(asyncio.create_task(run_in(room.first, partial(order.append, name))))
        await asyncio.sleep(0)
    gates[0].set()
    await until(lambda: len(order) == 4, "all is done")
    gates[1].set()
    await asyncio.gather(*held)
    assert order == ["much 0", "little", "much 1", "much 2"]


@in_loop
async def test_what_fails_is_told_and_the_next_runs(pools: Pools) -> None:
    room = pools.of_room()

    def broken() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await run_in(room.first, broken)
    assert await run_in(room.first, lambda: 7) == 7


@in_loop
async def test_pools_that_are_closed_leave_nobody_waiting(pools: Pools) -> None:
    room, gate = pools.of_room(), threading.Event()
    held = [asyncio.create_task(run_in(pools.first, gate.wait)) for _ in range(FIRST_THREADS)]
    waits = [asyncio.create_task(run_in(room.first, lambda: None)) for _ in range(3)]
    await asyncio.sleep(0)
    pools.close()
    waits.append(asyncio.create_task(run_in(room.first, lambda: None)))
    await asyncio.wait(waits, timeout=20)
    gate.set()
    await asyncio.gather(*held)
    assert all(task.cancelled() for task in waits)
