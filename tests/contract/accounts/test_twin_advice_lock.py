"""How many looks of a user run at once is counted by one call at a time, by whatever database."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection

from avatarium.database import Database
from avatarium.errors import BusyError
from avatarium.families.twin_advice import FAMILY, OPEN_MAX, AdviceStart
from avatarium.tasks.models import Task
from tests.support.office import Office

PATIENCE_S = 2.0


def test_looks_that_are_asked_for_at_once_are_no_more_than_may_be(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each transaction ends only after all have counted, unless one waits for the other."""
    office = Office(database, tmp_path)
    ann, ben = office.user(), office.user("ben")
    counted = threading.Barrier(OPEN_MAX + 1)
    enqueue = office.paper.enqueue

    def slow(c: Connection, task: Task) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            counted.wait(PATIENCE_S)
        enqueue(c, task)

    monkeypatch.setattr(office.paper, "enqueue", slow)
    made: list[Task] = []
    refused: list[BusyError] = []

    def look() -> None:
        try:
            start = AdviceStart.model_validate({"video_url": "https://files.example/me.mp4"})
            made.append(office.tasks.submit(ann, FAMILY, start))
        except BusyError as problem:
            refused.append(problem)

    threads = [threading.Thread(target=look) for _ in range(OPEN_MAX + 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == OPEN_MAX and [problem.code for problem in refused] == ["too_many_looks"]
    assert office.tasks.submit(ben, FAMILY, AdviceStart.model_validate({"video_url": "https://files.example/me.mp4"}))
