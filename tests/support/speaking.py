"""An installation behind the API whose short tasks are carried out in a thread of the test, without a worker."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from starlette.testclient import TestClient

from avatarium.accounts import ledger
from avatarium.api.app import create_app
from avatarium.clock import Clock
from avatarium.errors import AvatariumError
from avatarium.platform import Platform
from avatarium.settings import Settings
from avatarium.tasks.family import Desk
from avatarium.tasks.job import Job
from avatarium.tasks.models import Task, tasks
from avatarium.tasks.service import Tasks
from avatarium.tasks.states import State

PATIENCE_S = 30.0


class InThread:
    """Carries a task out as soon as it is committed; ``hold`` keeps the next ones waiting."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._threads: list[threading.Thread] = []
        self.hold = threading.Event()
        self.hold.set()

    def enqueue(self, c: Connection, task: Task) -> None:
        thread = threading.Thread(target=self._carry_out, args=(task,), name=task.id)
        self._threads.append(thread)
        thread.start()

    def withdraw(self, task: Task) -> None:
        """Nobody waits in line here."""

    def close(self) -> None:
        self.hold.set()
        for thread in self._threads:
            thread.join(timeout=PATIENCE_S)

    def _carry_out(self, task: Task) -> None:
        self.hold.wait(PATIENCE_S)
        begun = self._begin(task)
        if begun is None:
            return
        service = self._platform.tasks
        try:
            result = self._results(begun)
        except AvatariumError as problem:
            service.finish(begun, State.FAILED, failed_code=problem.code, failed_message=problem.message)
        else:
            service.finish(begun, State.COMPLETED, result=result)

    def _begin(self, task: Task) -> Task | None:
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s:
            if begun := self._platform.tasks.begin(task.id, task.attempt):
                return begun
            if self._is_final(task):
                return None
            time.sleep(0.01)
        return None

    def _is_final(self, task: Task) -> bool:
        with self._platform.database.read() as c:
            state = c.execute(sa.select(tasks.c.state).where(tasks.c.id == task.id)).scalar()
        return state is not None and State(state).is_final

    def _results(self, task: Task) -> dict[str, Any]:
        family = self._platform.families[task.family]
        results: dict[str, Any] = {}
        for step in family.steps:
            results |= step.run(job_of(self._platform, task, results))
        return results


def job_of(platform: Platform, task: Task, results: dict[str, Any] | None = None) -> Job[Any]:
    """What a step of a task works with."""
    return Job(
        task=task,
        start=platform.families[task.family].start.model_validate(task.request),
        results=results or {},
        settings=platform.settings,
        storage=platform.storage,
        fetcher=platform.fetcher,
        database=platform.database,
        catalogue=platform.catalogue,
        clock=platform.clock,
        report=lambda fraction: None,
    )


@dataclass
class Speaking:
    """One installation with two users."""

    platform: Platform
    worker: InThread
    client: TestClient
    user_id: str
    other: Mapping[str, str] = field(default_factory=dict)
    """Headers of the other user."""

    def post(self, call: str, body: Mapping[str, Any] | None = None, **headers: str) -> Any:
        """What a POST answers: ``data``, or the whole envelope of an error with its ``status``."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return _read(self.client.post(f"/api/v1/{call}", json=dict(body or {}), headers=sent))

    def get(self, call: str, **query: Any) -> Any:
        return _read(self.client.get(f"/api/v1/{call}", params=query))

    def delete(self, call: str) -> Any:
        return _read(self.client.delete(f"/api/v1/{call}"))

    @property
    def coins(self) -> int:
        """The balance of the user."""
        with self.platform.database.read() as c:
            return ledger.balance(c, self.user_id)[0]


def _read(response: Any) -> Any:
    body = response.json()
    assert {"code", "data", "trace_id"} <= set(body)
    assert (response.status_code == 200) == (body["code"] == 0)
    if response.status_code == 200:
        return body["data"]
    assert body["message"] == body["msg"] != ""
    return body | {"status": response.status_code, "retry_after": response.headers.get("retry-after")}


@contextmanager
def speaking(home: Path, database_url: str, *, clock: Clock | None = None, **settings: Any) -> Iterator[Speaking]:
    """Open one on a database that has every table."""
    platform = Platform.open(Settings(home=home, database_url=database_url, **settings), clock or Clock())
    worker = InThread(platform)
    platform.tasks = Tasks(
        database=platform.database,
        clock=platform.clock,
        settings=platform.settings,
        families=platform.families,
        dispatcher=worker,
        desk=lambda owner, language: Desk(
            owner=owner,
            prices=platform.prices,
            catalogue=platform.catalogue,
            storage=platform.storage,
            language=language,
        ),
    )
    keys = []
    for name in ("Ada", "Ben"):
        user = platform.accounts.add_user(name, coins=100)
        keys.append((user.id, {"Authorization": f"Bearer {platform.accounts.create_key(user.id)[1]}"}))
    try:
        with TestClient(create_app(platform), raise_server_exceptions=False, headers=keys[0][1]) as client:
            yield Speaking(platform=platform, worker=worker, client=client, user_id=keys[0][0], other=keys[1][1])
    finally:
        worker.close()
        platform.close()
