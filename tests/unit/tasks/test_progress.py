"""Progress as it is written down while a step works."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from avatarium.database import Database
from avatarium.tasks.models import Task
from avatarium.tasks.workflow import Progress
from tests.support.families import FAMILY
from tests.support.office import Office


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    return Office(database, tmp_path)


@pytest.fixture
def task(office: Office) -> Task:
    made = office.submit(office.user(), seconds=10)
    begun = office.tasks.begin(made.id, 1)
    assert begun is not None
    return replace(begun, expected_s=30.0)


def percent(office: Office, task: Task) -> int:
    return office.tasks.get(task.user_id, FAMILY, task.id).progress


def test_a_silent_step_moves_by_the_clock_and_then_by_what_it_says(office: Office, task: Task) -> None:
    progress = Progress(office.tasks, task, (0.1, 0.9), office.clock)
    seen = []
    for fraction in (None, None, None, None, 0.1, 0.3, 0.5, 0.9, 1.0):
        office.clock.advance(2)
        progress(fraction)
        seen.append(percent(office, task))
    assert seen == sorted(set(seen)), "it stood still or went back"
    assert seen[0] >= 10 and seen[-1] == 90


def test_a_step_is_never_done_before_it_says_so(office: Office, task: Task) -> None:
    progress = Progress(office.tasks, task, (0.0, 1.0), office.clock)
    for _ in range(100):
        office.clock.advance(60)
        progress(None)
    assert 30 < percent(office, task) <= 40
    office.clock.advance(2)
    progress(1.0)
    assert percent(office, task) == 99, "the end is written with the result"


def test_progress_is_not_written_more_than_once_a_second(office: Office, task: Task) -> None:
    progress = Progress(office.tasks, task, (0.0, 1.0), office.clock)
    for fraction in (0.1, 0.2, 0.3):
        progress(fraction)
    assert percent(office, task) == 0
    office.clock.advance(1)
    progress(0.3)
    assert percent(office, task) == 30
