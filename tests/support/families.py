"""A family of tasks whose steps do what a test asks for: work, fail, crash, hang, eat memory."""

from __future__ import annotations

import os
import time
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from avatarium.errors import InputError, UnavailableError
from avatarium.prices import Price, Prices
from avatarium.tasks.family import Desk, Family, Plan, Queue, Step
from avatarium.tasks.job import Job
from avatarium.tasks.start import StartModel


class Mood(StrEnum):
    """What the middle step does."""

    WORK = "work"
    FAIL = "fail"
    BUG = "bug"
    CRASH = "crash"
    AWAY_ONCE = "away_once"
    EAT = "eat"


class DemoStart(StartModel):
    """Asks for a mood."""

    diary: str
    """A file to which each step adds a line when it begins and one when it ends."""
    mood: Mood = Mood.WORK
    seconds: float = 0.2
    """How long each step takes."""
    coins: int = 10
    exact: bool = False
    """Whether the price is known at the start."""
    measured: int | None = None
    """The price that the first step finds out."""


class Demo(Family[DemoStart]):
    """Three steps that keep a diary."""

    name: ClassVar[str] = "demo"
    group: ClassVar[str] = "Demo"
    engine: ClassVar[str] = "demo"
    queue: ClassVar[Queue] = Queue.MEDIA
    start = DemoStart

    def __init__(self) -> None:
        self.steps = (Step("first", _first), Step("second", _second, 2), Step("third", _third))

    def plan(self, start: DemoStart, desk: Desk) -> Plan:
        return Plan(price=Price(start.coins), expected_s=3 * start.seconds, name="demo", measured=start.exact)

    def measured_price(self, start: DemoStart, results: dict[str, Any], prices: Prices) -> Price | None:
        return None if start.measured is None else Price(start.measured)


def _first(job: Job[DemoStart]) -> dict[str, Any]:
    return _work(job, "first")


def _second(job: Job[DemoStart]) -> dict[str, Any]:
    mood = job.start.mood
    if mood is Mood.FAIL:
        raise InputError("The picture shows nobody.", code="nobody")
    if mood is Mood.BUG:
        raise ZeroDivisionError
    if mood is Mood.CRASH:
        os._exit(11)
    if mood is Mood.AWAY_ONCE and not (job.scratch / "was-away").exists():
        (job.scratch / "was-away").touch()
        raise UnavailableError("The storage is away.", code="storage_away")
    hoard = bytearray()
    while mood is Mood.EAT:
        hoard += os.urandom(1 << 20) * 64
        time.sleep(0.05)
    return _work(job, "second")


def _third(job: Job[DemoStart]) -> dict[str, Any]:
    assert job.results["first"] and job.results["second"]
    path = job.scratch / "result.txt"
    path.write_text("made\n")
    done = _work(job, "third")
    return done | {"key": job.publish(path, "result.txt", "text/plain")}


def _work(job: Job[DemoStart], step: str) -> dict[str, Any]:
    diary = Path(job.start.diary)
    _note(diary, f"{step} begins {job.task.id}")
    ticks = max(round(job.start.seconds / 0.05), 1)
    for tick in range(ticks):
        time.sleep(job.start.seconds / ticks)
        job.progress((tick + 1) / ticks)
    _note(diary, f"{step} ends {job.task.id}")
    return {step: True}


def _note(diary: Path, line: str) -> None:
    with diary.open("a") as file:
        file.write(line + "\n")


FAMILY = Demo()
