"""Notices of a task's end: written in the same transaction as the end itself, delivered by :mod:`.courier`."""

from __future__ import annotations

import re
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from avatarium.clock import SECOND_MS
from avatarium.database import changed
from avatarium.errors import ConflictError, NotFoundError
from avatarium.ids import new_id
from avatarium.tasks.models import Delivery, Task, deliveries, delivery_of
from avatarium.tasks.states import State

COMPLETED, FAILED = "task.completed", "task.failed"
BACK_OFF_S = (1, 5, 30, 120, 600, 1800, 7200)
"""Pauses between attempts; the last one again and again."""
_HOST = re.compile(r"(?:[^/?#\\]*://)?[^/?#\\]*")


def announce(c: Connection, task: Task, state: State, *, now_ms: int) -> None:
    """Note down that somebody wants to know of this end."""
    if task.webhook_url:
        event = COMPLETED if state is State.COMPLETED else FAILED
        c.execute(
            sa.insert(deliveries).values(
                id=new_id(),
                user_id=task.user_id,
                task_id=task.id,
                event=event,
                url=task.webhook_url,
                token=task.webhook_token,
                attempts=0,
                next_ms=now_ms,
                error="",
                created_ms=now_ms,
            )
        )


def page(c: Connection, *, owner: str, offset: int, limit: int) -> tuple[list[Delivery], int]:
    """The notices of a user, newest first, and how many there are in all."""
    mine = deliveries.c.user_id == owner
    total = c.execute(sa.select(sa.func.count()).select_from(deliveries).where(mine)).scalar_one()
    order = (deliveries.c.created_ms.desc(), deliveries.c.id.desc())
    rows = c.execute(sa.select(deliveries).where(mine).order_by(*order).offset(offset).limit(limit))
    return [delivery_of(row) for row in rows], total


def replay(c: Connection, delivery_id: str, *, owner: str, now_ms: int) -> Delivery:
    """Deliver a notice again, from the first attempt.

    Raises:
        NotFoundError: there is none.
        ConflictError: it is about to be delivered anyway.
    """
    mine = sa.and_(deliveries.c.id == delivery_id, deliveries.c.user_id == owner)
    row = c.execute(sa.select(deliveries).where(mine)).one_or_none()
    if row is None:
        raise NotFoundError("There is no such delivery. Check the _id.", code="delivery_not_found")
    if row.next_ms is not None:
        raise ConflictError("It is waiting for its next attempt already.", code="delivery_waiting")
    fresh = {"next_ms": now_ms, "attempts": 0, "delivered_ms": None, "error": ""}
    c.execute(sa.update(deliveries).where(mine).values(**fresh))
    return delivery_of(c.execute(sa.select(deliveries).where(mine)).one())


def due(
    c: Connection,
    *,
    now_ms: int,
    limit: int,
    but_hosts: Sequence[str] = (),
    but_users: Sequence[str] = (),
) -> list[Delivery]:
    """Notices whose next attempt is due, those that have waited longest first. What seems to be put off
    further than anything is was written while the clock was wrong, and is due.

    Args:
        now_ms: the time.
        limit: how many at most.
        but_hosts: receivers, as :func:`host_of` tells them, that have enough to do.
        but_users: users whose notices have to wait.
    """
    horizon_ms = now_ms + 2 * BACK_OFF_S[-1] * SECOND_MS
    query = sa.select(deliveries).where(sa.or_(deliveries.c.next_ms <= now_ms, deliveries.c.next_ms > horizon_ms))
    for host in but_hosts:
        query = query.where(sa.not_(_goes_to(host)))
    if but_users:
        query = query.where(deliveries.c.user_id.not_in(but_users))
    return [delivery_of(row) for row in c.execute(query.order_by(deliveries.c.next_ms).limit(limit))]


def host_of(url: str) -> str:
    """What an address has before its path: scheme, host and port, as they are written."""
    found = _HOST.match(url)
    return found[0] if found else ""


def _goes_to(host: str) -> sa.ColumnElement[bool]:
    url, behind = deliveries.c.url, len(host) + 1
    return sa.and_(
        sa.func.substr(url, 1, len(host)) == host, sa.func.substr(url, behind, 1).in_(["", "/", "?", "#", "\\"])
    )


def claim(c: Connection, delivery: Delivery, *, until_ms: int) -> bool:
    """Take a notice, so that no other worker delivers it too; False where one was faster.

    Should this worker die, it is due again at ``until_ms``: a notice may come twice, never not at all.
    """
    same = sa.and_(deliveries.c.id == delivery.id, deliveries.c.next_ms == delivery.next_ms)
    values = {"next_ms": until_ms, "attempts": delivery.attempts + 1}
    return changed(c, sa.update(deliveries).where(same).values(**values)) == 1


def note_outcome(
    c: Connection,
    delivery: Delivery,
    *,
    claimed_ms: int,
    status: int | None,
    error: str,
    next_ms: int | None,
    delivered_ms: int | None,
) -> None:
    """Write down how an attempt went, unless it took longer than it was claimed for and another has begun.

    Args:
        claimed_ms: until when it was claimed.
    """
    ours = sa.and_(deliveries.c.id == delivery.id, deliveries.c.next_ms == claimed_ms)
    outcome = {"status": status, "error": error, "next_ms": next_ms, "delivered_ms": delivered_ms}
    c.execute(sa.update(deliveries).where(ours).values(**outcome))
