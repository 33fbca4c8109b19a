"""The roll of workers: who was seen lately. For readiness only; who takes over from whom is for :mod:`.liveness`."""

from __future__ import annotations

import socket

import sqlalchemy as sa

from avatarium.clock import HOUR_MS, SECOND_MS, Clock
from avatarium.database import Database, insert_for
from avatarium.tasks.models import workers

GONE_S = 10
"""A worker that was not seen for this long counts no more."""


def note_seen(database: Database, clock: Clock, executor: str) -> None:
    """Write down that a worker lives."""
    now_ms = clock.now_ms()
    with database.write() as c:
        row = insert_for(c, workers).values(
            executor=executor, host=socket.gethostname(), started_ms=now_ms, seen_ms=now_ms
        )
        c.execute(row.on_conflict_do_update(index_elements=["executor"], set_={"seen_ms": now_ms}))
        c.execute(sa.delete(workers).where(workers.c.seen_ms < now_ms - HOUR_MS))


def strike(database: Database, executor: str) -> None:
    """Take a worker that leaves off the roll."""
    with database.write() as c:
        c.execute(sa.delete(workers).where(workers.c.executor == executor))


def count_alive(database: Database, clock: Clock) -> int:
    """Workers that were seen lately."""
    since_ms = clock.now_ms() - GONE_S * SECOND_MS
    with database.read() as c:
        query = sa.select(sa.func.count()).select_from(workers).where(workers.c.seen_ms >= since_ms)
        return c.execute(query).scalar_one()
