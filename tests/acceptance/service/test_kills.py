"""The whole service under ``kill -9``: API, workers and supervisor, on both databases, while tasks are being started.

Whoever repeats a call that got no answer, with the same ``Idempotency-Key``, has one task and pays once.
"""

from __future__ import annotations

import json
import signal
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.service.conftest import Service, end, make_service, wait_until

pytestmark = pytest.mark.long
PRICE, COUNT, SECONDS = 10, 6, 0.8
NO_ANSWER = (urllib.error.URLError, ConnectionError, TimeoutError, json.JSONDecodeError)


@pytest.fixture
def service(bare_database_url: str, tmp_path: Path) -> Iterator[Service]:
    made = make_service(tmp_path / "home")
    ours = {"DATABASE_URL": bare_database_url, "WORKERS": "2", "MEDIA_SLOTS": "1", "WARM_UP": "false"}
    ours["PLUGINS"] = '["tests.support.families"]'
    made.environment |= {f"AVATARIUM_{name}": value for name, value in ours.items()}
    yield made
    end(made)


def call(service: Service, key: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
    request = urllib.request.Request(
        service.address + path, None if body is None else json.dumps(body).encode(), {"Authorization": f"Bearer {key}"}
    )
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())["data"]


def start_once(service: Service, key: str, diary: Path, number: int) -> str:
    body = {"diary": str(diary), "seconds": SECONDS, "coins": PRICE}
    task_id: str = call(service, key, "/api/v1/demo/start", body, Idempotency_Key=f"start-{number}")["_id"]
    return task_id


def start_until_answered(service: Service, key: str, diary: Path, number: int) -> str:
    """What a careful client does: repeats the call until it is answered."""
    found: list[str] = []

    def answered() -> bool:
        try:
            found.append(start_once(service, key, diary, number))
        except NO_ANSWER:
            return False
        return True

    wait_until(answered, f"an answer to start {number}")
    return found[0]


def all_done(service: Service, key: str, ids: list[str]) -> bool:
    try:
        records = call(service, key, "/api/v1/demo/batchDetail", {"ids": ids})
    except NO_ANSWER:
        return False
    assert len(records) == len(ids)
    words = Counter(record["current_status"] for record in records)
    assert not words["failed"], records
    return words["completed"] == len(ids)


def kill_all(service: Service, kind: str) -> None:
    for process in service.children()[kind]:
        process.kill()


def test_kill_api_workers_and_supervisor_amid_tasks(service: Service, tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    service.start().until_ready()
    key = service.key
    before = call(service, key, "/api/v1/user/remainingCoins")["coins"]
    with ThreadPoolExecutor(COUNT) as pool:
        coming = [pool.submit(start_until_answered, service, key, diary, number) for number in range(COUNT)]
        wait_until(lambda: diary.exists() and "begins" in diary.read_text(), "a task that has begun")
        kill_all(service, "api")
        kill_all(service, "worker")
        ids = [one.result() for one in coming]
    assert len(set(ids)) == COUNT
    assert service.process is not None
    service.process.send_signal(signal.SIGKILL)
    service.process.wait(timeout=30)
    service.start().until_ready()
    with ThreadPoolExecutor(COUNT) as pool:
        again = list(pool.map(lambda number: start_until_answered(service, key, diary, number), range(COUNT)))
    assert again == ids, "a repeated call made another task"
    wait_until(lambda: all_done(service, key, ids), "the end of all tasks")
    assert before - call(service, key, "/api/v1/user/remainingCoins")["coins"] == COUNT * PRICE
    taken = [
        row["amount"] for row in call(service, key, "/api/v1/transactionRecord/creditsHistory?pageSize=100")["rows"]
    ]
    assert Counter(taken)[-PRICE] == COUNT
    books = service.command("reconcile")
    assert books.returncode == 0, books.stdout + books.stderr
