"""A family looks once more at a task that has just been written: nothing stays of one that it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection

from avatarium.accounts import ledger
from avatarium.database import Database
from avatarium.errors import ConflictError
from avatarium.tasks.models import Task
from avatarium.tasks.service import Tasks
from avatarium.tasks.slot import Slot
from avatarium.tasks.states import State
from avatarium.tasks.workflow import TaskRunner
from tests.support.families import FAMILY
from tests.support.office import Office


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    return Office(database, tmp_path)


def refusing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the family refuse everything; the tasks that it was shown."""
    shown: list[str] = []

    def admit(_family: object, c: Connection, task: Task) -> None:
        assert c.in_transaction()
        shown.append(task.subject)
        raise ConflictError("Not now.", code="not_now")

    monkeypatch.setattr(type(FAMILY), "admit", admit)
    return shown


def coins(office: Office, user_id: str) -> int:
    with office.database.read() as c:
        return ledger.balance(c, user_id)[0]


def test_what_a_family_refuses_is_neither_kept_nor_paid_nor_queued(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = office.user()
    shown = refusing(monkeypatch)
    with pytest.raises(ConflictError, match="Not now"):
        office.submit(ann)
    assert len(shown) == 1 and not office.paper.queued
    assert coins(office, ann.user_id) == 100
    assert office.tasks.page(ann.user_id, FAMILY) == ([], 0)


def test_a_retry_is_looked_at_as_well(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = office.user()
    task = office.submit(ann)
    office.tasks.finish(task, State.FAILED, failed_code="x", failed_message="y")
    shown = refusing(monkeypatch)
    with pytest.raises(ConflictError, match="Not now"):
        office.tasks.retry(ann, FAMILY, task.id)
    assert shown == [f"{task.id}.2"]
    kept = office.tasks.get(ann.user_id, FAMILY, task.id)
    assert (kept.state, kept.attempt) == (State.FAILED, 1) and coins(office, ann.user_id) == 100


class ReadySlot(Slot):
    """Does every step at once, and writes down how long it might have taken."""

    def __init__(self) -> None:
        self.limits: list[tuple[float, float]] = []

    def run(self, *given: object, limit_s: float, whole_s: float, **more: object) -> dict[str, object]:
        self.limits.append((limit_s, whole_s))
        return {}


class OneSlot:
    """The only slot there is."""

    def __init__(self) -> None:
        self.slot = ReadySlot()

    def take(self, queue: str) -> Slot:
        return self.slot

    def give_back(self, queue: str, slot: Slot) -> None:
        """It stays."""


@pytest.mark.parametrize(("own_s", "expected_s"), [(7.0, 7.0), (900.0, 60.0)])
def test_a_family_may_be_given_less_time_than_others(
    office: Office, monkeypatch: pytest.MonkeyPatch, own_s: float, expected_s: float
) -> None:
    monkeypatch.setattr(type(FAMILY), "limit_s", own_s)
    slots = OneSlot()
    tasks: Tasks = office.tasks
    runner = TaskRunner(
        tasks,
        office.platform.families,
        prices=office.platform.prices,
        slots=slots,
        clock=office.clock,
        limit_s=60.0,
    )
    task = office.submit(office.user())
    runner.active[task.workflow_id] = office.clock.monotonic_s()
    office.clock.advance(2.0)
    runner._in_slot(task, "first", {}, (0.0, 1.0))
    ((limit_s, whole_s),) = slots.slot.limits
    assert limit_s == pytest.approx(expected_s - 2.0) and whole_s == expected_s
