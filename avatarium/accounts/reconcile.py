"""Proof that the books are right."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from avatarium.accounts.models import Entry, users
from avatarium.accounts.models import ledger as entries
from avatarium.prices import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """One thing in the books that is not as it must be."""

    user_id: str
    unit: Unit
    balance: int
    """What the account shows; of a hold that was never closed: 0, which is what should be held."""
    entries: int
    """What the entries of the ledger sum up to; of a hold: what is held."""
    subject: str = ""
    """The hold that was never closed, or empty where it is the balance that differs."""

    @property
    def sentence(self) -> str:
        """It in words."""
        if self.subject:
            return f"User {self.user_id}: {self.entries} {self.unit}s are still held for {self.subject}, which is over."
        return (
            f"User {self.user_id}: the account shows {self.balance} {self.unit}s, the entries sum up to {self.entries}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenHold:
    """A hold that was neither settled nor refunded."""

    user_id: str
    subject: str
    coins: int
    diamonds: int
    since_ms: int


def reconcile(c: Connection, *, over: Callable[[Collection[str]], Collection[str]] | None = None) -> list[Mismatch]:
    """Everything that is wrong: balances that are not the sum of their entries, and holds whose subject is over.

    Args:
        over: tells which of the given subjects have ended, so that nothing should be held for them any more.
    """
    return _balances(c) + (_forgotten(c, over) if over else [])


def open_holds(c: Connection) -> list[OpenHold]:
    """The holds that are open now, oldest first."""
    is_close = entries.c.kind.in_((Entry.SETTLE, Entry.REFUND))
    query = (
        sa.select(
            entries.c.user_id,
            entries.c.subject,
            _taken(Unit.COIN).label("coins"),
            _taken(Unit.DIAMOND).label("diamonds"),
            sa.func.min(entries.c.created_ms).label("since_ms"),
        )
        .where(entries.c.subject != "")
        .group_by(entries.c.user_id, entries.c.subject)
        .having(sa.func.sum(sa.case((is_close, 1), else_=0)) == 0)
        .order_by(sa.func.min(entries.c.id))
    )
    return [
        OpenHold(**dict(row._mapping) | {"coins": int(row.coins), "diamonds": int(row.diamonds)})
        for row in c.execute(query)
    ]


def _balances(c: Connection) -> list[Mismatch]:
    """One statement, so that nothing moves between the balance and the sum."""
    sums = (
        sa.select(entries.c.user_id, (-_taken(Unit.COIN)).label("coins"), (-_taken(Unit.DIAMOND)).label("diamonds"))
        .group_by(entries.c.user_id)
        .subquery()
    )
    query = (
        sa.select(
            users.c.id,
            users.c.coins,
            users.c.diamonds,
            sa.func.coalesce(sums.c.coins, 0).label("coin_sum"),
            sa.func.coalesce(sums.c.diamonds, 0).label("diamond_sum"),
        )
        .select_from(users.outerjoin(sums, sums.c.user_id == users.c.id))
        .order_by(users.c.id)
    )
    return [
        Mismatch(user_id=row.id, unit=unit, balance=shown, entries=int(total))
        for row in c.execute(query)
        for unit, shown, total in (
            (Unit.COIN, row.coins, row.coin_sum),
            (Unit.DIAMOND, row.diamonds, row.diamond_sum),
        )
        if shown != total
    ]


def _forgotten(c: Connection, over: Callable[[Collection[str]], Collection[str]]) -> list[Mismatch]:
    holds = open_holds(c)
    ended = set(over([hold.subject for hold in holds]))
    return [
        Mismatch(user_id=hold.user_id, unit=unit, balance=0, entries=amount, subject=hold.subject)
        for hold in holds
        if hold.subject in ended
        for unit, amount in ((Unit.COIN, hold.coins), (Unit.DIAMOND, hold.diamonds))
        if amount
    ]


def _taken(unit: Unit) -> sa.ColumnElement[int]:
    return -sa.func.sum(sa.case((entries.c.unit == unit.value, entries.c.delta), else_=0))
