"""The records of tasks, and of the notices that are sent when they end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from avatarium.database import Json, metadata
from avatarium.ids import LENGTH
from avatarium.tasks.states import State

Id = sa.String(LENGTH)

tasks = sa.Table(
    "tasks",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("user_id", Id, sa.ForeignKey("users.id"), nullable=False),
    sa.Column("family", sa.String(64), nullable=False),
    sa.Column("name", sa.String(256), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("progress", sa.Integer, nullable=False, default=0),
    sa.Column("request", Json, nullable=False),
    sa.Column("facts", Json, nullable=False),
    sa.Column("result", Json, nullable=False),
    sa.Column("unit", sa.String(8), nullable=False),
    sa.Column("price", sa.BigInteger, nullable=False),
    sa.Column("charged", sa.BigInteger, nullable=False, default=0),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("queue", sa.String(16), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False, default=1),
    sa.Column("starts", sa.Integer, nullable=False, default=0),
    sa.Column("expected_s", sa.Float, nullable=False),
    sa.Column("engine", sa.String(256), nullable=False),
    sa.Column("idempotency_key", sa.String(256)),
    sa.Column("request_hash", sa.String(64), nullable=False),
    sa.Column("webhook_url", sa.String(2048), nullable=False, default=""),
    sa.Column("webhook_token", sa.String(256), nullable=False, default=""),
    sa.Column("failed_code", sa.String(64), nullable=False, default=""),
    sa.Column("failed_message", sa.Text, nullable=False, default=""),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("updated_ms", sa.BigInteger, nullable=False),
    sa.Column("started_ms", sa.BigInteger),
    sa.Column("finished_ms", sa.BigInteger),
    sa.Column("expires_ms", sa.BigInteger),
    sa.Column("deleted_ms", sa.BigInteger),
    sa.UniqueConstraint("user_id", "idempotency_key"),
    sa.Index(None, "user_id", "family", "created_ms"),
    sa.Index(None, "state", "queue"),
    sa.Index(None, "expires_ms"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One unit of paid work."""

    id: str
    user_id: str
    family: str
    name: str
    state: State
    progress: int
    """0 to 100."""
    request: dict[str, Any]
    """The start call as its model understood it."""
    facts: dict[str, Any]
    """What was found out when the task was accepted."""
    result: dict[str, Any]
    """What the steps returned, merged."""
    unit: str
    """``coin`` or ``diamond``, of the two numbers below."""
    price: int
    """Held when the task was accepted, or raised when it was measured."""
    charged: int
    """What was kept in the end."""
    priority: int
    """Lower is sooner, among the tasks of one user."""
    queue: str
    attempt: int
    """1, and one more for every retry."""
    starts: int
    """How often a worker began this attempt."""
    expected_s: float
    """How long the work was expected to take, in seconds."""
    engine: str
    """What makes the result."""
    idempotency_key: str | None
    request_hash: str
    webhook_url: str
    webhook_token: str
    failed_code: str
    failed_message: str
    created_ms: int
    updated_ms: int
    started_ms: int | None
    finished_ms: int | None
    expires_ms: int | None
    deleted_ms: int | None

    @property
    def subject(self) -> str:
        """What the ledger calls this attempt."""
        return f"{self.id}.{self.attempt}"

    @property
    def workflow_id(self) -> str:
        """What the durable workflow of this attempt is called."""
        return self.subject


def task_of(row: sa.Row[Any]) -> Task:
    """A row of ``tasks`` as a record."""
    values = dict(row._mapping)
    return Task(**values | {"state": State(values["state"])})


deliveries = sa.Table(
    "webhook_deliveries",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("user_id", Id, sa.ForeignKey("users.id"), nullable=False),
    sa.Column("task_id", Id, nullable=False),
    sa.Column("event", sa.String(32), nullable=False),
    sa.Column("url", sa.String(2048), nullable=False),
    sa.Column("token", sa.String(256), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("next_ms", sa.BigInteger),
    sa.Column("delivered_ms", sa.BigInteger),
    sa.Column("status", sa.Integer),
    sa.Column("error", sa.Text, nullable=False, default=""),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Index(None, "next_ms"),
    sa.Index(None, "user_id", "created_ms"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One notice of a task's end to one address, and how its delivery goes."""

    id: str
    user_id: str
    task_id: str
    event: str
    url: str
    token: str
    attempts: int
    next_ms: int | None
    """When it is tried next; None when it was delivered or given up."""
    delivered_ms: int | None
    status: int | None
    """What the receiver answered last."""
    error: str
    created_ms: int


def delivery_of(row: sa.Row[Any]) -> Delivery:
    """A row of ``webhook_deliveries`` as a record."""
    return Delivery(**dict(row._mapping))


workers = sa.Table(
    "workers",
    metadata,
    sa.Column("executor", sa.String(128), primary_key=True),
    sa.Column("host", sa.String(256), nullable=False),
    sa.Column("started_ms", sa.BigInteger, nullable=False),
    sa.Column("seen_ms", sa.BigInteger, nullable=False),
)
