"""An installation behind the API whose tasks are carried out by the test itself, step by step, without a worker.

with running(tmp_path, database_url) as it:
    task = it.post("talkingPhoto/start", {...})
    it.work()
    assert it.get(f"talkingPhoto/{task['_id']}")["current_status"] == "completed"
"""

from __future__ import annotations

import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from starlette.testclient import TestClient

from avatarium.accounts import ledger
from avatarium.api.app import create_app
from avatarium.clock import Clock, ManualClock
from avatarium.errors import AvatariumError
from avatarium.platform import Platform
from avatarium.settings import Settings
from avatarium.storage.sniff import sniff
from avatarium.tasks.family import Desk
from avatarium.tasks.job import Job, scratch_of
from avatarium.tasks.models import Task
from avatarium.tasks.service import Tasks
from avatarium.tasks.states import State

HOST = "http://testserver"
PATIENCE_S = 60.0
COINS = 1000


class HandWorker:
    """Keeps what is queued until the test wants it done."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[str, int]] = deque()
        self.progress: list[float] = []
        """What the steps reported, each from 0 to 1."""
        self.before_step: Callable[[Task, str], None] = lambda task, step: None
        """Called before each step, to cancel or break something."""

    def enqueue(self, c: Connection, task: Task) -> None:
        self.waiting.append((task.id, task.attempt))

    def withdraw(self, task: Task) -> None:
        """Nobody waits in line here."""

    def carry_out(self, platform: Platform, task_id: str, attempt: int) -> None:
        """One attempt of one task, as a worker does it: priced anew after every step, settled or refunded."""
        task = platform.tasks.begin(task_id, attempt)
        if task is None:
            return
        family, results = platform.families[task.family], dict[str, Any]()
        try:
            for step in family.steps:
                self.before_step(task, step.name)
                if not platform.tasks.is_wanted(task):
                    return
                results |= step.run(job_of(platform, task, results, self.progress.append))
                price = family.measured_price(family.start.model_validate(task.request), results, platform.prices)
                if price is not None and price.amount != task.price:
                    task = platform.tasks.reprice(task, price)
        except AvatariumError as problem:
            platform.tasks.finish(task, State.FAILED, failed_code=problem.code, failed_message=problem.message)
        else:
            platform.tasks.finish(task, State.COMPLETED, result=results)


def job_of(
    platform: Platform, task: Task, results: dict[str, Any], report: Callable[[float], None] = lambda share: None
) -> Job[Any]:
    """What a step of a task works with."""
    return Job(
        task=task,
        start=platform.families[task.family].start.model_validate(task.request),
        results=dict(results),
        settings=platform.settings,
        database=platform.database,
        storage=platform.storage,
        fetcher=platform.fetcher,
        catalogue=platform.catalogue,
        clock=platform.clock,
        report=report,
    )


@dataclass
class Running:
    """One installation with two users; calls are made by the first unless told."""

    platform: Platform
    worker: HandWorker
    client: TestClient
    user_id: str
    other_id: str
    other: Mapping[str, str]
    """Headers of the second user."""
    uploads: int = field(default=0)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """``data`` of a success; of an error its whole envelope with its ``status``."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        response = self.client.request(method, f"/api/v1/{path}", json=body, headers=sent)
        answer = response.json()
        assert {"code", "data", "trace_id"} <= set(answer)
        assert (response.status_code == 200) == (answer["code"] == 0)
        if response.status_code == 200:
            return answer["data"]
        assert answer["message"] == answer["msg"] != ""
        return answer | {"status": response.status_code}

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.call("POST", path, {} if body is None else body, **headers)

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.call("DELETE", path, **headers)

    def work(self) -> None:
        """Carry out all that waits."""
        while self.worker.waiting:
            self.worker.carry_out(self.platform, *self.worker.waiting.popleft())

    @contextmanager
    def working(self) -> Iterator[None]:
        """Carry out what comes in a thread, for calls that wait for their task."""
        over = threading.Event()

        def loop() -> None:
            while not over.wait(0.02):
                self.work()

        thread = threading.Thread(target=loop)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(timeout=PATIENCE_S)

    def upload(
        self, source: Path | bytes, name: str = "file", *, owner: str = "", duration_s: float | None = None
    ) -> str:
        """The address of a file that a user has put into the storage."""
        self.uploads += 1
        owner = owner or self.user_id
        content = source if isinstance(source, bytes) else source.read_bytes()
        found = sniff(content[:65536])
        key = f"uploads/{owner}/{self.uploads}/{name}"
        media_type = found.media_type if found else "application/octet-stream"
        self.platform.storage.put(
            key, content, owner=owner, media_type=media_type, expires_ms=None, duration_s=duration_s
        )
        return self.platform.storage.url(key, base_url=HOST, seconds=3600)

    def download(self, url: str) -> bytes:
        """A file behind an address that the API gave."""
        response = self.client.get(url.removeprefix(HOST), headers={"Authorization": ""})
        assert response.status_code == 200, response.text
        return response.content

    def save(self, url: str, path: Path) -> Path:
        """The same, on the disk."""
        path.write_bytes(self.download(url))
        return path

    def balance(self, owner: str = "") -> tuple[int, int]:
        """Coins and diamonds."""
        with self.platform.database.read() as c:
            return ledger.balance(c, owner or self.user_id)

    def forget_scratch(self, task_id: str) -> None:
        """As if the task went on on another machine."""
        shutil.rmtree(scratch_of(self.platform.settings.home, task_id), ignore_errors=True)


@contextmanager
def running(
    home: Path, database_url: str = "", *, clock: Clock | ManualClock | None = None, **settings: Any
) -> Iterator[Running]:
    """Open one; on a database that has every table, or on a new SQLite file."""
    platform = Platform.open(Settings(home=home, database_url=database_url, **settings), clock or Clock())
    if not database_url:
        _create_tables(platform)
    worker = HandWorker()
    platform.tasks = _tasks(platform, worker)
    people = [platform.accounts.add_user(name, coins=COINS) for name in ("Ada", "Ben")]
    headers = [{"Authorization": f"Bearer {platform.accounts.create_key(user.id)[1]}"} for user in people]
    try:
        with TestClient(create_app(platform), raise_server_exceptions=False, headers=headers[0]) as client:
            yield Running(
                platform=platform,
                worker=worker,
                client=client,
                user_id=people[0].id,
                other_id=people[1].id,
                other=headers[1],
            )
    finally:
        platform.close()


def _create_tables(platform: Platform) -> None:
    from avatarium.database import metadata
    from tests.databases import import_models

    import_models()
    metadata.create_all(platform.database.engine)


def _tasks(platform: Platform, worker: HandWorker) -> Tasks:
    def desk(owner: str, language: str) -> Desk:
        return Desk(
            owner=owner,
            prices=platform.prices,
            catalogue=platform.catalogue,
            storage=platform.storage,
            language=language,
            consent_required=platform.settings.twin_consent_required,
            voices_max=platform.settings.user_voices_max,
            dubbing_max_s=platform.settings.dubbing_max_s,
            dubbing_clones=platform.settings.dubbing_voice == "clone",
            translates=bool(platform.settings.translation_url),
        )

    return Tasks(
        database=platform.database,
        clock=platform.clock,
        settings=platform.settings,
        families=platform.families,
        dispatcher=worker,
        desk=desk,
    )
