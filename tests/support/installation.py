"""An installation for tests: its own data folder, a real database, real worker processes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from avatarium.accounts import ledger
from avatarium.accounts.models import Principal, Role
from avatarium.migrations import upgrade
from avatarium.platform import Platform
from avatarium.settings import Settings, environment_of
from avatarium.tasks.models import Task, task_of, tasks

ROOT = Path(__file__).parents[2]
PATIENCE_S = 90.0
"""How long anything may take on a busy machine before a test gives up."""


class Installation:
    """Made on an empty database."""

    def __init__(self, home: Path, database_url: str, **settings: Any) -> None:
        given = {
            "home": home,
            "database_url": database_url,
            "plugins": ["tests.support.families"],
            "warm_up": False,
            **settings,
        }
        self.settings = Settings(**given)
        self.platform = Platform.open(self.settings)
        upgrade(self.platform.database)
        self.workers: list[subprocess.Popen[bytes]] = []

    def add_user(self, name: str = "somebody", *, coins: int = 1000) -> Principal:
        """A user who may do everything that users may."""
        user = self.platform.accounts.add_user(name, coins=coins)
        return Principal(user_id=user.id, role=Role.USER, key_id="", scopes=frozenset(), origins=())

    def start_worker(self) -> subprocess.Popen[bytes]:
        """One more worker process."""
        environment = environment_of(self.settings) | {"PYTHONPATH": str(ROOT)}
        worker = subprocess.Popen([sys.executable, "-P", "-m", "avatarium", "worker"], env=environment)
        self.workers.append(worker)
        return worker

    def task(self, task_id: str) -> Task:
        """A task as it is now."""
        with self.platform.database.read() as c:
            return task_of(c.execute(sa.select(tasks).where(tasks.c.id == task_id)).one())

    def balance(self, user: Principal) -> int:
        """Coins of a user."""
        with self.platform.database.read() as c:
            return ledger.balance(c, user.user_id)[0]

    def close(self) -> None:
        """Kill what runs."""
        for worker in self.workers:
            worker.kill()
            worker.wait(timeout=PATIENCE_S)
        self.platform.close()


@contextmanager
def installation(home: Path, database_url: str, **settings: Any) -> Iterator[Installation]:
    """An installation that is gone afterwards."""
    made = Installation(home, database_url, **settings)
    try:
        yield made
    finally:
        made.close()


def eventually(condition: Callable[[], bool], what: str, *, within_s: float = PATIENCE_S) -> None:
    """Wait until something is so."""
    end_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end_s, f"in vain: {what}"
        time.sleep(0.05)


def kill(process: subprocess.Popen[bytes]) -> None:
    """``kill -9``."""
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=PATIENCE_S)
