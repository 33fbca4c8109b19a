"""What the sweep forgets, and what it must not."""

from __future__ import annotations

from pathlib import Path

import pytest

from avatarium.database import Database
from avatarium.errors import NotFoundError
from avatarium.tasks.states import State
from avatarium.tasks.sweep import KEEP_DAYS, Sweep
from tests.support.families import FAMILY
from tests.support.office import Office

DAY_S = 86400


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    return Office(database, tmp_path)


def test_tasks_are_forgotten_a_month_after_they_expired(office: Office) -> None:
    ann = office.user()
    task, waiting = office.submit(ann), office.submit(ann)
    office.tasks.finish(task, State.FAILED)
    office.clock.advance((KEEP_DAYS + office.settings.result_days - 1) * DAY_S)
    Sweep(office.platform)._remove_old(office.clock.now_ms())
    assert office.tasks.get(ann.user_id, FAMILY, task.id).state is State.FAILED
    office.clock.advance(2 * DAY_S)
    Sweep(office.platform)._remove_old(office.clock.now_ms())
    with pytest.raises(NotFoundError):
        office.tasks.get(ann.user_id, FAMILY, task.id)
    assert office.tasks.get(ann.user_id, FAMILY, waiting.id).state is State.INITIALIZED


def test_a_task_that_is_tried_again_while_the_sweep_goes_round_stays(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = office.user()
    task = office.submit(ann, coins=30)
    office.tasks.finish(task, State.FAILED)
    office.clock.advance((KEEP_DAYS + office.settings.result_days + 1) * DAY_S)

    def meanwhile(prefix: str) -> None:
        office.tasks.retry(ann, FAMILY, task.id)

    monkeypatch.setattr(office.platform.storage, "delete_prefix", meanwhile)
    Sweep(office.platform)._remove_old(office.clock.now_ms())
    assert office.tasks.begin(task.id, 2) is not None
    assert office.balance(ann) == 70
