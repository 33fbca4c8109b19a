"""Whatever is killed, on both databases: nothing lost, nothing done twice, paid once. Real workers and ``kill -9``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from avatarium.accounts.models import Principal
from avatarium.accounts.reconcile import reconcile
from avatarium.tasks.models import Task
from avatarium.tasks.states import State
from tests.support.families import FAMILY, DemoStart, Mood
from tests.support.installation import Installation, eventually, installation, kill

pytestmark = pytest.mark.long
STEPS = ("first", "second", "third")
PRICE = 10
FAILURES = {
    Mood.FAIL: "nobody",
    Mood.BUG: "engine_bug",
    Mood.CRASH: "engine_crashed",
    Mood.EAT: "memory_limit",
}
"""What a step may do, and what its task then says."""


@pytest.fixture
def place(bare_database_url: str, tmp_path: Path) -> Iterator[Installation]:
    with installation(tmp_path / "home", bare_database_url, slot_memory_mb=512) as made:
        yield made


@pytest.fixture
def somebody(place: Installation) -> Principal:
    return place.add_user(coins=1000)


def submit(place: Installation, user: Principal, diary: Path, seconds: float = 0.2, mood: Mood = Mood.WORK) -> Task:
    start = DemoStart(diary=str(diary), seconds=seconds, mood=mood, coins=PRICE)
    return place.platform.tasks.submit(user, FAMILY, start)


def lines(diary: Path) -> list[str]:
    return diary.read_text().splitlines() if diary.exists() else []


def await_line(diary: Path, line: str) -> None:
    eventually(lambda: any(found.startswith(line) for found in lines(diary)), f"{line!r} in the diary")


def await_end(place: Installation, task: Task) -> Task:
    eventually(lambda: place.task(task.id).state.is_final, f"the end of {task.id}")
    return place.task(task.id)


def books_agree(place: Installation) -> bool:
    with place.platform.database.read() as c:
        return not reconcile(c)


@pytest.mark.parametrize("step", STEPS)
def test_kill_a_worker_in_any_step(place: Installation, somebody: Principal, tmp_path: Path, step: str) -> None:
    """The other worker goes on behind the last finished step."""
    diary = tmp_path / "diary"
    first = place.start_worker()
    task = submit(place, somebody, diary, seconds=2)
    await_line(diary, f"{step} begins")
    place.start_worker()
    kill(first)
    ended = await_end(place, task)
    assert ended.state is State.COMPLETED
    begun = Counter(line.split()[0] for line in lines(diary) if "begins" in line)
    assert begun == {name: 2 if name == step else 1 for name in STEPS}
    assert Counter(line.split()[0] for line in lines(diary) if "ends" in line) == dict.fromkeys(STEPS, 1)
    assert (place.balance(somebody), ended.charged) == (1000 - PRICE, PRICE)
    assert books_agree(place)


def test_kill_everything_and_start_again(place: Installation, somebody: Principal, tmp_path: Path) -> None:
    """Two running, two waiting, everything dies; all four are done once when a worker comes."""
    diary = tmp_path / "diary"
    workers = [place.start_worker() for _ in range(2)]
    made = [submit(place, somebody, diary, seconds=1.0) for _ in range(4)]
    eventually(lambda: sum(line.startswith("second begins") for line in lines(diary)) >= 2, "two in their second step")
    for worker in workers:
        kill(worker)
    assert sum(place.task(task.id).state is State.PROCESSING for task in made) >= 2
    place.start_worker()
    for task in made:
        assert await_end(place, task).state is State.COMPLETED
    begun = Counter(line for line in lines(diary) if "begins" in line)
    for task in made:  # only the step that was cut off is done again
        assert sum(begun[f"{step} begins {task.id}"] for step in STEPS) <= len(STEPS) + 1
    assert place.balance(somebody) == 1000 - 4 * PRICE
    assert books_agree(place)


def test_a_dead_worker_leaves_no_process_behind(place: Installation, somebody: Principal, tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    worker = place.start_worker()
    submit(place, somebody, diary, seconds=30)
    await_line(diary, "first begins")
    children = psutil.Process(worker.pid).children(recursive=True)
    assert children
    kill(worker)
    gone, alive = psutil.wait_procs(children, timeout=60)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def test_a_worker_that_is_asked_to_stop_hands_its_work_back(
    place: Installation, somebody: Principal, tmp_path: Path
) -> None:
    diary = tmp_path / "diary"
    worker = place.start_worker()
    task = submit(place, somebody, diary, seconds=2)
    await_line(diary, "second begins")
    worker.terminate()
    assert worker.wait(timeout=60) == 0
    assert place.task(task.id).state is State.PROCESSING
    place.start_worker()
    assert await_end(place, task).state is State.COMPLETED
    assert sum(line.startswith("first begins") for line in lines(diary)) == 1
    assert place.balance(somebody) == 1000 - PRICE


def test_cancel_kills_the_work_and_refunds(place: Installation, somebody: Principal, tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    place.start_worker()
    running = submit(place, somebody, diary, seconds=60)
    await_line(diary, "first begins")
    place.platform.tasks.cancel(somebody.user_id, FAMILY, running.id)
    assert place.balance(somebody) == 1000
    after = submit(place, somebody, diary, seconds=0.1)
    assert await_end(place, after).state is State.COMPLETED, "the slot is free again"
    assert sum(line.startswith("first ends") for line in lines(diary)) == 1
    assert place.task(running.id).state is State.CANCELLED
    assert books_agree(place)


def test_what_fails_is_refunded_and_says_why_and_the_worker_goes_on(
    place: Installation, somebody: Principal, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """One worker meets them all, one after the other: starting one for each would take minutes."""
    place.start_worker()
    for mood, code in FAILURES.items():
        ended = await_end(place, submit(place, somebody, tmp_path / "diary", mood=mood))
        assert (ended.state, ended.failed_code) == (State.FAILED, code)
        assert ended.failed_message.endswith(".")
        assert (place.balance(somebody), ended.charged) == (1000, 0)
    again = await_end(place, submit(place, somebody, tmp_path / "diary", mood=Mood.AWAY_ONCE))
    assert again.state is State.COMPLETED, "a storage that was away for a moment is tried again"
    assert place.balance(somebody) == 1000 - PRICE
    assert books_agree(place)
    logged = [line for line in capfd.readouterr().err.splitlines() if "step_bug" in line]
    assert len(logged) == 1 and "ZeroDivisionError" in json.loads(logged[0])["exception"], (
        "one line, no values of variables"
    )
