"""The SQL of live rooms. What users ask for is always filtered by its owner."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from avatarium.database import changed, insert_for
from avatarium.streaming.models import (
    OPEN,
    Room,
    RoomState,
    StageRecord,
    Ticket,
    room_of,
    rooms,
    stage_of,
    stages,
    ticket_of,
    waiting,
)

_NEWEST_FIRST = (rooms.c.created_ms.desc(), rooms.c.id.desc())
_IS_OPEN = rooms.c.state.in_([state.value for state in OPEN])

# Rooms


def add(c: Connection, room: Room) -> bool:
    """Write a room; False where its channel is taken."""
    row = insert_for(c, rooms).values(asdict(room) | {"state": room.state.value})
    return changed(c, row.on_conflict_do_nothing(index_elements=["channel"])) == 1


def find(c: Connection, channel: str, *, owner: str | None, lock: bool = False) -> Room | None:
    """The room of a channel. ``owner`` None is for viewers, who show a token, and for operators."""
    query = sa.select(rooms).where(rooms.c.channel == channel)
    return _one(c, query if owner is None else query.where(rooms.c.owner == owner), lock)


def find_by_key(c: Connection, key: str, *, owner: str) -> Room | None:
    """The room that an idempotency key stands for."""
    return _one(c, sa.select(rooms).where(rooms.c.owner == owner, rooms.c.idempotency_key == key), lock=False)


def get(c: Connection, room_id: str, *, lock: bool = False) -> Room | None:
    """A room, for stages and operators. ``lock`` lets nobody else change it before this transaction ends."""
    return _one(c, sa.select(rooms).where(rooms.c.id == room_id), lock)


def change(c: Connection, room: Room, **values: Any) -> bool:
    """Change a room that has not ended; False where it has."""
    return changed(c, sa.update(rooms).where(rooms.c.id == room.id, _IS_OPEN).values(**values)) == 1


def note_recording(c: Connection, room_id: str, key: str) -> None:
    """Where the recording of a room lies, which may come after its end."""
    c.execute(sa.update(rooms).where(rooms.c.id == room_id).values(recording_key=key))


def page(c: Connection, *, owner: str, offset: int, limit: int) -> tuple[list[Room], int]:
    """Rooms of a user, newest first, and how many there are in all."""
    mine = rooms.c.owner == owner
    total = c.execute(sa.select(sa.func.count()).select_from(rooms).where(mine)).scalar_one()
    query = sa.select(rooms).where(mine).order_by(*_NEWEST_FIRST).offset(offset).limit(limit)
    return [room_of(row) for row in c.execute(query)], total


def open_rooms(c: Connection, *, owner: str | None = None) -> list[Room]:
    """Those that have not ended, of one user or of all, oldest first."""
    query = sa.select(rooms).where(_IS_OPEN).order_by(rooms.c.created_ms, rooms.c.id)
    return [room_of(row) for row in c.execute(query if owner is None else query.where(rooms.c.owner == owner))]


def count_open(c: Connection, *, owner: str) -> int:
    """How many rooms of a user have not ended."""
    query = sa.select(sa.func.count()).select_from(rooms).where(_IS_OPEN, rooms.c.owner == owner)
    return c.execute(query).scalar_one()


def count_by_state(c: Connection) -> dict[str, int]:
    """Open rooms by state, for the metrics; a state without rooms is there with 0."""
    query = sa.select(rooms.c.state, sa.func.count()).where(_IS_OPEN).group_by(rooms.c.state)
    counts: dict[str, int] = {state.value: 0 for state in OPEN}
    for state, count in c.execute(query):
        counts[state] = count
    return counts


def last_ended(c: Connection, limit: int) -> list[Room]:
    """Those that ended last."""
    query = sa.select(rooms).where(rooms.c.ended_ms.is_not(None)).order_by(rooms.c.ended_ms.desc()).limit(limit)
    return [room_of(row) for row in c.execute(query)]


def note_seen(c: Connection, stage_id: str, room_ids: Collection[str], *, now_ms: int) -> frozenset[str]:
    """Write down that a stage renders these rooms; answers those of them that are over or at another stage."""
    if not room_ids:
        return frozenset()
    # After whoever strikes the stage off, who locks its row first and its rooms then.
    c.execute(sa.select(stages.c.id).where(stages.c.id == stage_id).with_for_update())
    here = sa.and_(rooms.c.id.in_(room_ids), rooms.c.stage_id == stage_id, _IS_OPEN)
    c.execute(sa.update(rooms).where(here).values(seen_ms=now_ms))
    known = {row.id for row in c.execute(sa.select(rooms.c.id).where(here))}
    return frozenset(room_ids) - known


def open_of_stage(c: Connection, stage_id: str, *, lock: bool = False) -> list[Room]:
    """Open rooms of a stage, by owner: two who move the money of many must lock them in the same order."""
    query = sa.select(rooms).where(_IS_OPEN, rooms.c.stage_id == stage_id).order_by(rooms.c.owner, rooms.c.id)
    return [room_of(row) for row in c.execute(query.with_for_update() if lock else query)]


def orphans(c: Connection) -> list[Room]:
    """Open rooms whose stage is no longer on the roll."""
    gone = rooms.c.stage_id.not_in(sa.select(stages.c.id))
    return [room_of(row) for row in c.execute(sa.select(rooms).where(_IS_OPEN, gone))]


def forget_rooms(c: Connection, *, before_ms: int) -> None:
    """Remove the rooms that ended before."""
    c.execute(sa.delete(rooms).where(rooms.c.state == RoomState.ENDED.value, rooms.c.ended_ms < before_ms))


# Stages


def register_stage(c: Connection, stage: StageRecord) -> None:
    """Write a stage down, or anew."""
    values = asdict(stage)
    row = insert_for(c, stages).values(values)
    c.execute(row.on_conflict_do_update(index_elements=["id"], set_=values))


def change_stage(c: Connection, stage_id: str, **values: Any) -> bool:
    """Change a stage; False where it was struck off."""
    return changed(c, sa.update(stages).where(stages.c.id == stage_id).values(**values)) == 1


def strike_stage(c: Connection, stage_id: str) -> None:
    """Take a stage off the roll."""
    c.execute(sa.delete(stages).where(stages.c.id == stage_id))


def all_stages(c: Connection, *, lock: bool = False) -> list[StageRecord]:
    """Every stage on the roll. ``lock`` lets one transaction at a time give places away."""
    query = sa.select(stages).order_by(stages.c.id)
    return [stage_of(row) for row in c.execute(query.with_for_update() if lock else query)]


def places_taken(c: Connection) -> dict[str, float]:
    """How many places of each stage are taken by open rooms."""
    query = sa.select(rooms.c.stage_id, sa.func.sum(rooms.c.places)).where(_IS_OPEN).group_by(rooms.c.stage_id)
    return {stage_id: float(places) for stage_id, places in c.execute(query)}


# Those who wait


def add_ticket(c: Connection, ticket: Ticket) -> None:
    """Write down that somebody waits."""
    c.execute(sa.insert(waiting).values(asdict(ticket)))


def note_ticket(c: Connection, ticket: Ticket, *, kept: bool, now_ms: int) -> None:
    """Somebody who waits asks again."""
    c.execute(sa.update(waiting).where(waiting.c.ticket == ticket.ticket).values(seen_ms=now_ms, kept=kept))


def drop_ticket(c: Connection, ticket: str, *, owner: str) -> None:
    """Whoever had it has a room."""
    c.execute(sa.delete(waiting).where(waiting.c.ticket == ticket, waiting.c.owner == owner))


def tickets(c: Connection, *, since_ms: int) -> Sequence[Ticket]:
    """Those whose holders have asked since, in the order in which they came; the others are removed."""
    c.execute(sa.delete(waiting).where(waiting.c.seen_ms < since_ms))
    query = sa.select(waiting).order_by(waiting.c.created_ms, waiting.c.ticket)
    return [ticket_of(row) for row in c.execute(query)]


def _one(c: Connection, query: sa.Select[Any], lock: bool) -> Room | None:
    row = c.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else room_of(row)
