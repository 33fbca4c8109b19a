"""How rooms end in the books: their state and their money together, in the caller's transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from avatarium.accounts import ledger
from avatarium.streaming import repository
from avatarium.streaming.models import EndReason, Room, RoomState
from avatarium.streaming.reports import cost_of, used_ms

_FAILED = (EndReason.STAGE_LOST, EndReason.STAGE_STOPPED, EndReason.AVATAR_FAILED)


def end(c: Connection, room: Room, reason: EndReason, *, until_ms: int, now_ms: int) -> Room:
    """End a room that is open and locked by this transaction.

    Args:
        c: a write transaction.
        room: as it is now.
        reason: why.
        until_ms: up to when its time counts.
        now_ms: the present.
    """
    used = used_ms(room, until_ms)
    charged = cost_of(room, used)
    values: dict[str, Any] = {"ended_ms": now_ms, "used_ms": used, "charged": charged}
    if room.joined_ms is None and reason in _FAILED:
        values["idempotency_key"] = None  # it cost nothing and nobody saw it: who tries again gets another
    ended = replace(room, state=RoomState.ENDED, end_reason=reason.value, **values)
    repository.change(c, room, **values, state=ended.state.value, end_reason=ended.end_reason)
    if charged:
        ledger.settle(c, room.owner, charged, subject=room.subject, now_ms=now_ms)
    else:
        ledger.refund(c, room.owner, subject=room.subject, now_ms=now_ms)
    return ended


def strike(c: Connection, stage_id: str, reason: EndReason, *, now_ms: int) -> list[Room]:
    """Take a stage off the roll and end what it rendered, up to when it last said so; answers these rooms.

    In one transaction: a stage that turns out to live finds its rooms ended when it finds itself struck off.
    """
    repository.strike_stage(c, stage_id)
    found = repository.open_of_stage(c, stage_id, lock=True)
    return [end(c, room, reason, until_ms=min(room.seen_ms, now_ms), now_ms=now_ms) for room in found]
