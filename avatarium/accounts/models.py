"""The tables and records of users, keys and the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from avatarium.accounts.triggers import install_triggers
from avatarium.database import Json, SerialKey, metadata
from avatarium.errors import ForbiddenError
from avatarium.ids import LENGTH
from avatarium.prices import Unit

Id = sa.String(LENGTH)

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("name_key", sa.Text, nullable=False, unique=True),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("password", sa.String(256)),
    sa.Column("epoch", sa.Integer, nullable=False, default=0),
    sa.Column("coins", sa.BigInteger, nullable=False, default=0),
    sa.Column("diamonds", sa.BigInteger, nullable=False, default=0),
    sa.Column("auto_public_pool", sa.Boolean, nullable=False, default=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("disabled_ms", sa.BigInteger),
    sa.CheckConstraint("coins >= 0", name="coins"),
    sa.CheckConstraint("diamonds >= 0", name="diamonds"),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("user_id", Id, sa.ForeignKey("users.id"), nullable=False),
    sa.Column("alias", sa.String(128), nullable=False),
    sa.Column("prefix", sa.String(16), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("scopes", Json, nullable=False),
    sa.Column("origins", Json, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("expires_ms", sa.BigInteger),
    sa.Column("used_ms", sa.BigInteger),
    sa.Column("revoked_ms", sa.BigInteger),
    sa.Index(None, "user_id"),
)

ledger = sa.Table(
    "ledger",
    metadata,
    sa.Column("id", SerialKey, primary_key=True),
    sa.Column("user_id", Id, sa.ForeignKey("users.id"), nullable=False),
    sa.Column("key", sa.String(512), nullable=False),
    sa.Column("delta", sa.BigInteger, nullable=False),
    sa.Column("unit", sa.String(8), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("subject", sa.String(256), nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("user_id", "key"),
    sa.Index(None, "user_id", "subject"),
    sa.Index(None, "user_id", "created_ms"),
    sqlite_autoincrement=True,
)
install_triggers(ledger)


class Role(StrEnum):
    """What somebody is on this installation."""

    ADMIN = "admin"
    USER = "user"


class Scope(StrEnum):
    """What a key may be used for; a key without scopes may do all that its user may."""

    READ = "read"
    """Look at tasks, results, avatars, voices and the balance."""
    GENERATE = "generate"
    """Start, retry, cancel and delete tasks: what costs coins."""
    UPLOAD = "upload"
    """Put files into the storage."""
    STREAMING = "streaming"
    """Open and steer live rooms."""
    ACCOUNT = "account"
    """Keys, client tokens, password and the exchange of coins."""
    ADMIN = "admin"
    """Other users and the installation; only admins have it."""


class Credential(StrEnum):
    """What somebody came in with."""

    KEY = "key"
    LOGIN = "login"
    CLIENT = "client"


class Entry(StrEnum):
    """Why coins or diamonds moved."""

    GRANT = "grant"
    HOLD = "hold"
    RAISE = "raise"
    SETTLE = "settle"
    REFUND = "refund"
    EXCHANGE = "exchange"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who has an account."""

    id: str
    name: str
    role: Role
    coins: int
    diamonds: int
    auto_public_pool: bool
    """Whether what they make may be shown to everybody."""
    has_password: bool
    """Without one nobody can log in by name; keys work all the same."""
    created_ms: int
    disabled_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as it is listed; its text is kept nowhere."""

    id: str
    user_id: str
    alias: str
    prefix: str
    """The first characters of the text, to know it by."""
    scopes: frozenset[str]
    origins: tuple[str, ...]
    created_ms: int
    expires_ms: int | None
    used_ms: int | None
    """When it was last used, exact to a minute."""
    revoked_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who makes a call, and what they may do."""

    user_id: str
    role: Role
    key_id: str
    """The key that opened the door, its own or the one that a client token was made with; ``login`` after a log-in."""
    scopes: frozenset[str] = frozenset()
    """Empty: all that the user may do."""
    origins: tuple[str, ...] = ()
    """Web pages that may use the key. Empty: all."""
    kind: Credential = Credential.KEY

    @property
    def is_admin(self) -> bool:
        """Whether this call may do what admins do: a key of an admin with narrower scopes may not."""
        return self.role is Role.ADMIN and self.allows(Scope.ADMIN)

    def allows(self, scope: str) -> bool:
        """Whether the key covers a scope."""
        return not self.scopes or scope in self.scopes

    def require(self, scope: str) -> None:
        """Raise ForbiddenError unless the key covers a scope; ``admin`` also asks for an admin."""
        if not self.allows(scope):
            have = ", ".join(sorted(self.scopes))
            raise ForbiddenError(
                f"This key is for {have} only. Use a key with the scope {scope}.", code="scope_missing"
            )
        if scope == Scope.ADMIN and self.role is not Role.ADMIN:
            raise ForbiddenError("Only admins may do this. Ask an admin of this service.", code="admin_only")


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One movement of coins or diamonds."""

    id: int
    user_id: str
    key: str
    delta: int
    """Positive: given; negative: taken."""
    unit: Unit
    kind: Entry
    subject: str
    """What it was for: the task or room, empty for grants."""
    note: str
    created_ms: int


def user_of(row: sa.Row[Any]) -> User:
    """A row of ``users`` as a record."""
    values = dict(row._mapping)
    return User(
        **{name: values[name] for name in ("id", "name", "coins", "diamonds", "auto_public_pool", "created_ms")},
        role=Role(values["role"]),
        has_password=values["password"] is not None,
        disabled_ms=values["disabled_ms"],
    )


def key_of(row: sa.Row[Any]) -> ApiKey:
    """A row of ``api_keys`` as a record."""
    values = dict(row._mapping)
    del values["digest"]
    return ApiKey(**values | {"scopes": frozenset(values["scopes"]), "origins": tuple(values["origins"])})


def entry_of(row: sa.Row[Any]) -> LedgerEntry:
    """A row of ``ledger`` as a record."""
    values = dict(row._mapping)
    return LedgerEntry(**values | {"unit": Unit(values["unit"]), "kind": Entry(values["kind"])})
