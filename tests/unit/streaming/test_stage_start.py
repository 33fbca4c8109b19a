"""The process of a stage before it takes rooms."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from avatarium.errors import AssetError
from avatarium.settings import load_settings
from avatarium.streaming.stage import process
from avatarium.streaming.stage.pacemaker import Pacemaker
from avatarium.streaming.stage.process import StageProcess
from avatarium.streaming.stage.watchdog import end_process
from avatarium.tasks.liveness import FileLocks
from tests.support.live_rooms import in_loop


class Dog:
    """A watchdog that only tells what is done with it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, pacemaker: Pacemaker, end: Callable[[], None]) -> None:
        self.loop, self.pacemaker, self.end = loop, pacemaker, end
        self.done: list[str] = []

    def start(self) -> None:
        assert self.pacemaker.alive
        self.done.append("started")

    def stop(self) -> None:
        self.done.append("stopped")


@in_loop
async def test_a_watchdog_watches_from_the_start_and_ends_what_it_was_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dogs: list[Dog] = []
    watched_while_loading: list[list[str]] = []

    def dog(*given: Any) -> Dog:
        dogs.append(Dog(*given))
        return dogs[-1]

    def broken() -> None:
        watched_while_loading.append(list(dogs[0].done))
        raise AssetError("A library is missing.", code="asset_away")

    def hung() -> None: ...

    monkeypatch.setattr(process, "Watchdog", dog)
    monkeypatch.setattr(process, "_load_libraries", broken)
    platform: Any = SimpleNamespace(settings=load_settings(home=tmp_path))
    with pytest.raises(AssetError):
        await StageProcess(platform, on_hung=hung).run()
    (only,) = dogs
    assert only.end is hung and only.loop is asyncio.get_running_loop()
    assert watched_while_loading == [["started"]] and only.done == ["started", "stopped"]


def test_a_process_that_hangs_ends_unless_something_else_is_wanted(tmp_path: Path) -> None:
    platform: Any = SimpleNamespace(settings=load_settings(home=tmp_path))
    assert StageProcess(platform)._on_hung is end_process


def test_a_stage_that_starts_removes_what_the_dead_left_and_nothing_of_the_living(tmp_path: Path) -> None:
    """However long ago a stage that lives has last opened a twin."""
    scratch = tmp_path / "scratch"
    films = {name: scratch / f"stage-{name}" / "twins" / "twin-1" / "base.mp4" for name in ("alive", "dead", "older")}
    living, starting = FileLocks(scratch / process.FOLDER_LOCKS), FileLocks(scratch / process.FOLDER_LOCKS)
    assert living.take("alive")
    for name, film in films.items():
        film.parent.mkdir(parents=True)
        film.write_bytes(b"film")
        long_ago_s = film.stat().st_mtime - 3 * 24 * 3600
        for path in (film, *film.parents[:3]) if name != "dead" else ():
            os.utime(path, (long_ago_s, long_ago_s))
    process._remove_left(scratch, starting)
    assert {name: film.exists() for name, film in films.items()} == {"alive": True, "dead": False, "older": False}
    living.close()
    process._remove_left(scratch, starting)
    assert not list(scratch.glob("stage-*"))


@in_loop
async def test_a_stage_holds_the_lock_of_its_folder_while_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform: Any = SimpleNamespace(settings=load_settings(home=tmp_path))
    stage = StageProcess(platform)
    locks, held = FileLocks(tmp_path / process.SCRATCH / process.FOLDER_LOCKS), []

    def broken() -> None:
        held.append(not locks.take(stage.stage_id))
        raise AssetError("A library is missing.", code="asset_away")

    monkeypatch.setattr(process, "_load_libraries", broken)
    with pytest.raises(AssetError):
        await stage.run()
    assert held == [True] and locks.take(stage.stage_id)
    locks.close()
