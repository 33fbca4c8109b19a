"""A family is told of every attempt that ends in vain, and of every task that is deleted, whoever does it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection

from avatarium.database import Database
from avatarium.tasks.family import Desk
from avatarium.tasks.models import Task
from avatarium.tasks.states import State
from tests.support.families import FAMILY
from tests.support.office import Office

Told = list[tuple[State, bool]]


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    return Office(database, tmp_path)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """State, and whether it is deleted, each time that the family was told."""
    heard: Told = []

    def forget(_family: object, c: Connection, task: Task, desk: Desk, *, now_ms: int) -> None:
        assert desk.owner == task.user_id and c.in_transaction() and now_ms
        heard.append((task.state, task.deleted_ms is not None))

    monkeypatch.setattr(type(FAMILY), "forget", forget)
    return heard


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (State.COMPLETED, []),
        (State.FAILED, [(State.FAILED, False)]),
        (State.CANCELLED, [(State.CANCELLED, False)]),
    ],
)
def test_only_a_route_cleaned_up_after_what_failed(office: Office, told: Told, end: State, expected: Told) -> None:
    task = office.submit(office.user())
    assert office.tasks.finish(task, end)
    assert not office.tasks.finish(task, State.FAILED), "it has ended already"
    assert told == expected


@pytest.mark.parametrize("end", [State.COMPLETED, State.FAILED, None])
def test_a_deleted_task_is_forgotten(office: Office, told: Told, end: State | None) -> None:
    ann = office.user()
    task = office.submit(ann)
    if end is not None:
        office.tasks.finish(task, end)
    office.tasks.delete(ann.user_id, FAMILY, task.id)
    assert told[-1] == (end or State.CANCELLED, True)
    assert [state for state, deleted in told if not deleted] == ([] if end is State.COMPLETED else [told[-1][0]])


def test_a_family_that_cannot_forget_keeps_the_task_open(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end and what it undoes are one transaction."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(type(FAMILY), "forget", broken)
    ann = office.user(coins=10)
    task = office.submit(ann)
    with pytest.raises(RuntimeError):
        office.tasks.finish(task, State.FAILED)
    assert office.tasks.get(ann.user_id, FAMILY, task.id).state is State.INITIALIZED
    assert office.balance(ann) == 0
