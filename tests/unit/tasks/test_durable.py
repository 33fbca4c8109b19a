"""Workflows across versions, and those that are taken out of their queue, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from avatarium.tasks.durable import SCHEMA, VERSION, adopt
from tests.support.families import FAMILY, DemoStart
from tests.support.installation import Installation, installation


@pytest.fixture
def place(bare_database_url: str, tmp_path: Path) -> Iterator[Installation]:
    with installation(tmp_path / "home", bare_database_url) as made:
        yield made


def workflows(place: Installation) -> sa.TableClause:
    names = ("workflow_uuid", "status", "application_version")
    schema = None if place.platform.database.is_sqlite else SCHEMA
    return sa.table("workflow_status", *(sa.column(name) for name in names), schema=schema)


def only_row(place: Installation) -> Any:
    with place.platform.database.read() as c:
        return c.execute(sa.select(workflows(place))).one()


def test_tasks_of_an_older_version_are_adopted(place: Installation) -> None:
    task = place.platform.tasks.submit(place.add_user(), FAMILY, DemoStart(diary="-"))
    assert only_row(place).application_version == VERSION
    with place.platform.database.write() as c:
        c.execute(sa.update(workflows(place)).values(application_version="0"))
    assert adopt(place.platform.database) == 1
    row = only_row(place)
    assert (row.workflow_uuid, row.application_version) == (task.workflow_id, VERSION)
    assert adopt(place.platform.database) == 0


def test_a_cancelled_task_leaves_the_queue(place: Installation) -> None:
    user = place.add_user()
    task = place.platform.tasks.submit(user, FAMILY, DemoStart(diary="-"))
    assert only_row(place).status == "ENQUEUED"
    place.platform.tasks.cancel(user.user_id, FAMILY, task.id)
    assert only_row(place).status == "CANCELLED"
    assert place.balance(user) == 1000
