"""The tables and records of live rooms, of the stages that render them, and of those who wait for one."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from avatarium.database import Json, metadata
from avatarium.ids import LENGTH
from avatarium.storage.models import KEY_MAX

Id = sa.String(LENGTH)
STAGE_ID_MAX = 128

stages = sa.Table(
    "stages",
    metadata,
    sa.Column("id", sa.String(STAGE_ID_MAX), primary_key=True),
    sa.Column("host", sa.String(256), nullable=False),
    sa.Column("address", sa.String(256), nullable=False),
    sa.Column("places", sa.Float, nullable=False),
    sa.Column("capacity", Json, nullable=False),
    sa.Column("rooms", sa.Integer, nullable=False, default=0),
    sa.Column("load", sa.Float, nullable=False, default=0.0),
    sa.Column("late", sa.Float, nullable=False, default=0.0),
    sa.Column("draining", sa.Boolean, nullable=False, default=False),
    sa.Column("started_ms", sa.BigInteger, nullable=False),
    sa.Column("seen_ms", sa.BigInteger, nullable=False),
)

rooms = sa.Table(
    "rooms",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("channel", sa.String(16), nullable=False, unique=True),
    sa.Column("owner", Id, sa.ForeignKey("users.id"), nullable=False),
    sa.Column("avatar_id", Id, nullable=False),
    sa.Column("stage_id", sa.String(STAGE_ID_MAX), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("uid", sa.BigInteger, nullable=False),
    sa.Column("places", sa.Float, nullable=False),
    sa.Column("spec", Json, nullable=False),
    sa.Column("context", sa.Text, nullable=False, default=""),
    sa.Column("unit_price", sa.Float, nullable=False),
    sa.Column("booked_s", sa.Integer, nullable=False),
    sa.Column("extended_s", sa.Integer, nullable=False, default=0),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("expires_ms", sa.BigInteger, nullable=False),
    sa.Column("joined_ms", sa.BigInteger),
    sa.Column("lost_ms", sa.BigInteger),
    sa.Column("away_ms", sa.BigInteger, nullable=False, default=0),
    sa.Column("seen_ms", sa.BigInteger, nullable=False),
    sa.Column("ended_ms", sa.BigInteger),
    sa.Column("end_reason", sa.String(16), nullable=False, default=""),
    sa.Column("used_ms", sa.BigInteger, nullable=False, default=0),
    sa.Column("held", sa.BigInteger, nullable=False, default=0),
    sa.Column("charged", sa.BigInteger, nullable=False, default=0),
    sa.Column("recording_key", sa.String(KEY_MAX), nullable=False, default=""),
    sa.Column("idempotency_key", sa.String(256)),
    sa.Column("request_hash", sa.String(64), nullable=False, default=""),
    sa.Column("extensions", Json, nullable=False, default=dict),
    sa.UniqueConstraint("owner", "idempotency_key"),
    sa.Index(None, "owner", "created_ms"),
    sa.Index(None, "state", "stage_id"),
    sa.Index(None, "ended_ms"),
)

waiting = sa.Table(
    "waiting",
    metadata,
    sa.Column("ticket", Id, primary_key=True),
    sa.Column("owner", Id, sa.ForeignKey("users.id"), nullable=False),
    sa.Column("places", sa.Float, nullable=False),
    sa.Column("kept", sa.Boolean, nullable=False, default=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("seen_ms", sa.BigInteger, nullable=False),
    sa.Index(None, "owner"),
    sa.Index(None, "created_ms"),
)


class RoomState(StrEnum):
    """Where a room is. Only the last is final."""

    BOOKED = "booked"
    """Paid, and nobody has looked yet."""
    LIVE = "live"
    """Somebody has seen it; the time counts."""
    ENDED = "ended"


OPEN = (RoomState.BOOKED, RoomState.LIVE)


class EndReason(StrEnum):
    """Why a room ended."""

    LEFT = "left"
    """Its owner said so."""
    EXPIRED = "expired"
    VIEWER_LOST = "viewer_lost"
    """The last viewer went without a word and did not come back."""
    NEVER_JOINED = "never_joined"
    STAGE_LOST = "stage_lost"
    """The process that rendered it died."""
    STAGE_STOPPED = "stage_stopped"
    """That process was stopped in good order."""
    AVATAR_FAILED = "avatar_failed"
    """Its picture or twin could not be had or shown."""
    REMOVED = "removed"
    """An operator ended it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRecord:
    """A process that renders rooms, as it described itself last."""

    id: str
    """Also the name of the lock that it holds while it lives."""
    host: str
    address: str
    """Of its control server: ``http://host:port``."""
    places: float
    """How many rooms of 512 by 512 it was measured to hold; a larger picture takes more than one place."""
    capacity: dict[str, Any]
    """What was measured, for operators."""
    rooms: int
    """That it renders just now."""
    load: float
    """Share of its core that these take."""
    late: float
    """Share of the ticks of the last seconds that came too late."""
    draining: bool
    """It takes no new rooms."""
    started_ms: int
    seen_ms: int
    """When it wrote last, every two seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A booked live session."""

    id: str
    channel: str
    """Its short name, which the API and viewers know it by; nobody else has it."""
    owner: str
    avatar_id: str
    stage_id: str
    state: RoomState
    uid: int
    """Of its viewers, in the token as in the answer."""
    places: float
    """What it takes of a stage."""
    spec: dict[str, Any]
    """What the stage was told: a :class:`~avatarium.streaming.wire.RoomSpec`."""
    context: str
    """What answers are based on."""
    unit_price: float
    """Of 5 seconds, in coins, at the time of booking."""
    booked_s: int
    """In all, with what it was extended by."""
    extended_s: int
    created_ms: int
    expires_ms: int
    joined_ms: int | None
    """When its first viewer was connected."""
    lost_ms: int | None
    """Since when nobody is connected any more; None while somebody is, or nobody was yet."""
    away_ms: int
    """How long nobody was connected, before somebody came back; not charged."""
    seen_ms: int
    """When its stage wrote last."""
    ended_ms: int | None
    end_reason: str
    """An :class:`EndReason`; empty until it ends."""
    used_ms: int
    """What was charged for."""
    held: int
    """Coins that were taken at booking and by extending."""
    charged: int
    """Coins that were kept in the end."""
    recording_key: str
    idempotency_key: str | None = None
    """Under which it was booked; the same key answers the same room."""
    request_hash: str = ""
    """Of what was asked for under that key."""
    extensions: dict[str, int] = field(default_factory=dict)
    """Seconds of each extension that had an idempotency key, by the key's hash."""

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.state is not RoomState.ENDED

    @property
    def subject(self) -> str:
        """What the ledger calls it."""
        return f"room:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A place in the line for a room."""

    ticket: str
    owner: str
    places: float
    kept: bool
    """Whether its holder has sent it along."""
    created_ms: int
    seen_ms: int
    """When its holder asked last; who asks no more loses the place."""


def stage_of(row: sa.Row[Any]) -> StageRecord:
    """A row of ``stages`` as a record."""
    return StageRecord(**row._mapping)


def room_of(row: sa.Row[Any]) -> Room:
    """A row of ``rooms`` as a record."""
    values = dict(row._mapping)
    return Room(**values | {"state": RoomState(values["state"])})


def ticket_of(row: sa.Row[Any]) -> Ticket:
    """A row of ``waiting`` as a record."""
    return Ticket(**row._mapping)
