"""What a worker cleans up: expired files, working folders, and tasks that nothing else would end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from avatarium.accounts.models import Principal
from avatarium.tasks.durable import APPLICATION, SCHEMA, JsonSerializer
from avatarium.tasks.job import scratch_of
from avatarium.tasks.states import State
from tests.support.families import FAMILY, DemoStart
from tests.support.installation import Installation, eventually, installation

pytestmark = pytest.mark.long
KEPT_S = 8.0


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Installation]:
    home = tmp_path / "home"
    with installation(home, "", sweep_s=0.5, result_days=KEPT_S / 86400, workers=1) as made:
        yield made


@pytest.fixture
def somebody(place: Installation) -> Principal:
    return place.add_user(coins=100)


def test_results_expire_and_leave_no_file(place: Installation, somebody: Principal, tmp_path: Path) -> None:
    place.start_worker()
    tasks = place.platform.tasks
    task = tasks.submit(somebody, FAMILY, DemoStart(diary=str(tmp_path / "diary")))
    eventually(lambda: place.task(task.id).state is State.COMPLETED, "the end")
    key = place.task(task.id).result["key"]
    assert place.platform.storage.info(key) is not None
    assert tasks.page(somebody.user_id, FAMILY)[1] == 1
    eventually(lambda: place.platform.storage.info(key) is None, "the file to expire")
    eventually(lambda: not scratch_of(place.settings.home, task.id).exists(), "the working folder to go")
    eventually(lambda: tasks.page(somebody.user_id, FAMILY)[1] == 0, "the list to be empty")
    assert not list((place.settings.home / "objects").rglob("result.txt"))


def test_a_task_whose_workflow_was_cancelled_by_hand_is_failed_and_refunded(
    place: Installation, somebody: Principal, tmp_path: Path
) -> None:
    from dbos import DBOSClient

    task = place.platform.tasks.submit(somebody, FAMILY, DemoStart(diary=str(tmp_path / "diary"), coins=30))
    client = DBOSClient(
        system_database_url=place.settings.database,
        dbos_system_schema=SCHEMA,
        serializer=JsonSerializer(),
        application_name=APPLICATION,
    )
    client.cancel_workflow(task.workflow_id)
    client.destroy()
    assert place.balance(somebody) == 70
    place.start_worker()
    eventually(lambda: place.task(task.id).state is State.FAILED, "the stranded task to be failed")
    assert place.task(task.id).failed_code == "interrupted"
    assert place.balance(somebody) == 100
