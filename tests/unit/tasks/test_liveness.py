"""Locks that die with their holder, on both databases."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from avatarium.database import Database
from avatarium.tasks.liveness import Locks, open_locks, take_over

HOLD = """
import sys, time
from pathlib import Path
from avatarium.database import Database
from avatarium.tasks.liveness import open_locks
locks = open_locks(Database.open(sys.argv[1]), Path(sys.argv[2]))
print(locks.take("other"), flush=True)
time.sleep(60)
"""


@pytest.fixture
def locks(database: Database, tmp_path: Path) -> Iterator[Locks]:
    made = open_locks(database, tmp_path / "executors")
    yield made
    made.close()


def test_a_living_worker_keeps_its_lock_and_a_dead_one_loses_it(
    locks: Locks, database: Database, database_url: str, tmp_path: Path
) -> None:
    held = [sys.executable, "-c", HOLD, database_url, str(tmp_path / "executors")]
    other = subprocess.Popen(held, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3])
    assert other.stdout is not None
    recovered: list[str] = []
    try:
        assert other.stdout.readline().strip() == "True"
        assert take_over(locks, ["other"], recovered.append) == []
    finally:
        other.kill()
        other.wait(timeout=30)
        other.stdout.close()
    assert take_over(locks, ["other"], recovered.append) == recovered == ["other"]
    assert locks.take("other"), "the lock was given back after the take-over"


def test_a_lock_is_ours_until_it_is_given_back(locks: Locks) -> None:
    assert not locks.still_held("mine")
    assert locks.take("mine") and locks.still_held("mine")
    locks.give_back("mine")
    assert not locks.still_held("mine")


def test_a_failed_take_over_gives_the_lock_back(locks: Locks) -> None:
    def fail(executor: str) -> None:
        raise RuntimeError(executor)

    with pytest.raises(RuntimeError):
        take_over(locks, ["dead"], fail)
    assert locks.take("dead")
