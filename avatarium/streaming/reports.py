"""What a room costs and why, in numbers and in words."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from avatarium.clock import SECOND_MS
from avatarium.prices import Prices
from avatarium.streaming.models import EndReason, Room, RoomState

UNIT_S = 5
"""What one unit of the price buys."""
ITEM = "live"
_ENDS = {
    EndReason.LEFT: "You left the room",
    EndReason.EXPIRED: "The booked time was over",
    EndReason.VIEWER_LOST: "The viewer went and did not come back",
    EndReason.NEVER_JOINED: "Nobody joined the room",
    EndReason.STAGE_LOST: "The process that rendered the room failed",
    EndReason.STAGE_STOPPED: "The service was stopped",
    EndReason.AVATAR_FAILED: "The avatar could not be shown",
    EndReason.REMOVED: "An operator ended the room",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One room as its owner sees it."""

    room_id: str
    channel: str
    avatar_id: str
    state: str
    reason: str
    """Of its end; empty while it is open."""
    booked_s: int
    used_s: float
    """Time that counts: from the first viewer on, without the time when nobody was connected."""
    units: int
    """Of :data:`UNIT_S` seconds, begun."""
    unit_s: int
    unit_price: float
    held: int
    charged: int
    """Coins; of an open room what it has cost so far."""
    refunded: int
    """Coins given back at the end; 0 while it is open."""
    why: str
    """All of this in words."""
    created_ms: int
    expires_ms: int
    joined_ms: int | None
    ended_ms: int | None
    recording_key: str

    def as_json(self) -> dict[str, Any]:
        """The record as plain values."""
        return asdict(self)


def price_of(seconds: float, prices: Prices) -> int:
    """Coins for so much time."""
    return prices.of(ITEM, units_of(seconds)).amount


def units_of(seconds: float) -> int:
    """Units of the price that have begun after so much time."""
    return math.ceil(round(seconds / UNIT_S, 6))


def coins_of(units: int, unit_price: float) -> int:
    """Coins for so many units, rounded up as :meth:`Prices.of` does."""
    return math.ceil(round(unit_price * units, 6))


def used_ms(room: Room, until_ms: int) -> int:
    """The time that counts, up to an instant: while somebody was connected, and never more than was booked."""
    if room.joined_ms is None:
        return 0
    end_ms = min(until_ms, room.expires_ms, until_ms if room.lost_ms is None else room.lost_ms)
    return max(0, end_ms - room.joined_ms - room.away_ms)


def cost_of(room: Room, used: int) -> int:
    """Coins for the time that counts, never more than are held."""
    return min(room.held, coins_of(units_of(used / SECOND_MS), room.unit_price))


def report_of(room: Room, now_ms: int) -> Report:
    """A room, open or ended, at an instant."""
    used = used_ms(room, now_ms) if room.is_open else room.used_ms
    charged = cost_of(room, used) if room.is_open else room.charged
    refunded = 0 if room.is_open else room.held - charged
    return Report(
        room_id=room.id,
        channel=room.channel,
        avatar_id=room.avatar_id,
        state=room.state.value,
        reason=room.end_reason,
        booked_s=room.booked_s,
        used_s=used / SECOND_MS,
        units=units_of(used / SECOND_MS),
        unit_s=UNIT_S,
        unit_price=room.unit_price,
        held=room.held,
        charged=charged,
        refunded=refunded,
        why=_why(room, used, charged),
        created_ms=room.created_ms,
        expires_ms=room.expires_ms,
        joined_ms=room.joined_ms,
        ended_ms=room.ended_ms,
        recording_key=room.recording_key,
    )


def _why(room: Room, used: int, charged: int) -> str:
    units = units_of(used / SECOND_MS)
    held = _coins(room.held)
    if room.state is RoomState.BOOKED:
        return f"{held} held for {room.booked_s} seconds. Nobody has joined yet, so nothing counts so far."
    spent = (
        f"{used / SECOND_MS:g} seconds with a viewer make {units} begun unit{'' if units == 1 else 's'} of {UNIT_S} "
        f"seconds at {room.unit_price:g} each: {_coins(charged)}"
    )
    if room.is_open:
        return f"So far {spent}. {held} held for {room.booked_s} seconds."
    how = _ENDS[EndReason(room.end_reason)]
    if not used:
        return f"{how}. No time counts, so all {held} were given back."
    rest = room.held - charged
    back = f"{_coins(rest)} of the {room.held} that were held {'was' if rest == 1 else 'were'} given back"
    return f"{how}. {spent}; {back}."


def _coins(amount: int) -> str:
    return f"{amount} coin{'' if amount == 1 else 's'}"
