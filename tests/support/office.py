"""The tasks of an installation without workers: what is queued is only written down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from avatarium.accounts import ledger
from avatarium.accounts.models import Principal, Role
from avatarium.accounts.reconcile import reconcile
from avatarium.clock import ManualClock
from avatarium.database import Database
from avatarium.platform import Platform
from avatarium.settings import Settings
from avatarium.tasks.models import Task
from avatarium.tasks.service import Tasks
from tests.support.families import FAMILY, DemoStart


class Paper:
    """A dispatcher that writes down what it was given; it can refuse."""

    def __init__(self) -> None:
        self.queued: list[str] = []
        self.broken = False

    def enqueue(self, c: Connection, task: Task) -> None:
        if self.broken:
            raise RuntimeError("the queue is broken")
        self.queued.append(task.workflow_id)

    def withdraw(self, task: Task) -> None:
        """Forget it."""
        self.queued.remove(task.workflow_id)


class Office:
    """A platform with a clock that is moved by hand."""

    def __init__(self, database: Database, home: Path, **settings: Any) -> None:
        self.database = database
        self.clock = ManualClock()
        self.settings = Settings(home=home, plugins=["tests.support.families"], **settings)
        self.paper = Paper()
        self.platform = Platform(self.settings, database, self.clock)
        self.tasks = Tasks(
            database=database,
            clock=self.clock,
            settings=self.settings,
            families=self.platform.families,
            dispatcher=self.paper,
            desk=self.platform.desk,
        )
        vars(self.platform)["tasks"] = self.tasks  # in place of those that are queued for workers

    def user(self, name: str = "ann", coins: int = 100) -> Principal:
        """A user who may do everything that users may."""
        user = self.platform.accounts.add_user(name, coins=coins)
        return Principal(user_id=user.id, role=Role.USER, key_id="", scopes=frozenset(), origins=())

    def submit(self, user: Principal, *, key: str | None = None, **start: Any) -> Task:
        """A task of the family that the tests have."""
        return self.tasks.submit(user, FAMILY, DemoStart(diary="-", **start), idempotency_key=key)

    def balance(self, user: Principal) -> int:
        """Coins of a user; the books must agree."""
        with self.database.read() as c:
            assert not reconcile(c)
            return ledger.balance(c, user.user_id)[0]
