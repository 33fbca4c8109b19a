"""The SQL of tasks. What users ask for is always filtered by its owner."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from avatarium.database import changed, insert_for
from avatarium.tasks.models import Task, task_of, tasks
from avatarium.tasks.states import FINAL, OPEN, State

_NEWEST_FIRST = (tasks.c.created_ms.desc(), tasks.c.id.desc())


def add(c: Connection, task: Task) -> bool:
    """Write a task; False where the owner has used its idempotency key before."""
    values = asdict(task) | {"state": task.state.value}
    row = insert_for(c, tasks).values(values)
    return changed(c, row.on_conflict_do_nothing(index_elements=["user_id", "idempotency_key"])) == 1


def find(c: Connection, task_id: str, *, owner: str | None, family: str | None = None) -> Task | None:
    """A task that is not deleted. ``owner`` None is for workers only."""
    query = _found(owned=owner is not None, of_family=family is not None)
    row = c.execute(query, {"task": task_id, "owner": owner, "family": family}).one_or_none()
    return None if row is None else task_of(row)


@functools.cache
def _found(*, owned: bool, of_family: bool) -> sa.Select[Any]:
    """Made once: making a statement costs more than running it."""
    query = sa.select(tasks).where(tasks.c.id == sa.bindparam("task"))
    if owned:
        query = query.where(tasks.c.user_id == sa.bindparam("owner"), tasks.c.deleted_ms.is_(None))
    if of_family:
        query = query.where(tasks.c.family == sa.bindparam("family"))
    return query


def find_by_key(c: Connection, key: str, *, owner: str) -> Task | None:
    """The task that an idempotency key stands for."""
    row = c.execute(sa.select(tasks).where(tasks.c.user_id == owner, tasks.c.idempotency_key == key)).one_or_none()
    return None if row is None else task_of(row)


def find_many(c: Connection, ids: Sequence[str], *, owner: str, family: str) -> list[Task]:
    """Those of these tasks that are there, newest first."""
    visible = (tasks.c.user_id == owner, tasks.c.family == family, tasks.c.deleted_ms.is_(None))
    query = sa.select(tasks).where(*visible, tasks.c.id.in_(ids)).order_by(*_NEWEST_FIRST)
    return [task_of(row) for row in c.execute(query)]


def page(
    c: Connection,
    *,
    owner: str,
    family: str,
    now_ms: int,
    states: Sequence[State] = (),
    since_ms: int = 0,
    offset: int = 0,
    limit: int = 100,
) -> tuple[list[Task], int]:
    """Tasks that have not expired, newest first, and how many there are in all."""
    rows_of, count_of = _paged(in_states=bool(states))
    values = {"owner": owner, "family": family, "now_ms": now_ms, "since_ms": since_ms}
    values |= {"states": [state.value for state in states]} if states else {}
    rows = c.execute(rows_of, values | {"offset": offset, "limit": limit}).all()
    is_last = len(rows) < limit and (rows or not offset)
    total = offset + len(rows) if is_last else c.execute(count_of, values).scalar_one()
    return [task_of(row) for row in rows], total


@functools.cache
def _paged(*, in_states: bool) -> tuple[sa.Select[Any], sa.Select[Any]]:
    expires_ms = tasks.c.expires_ms
    where: list[sa.ColumnElement[bool]] = [
        tasks.c.user_id == sa.bindparam("owner"),
        tasks.c.family == sa.bindparam("family"),
        tasks.c.deleted_ms.is_(None),
        sa.or_(expires_ms.is_(None), expires_ms > sa.bindparam("now_ms")),
        tasks.c.created_ms >= sa.bindparam("since_ms"),
    ]
    if in_states:
        where.append(tasks.c.state.in_(sa.bindparam("states", expanding=True)))
    rows = sa.select(tasks).where(*where).order_by(*_NEWEST_FIRST)
    rows = rows.offset(sa.bindparam("offset")).limit(sa.bindparam("limit"))
    return rows, sa.select(sa.func.count()).select_from(tasks).where(*where)


def advance(c: Connection, task: Task, **values: Any) -> bool:
    """Change an attempt that is not final; False where it is, or another attempt runs."""
    statement = sa.update(tasks).where(
        tasks.c.id == task.id, tasks.c.attempt == task.attempt, tasks.c.state.in_([state.value for state in OPEN])
    )
    return changed(c, statement.values(**values)) == 1


def reopen(c: Connection, task: Task, **values: Any) -> bool:
    """Begin a new attempt of a task that failed; False where somebody else just did."""
    statement = sa.update(tasks).where(
        tasks.c.id == task.id,
        tasks.c.attempt == task.attempt,
        tasks.c.state.in_([State.FAILED.value, State.CANCELLED.value]),
        tasks.c.deleted_ms.is_(None),
    )
    return changed(c, statement.values(attempt=task.attempt + 1, **values)) == 1


def mark_deleted(c: Connection, task: Task, *, now_ms: int) -> bool:
    """Hide a task whose attempt has ended; the sweep removes its files. False where another attempt runs by now."""
    statement = sa.update(tasks).where(
        tasks.c.id == task.id,
        tasks.c.attempt == task.attempt,
        tasks.c.state.in_([state.value for state in FINAL]),
    )
    return changed(c, statement.values(deleted_ms=now_ms, expires_ms=now_ms)) == 1


def count_open(c: Connection, *, owner: str | None = None) -> int:
    """Tasks that wait or run, of one user or of all."""
    query = sa.select(sa.func.count()).select_from(tasks).where(_is_open())
    if owner is not None:
        query = query.where(tasks.c.user_id == owner)
    return c.execute(query).scalar_one()


def ahead(c: Connection, task: Task) -> tuple[int, float]:
    """How many tasks wait in front of this one, and how many seconds of work stand before it."""
    sooner = sa.or_(
        tasks.c.state == State.PROCESSING.value,
        tasks.c.priority < task.priority,
        sa.and_(tasks.c.priority == task.priority, tasks.c.created_ms < task.created_ms),
    )
    waiting = sa.func.sum(sa.case((tasks.c.state == State.INITIALIZED.value, 1), else_=0))
    left = tasks.c.expected_s * (100 - tasks.c.progress) / 100
    query = sa.select(waiting, sa.func.sum(left)).where(_is_open(), tasks.c.queue == task.queue, sooner)
    count, seconds = c.execute(query.where(tasks.c.id != task.id)).one()
    return int(count or 0), float(seconds or 0)


def count_by_state(c: Connection) -> dict[tuple[str, str], int]:
    """Tasks by family and state, for the metrics."""
    query = sa.select(tasks.c.family, tasks.c.state, sa.func.count()).group_by(tasks.c.family, tasks.c.state)
    return {(family, state): count for family, state, count in c.execute(query)}


def _is_open() -> sa.ColumnElement[bool]:
    return tasks.c.state.in_([state.value for state in OPEN])
