"""A stage's place on the roll, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from avatarium.clock import Clock
from avatarium.database import Database
from avatarium.errors import UnavailableError
from avatarium.platform import Platform
from avatarium.settings import load_settings
from avatarium.streaming.stage import roll as module
from avatarium.streaming.stage.capacity import Capacity, guessed
from avatarium.streaming.stage.pools import Pools
from avatarium.streaming.stage.roll import Roll
from avatarium.tasks.liveness import Locks, open_locks
from tests.support.live_rooms import in_loop, until


@dataclass
class Stage:
    """As much of a stage as the roll asks for."""

    stage_id: str = "here-1"
    capacity: Capacity = field(default_factory=lambda: guessed(0.85))
    rooms: list[object] = field(default_factory=list)
    load: float = 0.1
    late: float = 0.0
    draining: bool = False
    measured: int = 0
    dropped: list[frozenset[str]] = field(default_factory=list)

    def measure(self) -> None:
        self.measured += 1

    def drop(self, room_ids: frozenset[str]) -> None:
        self.dropped.append(room_ids)


@pytest.fixture
def platform(database: Database, database_url: str, tmp_path: Path) -> Iterator[Platform]:
    opened = Platform.open(load_settings(home=tmp_path / "home", database_url=database_url))
    yield opened
    opened.close()


@pytest.fixture
def locks(platform: Platform, tmp_path: Path) -> Iterator[Locks]:
    opened = open_locks(platform.database, tmp_path / "locks")
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT_S", 0.02)


def roll_of(platform: Platform, locks: Locks, stage: Stage) -> Roll:
    return Roll(platform.rooms, locks, stage, address="http://127.0.0.1:1", clock=Clock())  # type: ignore[arg-type]


@in_loop
async def test_a_stage_enters_tells_how_it_is_and_leaves(platform: Platform, locks: Locks) -> None:
    stage = Stage()
    roll = roll_of(platform, locks, stage)
    roll.enter()
    (record,) = platform.rooms.stages()
    assert record.id == "here-1" and record.address == "http://127.0.0.1:1" and locks.still_held("here-1")
    stage.load, stage.capacity = 0.5, Capacity(speaking_ms=5, idle_ms=3, share=0.85)
    pools = Pools.open()
    keeping = asyncio.create_task(roll.keep(pools))
    await until(lambda: platform.rooms.stages()[0].load == 0.5, "its row says so")
    record = platform.rooms.stages()[0]
    assert record.places == stage.capacity.places and record.capacity["speaking_ms"] == 5
    stage.draining = True
    roll.note_draining()
    assert platform.rooms.stages()[0].draining
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    roll.leave()
    assert platform.rooms.stages() == [] and not locks.still_held("here-1")
    pools.close()


@in_loop
async def test_a_stage_that_was_struck_off_comes_back_without_its_rooms(platform: Platform, locks: Locks) -> None:
    room = SimpleNamespace(spec=SimpleNamespace(room_id="a" * 24), ended=False)
    stage = Stage(rooms=[room])
    roll = roll_of(platform, locks, stage)
    roll.enter()
    platform.rooms.strike_stage("here-1")
    pools = Pools.open()
    keeping = asyncio.create_task(roll.keep(pools))
    await until(lambda: platform.rooms.stages(), "it is there again")
    await until(lambda: frozenset({"a" * 24}) in stage.dropped, "its rooms have ended meanwhile")
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    roll.leave()
    pools.close()


def test_two_stages_of_one_name(platform: Platform, locks: Locks, tmp_path: Path) -> None:
    others = open_locks(platform.database, tmp_path / "locks")
    assert others.take("here-1")
    with pytest.raises(UnavailableError) as refusal:
        roll_of(platform, locks, Stage()).enter()
    assert refusal.value.code == "stage_taken" and platform.rooms.stages() == []
    others.close()


@in_loop
async def test_a_stage_whose_lock_is_somebody_elses_gives_up(platform: Platform, locks: Locks, tmp_path: Path) -> None:
    roll = roll_of(platform, locks, Stage())
    roll.enter()
    locks.give_back("here-1")
    others = open_locks(platform.database, tmp_path / "locks")
    assert others.take("here-1")
    pools = Pools.open()
    async with asyncio.timeout(60):
        await roll.keep(pools)
    others.close()
    pools.close()


@in_loop
async def test_a_stage_whose_lock_was_dropped_takes_it_again(platform: Platform, locks: Locks) -> None:
    stage = Stage()
    roll = roll_of(platform, locks, stage)
    roll.enter()
    locks.give_back("here-1")
    pools = Pools.open()
    keeping = asyncio.create_task(roll.keep(pools))
    await until(lambda: locks.still_held("here-1"), "it holds it")
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    roll.leave()
    pools.close()


@in_loop
async def test_a_database_that_is_away_is_waited_for(
    platform: Platform, locks: Locks, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage()
    roll = roll_of(platform, locks, stage)
    roll.enter()
    real, troubles = platform.rooms.note_stage, [UnavailableError("Away.", code="database_away")] * 3

    def note(*args: object, **more: object) -> bool:
        if troubles:
            raise troubles.pop()
        return real(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(platform.rooms, "note_stage", note)
    stage.load = 0.7
    pools = Pools.open()
    keeping = asyncio.create_task(roll.keep(pools))
    await until(lambda: platform.rooms.stages()[0].load == 0.7, "it goes on")
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    roll.leave()
    pools.close()
