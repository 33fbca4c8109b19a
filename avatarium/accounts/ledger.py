"""The ledger: what moves coins and diamonds.

Every function takes the connection of a write transaction, so that money moves together with what it is for. An entry
is written first, under a key that a user has once: who comes again with the same key changes nothing and is told so
(False). The balance is changed, and checked, in one statement after it; too small a balance raises and the transaction
of the caller rolls both back.

A price is held before the work, under a subject (a task, a room), and the hold is closed once: settled, which gives
back what was not used, or refunded, which gives back all. A price in diamonds is paid with diamonds as far as the user
has some and with 100 coins for each that is missing; what is given back comes in the unit in which it was paid, coins
first. Amounts are whole numbers from 0 on, in the unit of the price. Entries of 0 mark what happened; histories leave
them out.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from avatarium.accounts.models import Entry, LedgerEntry, entry_of, users
from avatarium.accounts.models import ledger as entries
from avatarium.database import changed, insert_for
from avatarium.errors import ConflictError, NotFoundError, RequestError, TooFewCoinsError
from avatarium.prices import COINS_PER_DIAMOND, Unit

AMOUNT_MAX = 10**12
"""More than anybody needs, and far from what the database can count."""

_HOLDS = (Entry.HOLD, Entry.RAISE)
_CLOSES = (Entry.SETTLE, Entry.REFUND)
_BALANCE = sa.select(users.c.coins, users.c.diamonds).where(users.c.id == sa.bindparam("user_id"))
"""Made once: making a statement costs more than running it."""


def grant(
    c: Connection, user_id: str, amount: int, *, key: str, note: str = "", now_ms: int, unit: Unit = Unit.COIN
) -> bool:
    """Give. False: the key was seen before and nothing is done."""
    _check(amount)
    lock(c, user_id)
    booking = _Booking(user_id=user_id, kind=Entry.GRANT, subject="", note=note, now_ms=now_ms)
    return booking.book(c, f"grant:{key}", amount, unit)


def hold(
    c: Connection, user_id: str, amount: int, *, subject: str, note: str = "", now_ms: int, unit: Unit = Unit.COIN
) -> bool:
    """Take a price for a subject until it is settled or refunded. False: it is held already, or was.

    Raises:
        TooFewCoinsError: the balance is smaller; the sentence names both.
    """
    lock(c, user_id)
    state = _hold_of(c, user_id, subject)
    if state is not None and state.closed:
        return False
    if state is not None and state.unit is not unit and not _seen(c, user_id, f"hold:{subject}"):
        raise ConflictError(f"A price in {state.unit}s is held for this already.", code="hold_in_other_unit")
    booking = _Booking(user_id=user_id, kind=Entry.HOLD, subject=subject, note=note, now_ms=now_ms)
    return _take(c, booking, amount, unit, key=subject)


def raise_hold(
    c: Connection,
    user_id: str,
    extra: int,
    *,
    subject: str,
    why: str,
    note: str = "",
    now_ms: int,
    unit: Unit = Unit.COIN,
) -> bool:
    """Take more for a subject, once for each reason. False: seen before. ``unit`` counts where nothing is held yet.

    Raises:
        TooFewCoinsError: the balance is smaller.
        ConflictError: the hold is closed.
    """
    assert ":" not in why, "subjects may hold colons, so reasons must not"
    booking = _Booking(user_id=user_id, kind=Entry.RAISE, subject=subject, note=note, now_ms=now_ms)
    lock(c, user_id)
    state = _hold_of(c, user_id, subject)
    if state is not None and state.closed and not _seen(c, user_id, f"raise:{subject}:{why}"):
        raise ConflictError("This was paid for and closed; its price cannot rise any more.", code="hold_closed")
    return _take(c, booking, extra, unit if state is None else state.unit, key=f"{subject}:{why}")


def settle(c: Connection, user_id: str, amount: int, *, subject: str, now_ms: int) -> bool:
    """Close a hold at a price and give back the rest. False: it is closed already, or nothing was held or is charged.

    Raises:
        ConflictError: the price is higher than what is held; :func:`raise_hold` comes first.
    """
    _check(amount)
    lock(c, user_id)
    state = _hold_of(c, user_id, subject)
    if state is None and amount == 0:
        return False
    if state is not None and state.closed:
        return False
    if state is None or amount > state.held:
        raise ConflictError(
            f"{amount} cannot be charged where {state.held if state else 0} is held.", code="hold_too_small"
        )
    return _give_back(c, Entry.SETTLE, user_id, state, state.held - amount, subject, now_ms)


def refund(c: Connection, user_id: str, *, subject: str, now_ms: int) -> bool:
    """Close a hold and give back all of it. False: it is closed already, or nothing was held."""
    lock(c, user_id)
    state = _hold_of(c, user_id, subject)
    if state is None or state.closed:
        return False
    return _give_back(c, Entry.REFUND, user_id, state, state.held, subject, now_ms)


def held(c: Connection, user_id: str, subject: str) -> int:
    """What is held for a subject now, in the unit of its price; 0 once it is closed."""
    state = _hold_of(c, user_id, subject)
    return 0 if state is None or state.closed else state.held


def charged(c: Connection, user_id: str, subject: str) -> int:
    """What a subject has cost in the end, in the unit of its price; 0 until it is closed."""
    state = _hold_of(c, user_id, subject)
    return state.held if state is not None and state.closed else 0


def exchange_diamonds(c: Connection, user_id: str, diamonds: int, *, key: str, now_ms: int) -> bool:
    """Buy diamonds for 100 coins each; there is no way back. False: the key was seen before.

    Raises:
        TooFewCoinsError: the balance is smaller.
        ConflictError: the key stands for another number of diamonds.
    """
    if diamonds < 1:
        raise RequestError("Give the number of diamonds to buy, 1 or more.", code="bad_amount")
    _check(diamonds * COINS_PER_DIAMOND)
    lock(c, user_id)
    note = _count(diamonds, Unit.DIAMOND)
    booking = _Booking(user_id=user_id, kind=Entry.EXCHANGE, subject="", note=note, now_ms=now_ms)
    price = diamonds * COINS_PER_DIAMOND
    if not booking.book(c, f"exchange:{key}", -price, Unit.COIN):
        where = (entries.c.user_id == user_id, entries.c.key == f"exchange:{key}")
        if c.execute(sa.select(entries.c.delta).where(*where)).scalar_one() != -price:
            raise ConflictError(
                "This Idempotency-Key was used for another number of diamonds. Use a new key for a new exchange.",
                code="idempotency_key_reused",
            )
        return False
    return booking.book(c, f"exchanged:{key}", diamonds, Unit.DIAMOND)


def balance(c: Connection, user_id: str) -> tuple[int, int]:
    """Coins and diamonds of a user."""
    row = c.execute(_BALANCE, {"user_id": user_id}).one_or_none()
    if row is None:
        raise NotFoundError("There is no such user.", code="no_such_user")
    return row.coins, row.diamonds


def history(
    c: Connection,
    user_id: str,
    *,
    consumption: bool | None = None,
    since_ms: int | None = None,
    until_ms: int | None = None,
    offset: int = 0,
    limit: int = 10,
) -> tuple[list[LedgerEntry], int]:
    """Movements of a user, newest first, and how many there are in all.

    Args:
        consumption: True: only what was taken; False: only what was given.
        since_ms: from this instant on.
        until_ms: up to and with this instant.
    """
    where = [entries.c.user_id == user_id, entries.c.delta != 0]
    if consumption is not None:
        where.append(entries.c.delta < 0 if consumption else entries.c.delta > 0)
    if since_ms is not None:
        where.append(entries.c.created_ms >= since_ms)
    if until_ms is not None:
        where.append(entries.c.created_ms <= until_ms)
    total = c.execute(sa.select(sa.func.count()).select_from(entries).where(*where)).scalar_one()
    page = sa.select(entries).where(*where).order_by(entries.c.id.desc()).offset(offset).limit(limit)
    return [entry_of(row) for row in c.execute(page)], total


# Inside


@dataclass(frozen=True, slots=True, kw_only=True)
class _Booking:
    """What the entries of one movement share."""

    user_id: str
    kind: Entry
    subject: str
    note: str
    now_ms: int

    def book(self, c: Connection, key: str, delta: int, unit: Unit) -> bool:
        """Write an entry and change the balance by it. False: the key was there and nothing is done."""
        entry = insert_for(c, entries).values(
            {"user_id": self.user_id, "key": key, "delta": delta, "unit": unit.value, "kind": self.kind.value}
            | {"subject": self.subject, "note": self.note, "created_ms": self.now_ms}
        )
        if not changed(c, entry.on_conflict_do_nothing(index_elements=["user_id", "key"])):
            return False
        column = users.c.coins if unit is Unit.COIN else users.c.diamonds
        move = sa.update(users).where(users.c.id == self.user_id, column + delta >= 0).values({column: column + delta})
        if delta and not changed(c, move):
            raise _too_few(_count(-delta, unit), *balance(c, self.user_id))
        return True


@dataclass(frozen=True, slots=True)
class _Hold:
    """What a subject has taken so far, less what was given back."""

    unit: Unit
    """Of the price."""
    coins: int
    diamonds: int
    closed: bool

    @property
    def held(self) -> int:
        if self.unit is Unit.COIN:
            return self.coins
        return self.diamonds + self.coins // COINS_PER_DIAMOND


def _hold_of(c: Connection, user_id: str, subject: str) -> _Hold | None:
    where = (entries.c.user_id == user_id, entries.c.subject == subject)
    rows = c.execute(sa.select(entries.c.kind, entries.c.unit, entries.c.delta).where(*where).order_by(entries.c.id))
    found = [(Entry(row.kind), Unit(row.unit), row.delta) for row in rows]
    if not any(kind in _HOLDS for kind, _, _ in found):
        return None
    # The first entry of a hold is always in the unit of its price, be it 0 because coins stood in for diamonds.
    return _Hold(
        unit=next(unit for kind, unit, _ in found if kind in _HOLDS),
        coins=-sum(delta for _, unit, delta in found if unit is Unit.COIN),
        diamonds=-sum(delta for _, unit, delta in found if unit is Unit.DIAMOND),
        closed=any(kind in _CLOSES for kind, _, _ in found),
    )


def _take(c: Connection, booking: _Booking, amount: int, unit: Unit, *, key: str) -> bool:
    _check(amount)
    verb = booking.kind.value
    if unit is Unit.COIN:
        return booking.book(c, f"{verb}:{key}", -amount, unit)
    coins, diamonds = balance(c, booking.user_id)
    if not booking.book(c, f"{verb}:{key}", -min(diamonds, amount), unit):
        return False
    missing = max(0, amount - diamonds) * COINS_PER_DIAMOND
    if missing > coins:
        raise _too_few(_count(amount, Unit.DIAMOND), coins, diamonds)
    return not missing or booking.book(c, f"{verb}-coins:{key}", -missing, Unit.COIN)


def _give_back(c: Connection, kind: Entry, user_id: str, state: _Hold, rest: int, subject: str, now_ms: int) -> bool:
    booking = _Booking(user_id=user_id, kind=kind, subject=subject, note="", now_ms=now_ms)
    if state.unit is Unit.COIN:
        return booking.book(c, f"close:{subject}", rest, Unit.COIN)
    from_coins = min(rest, state.coins // COINS_PER_DIAMOND)
    if not booking.book(c, f"close:{subject}", rest - from_coins, Unit.DIAMOND):
        return False
    return not from_coins or booking.book(c, f"close-coins:{subject}", from_coins * COINS_PER_DIAMOND, Unit.COIN)


def lock(c: Connection, user_id: str) -> None:
    """Let one transaction at a time move the money of a user: without it two that move twice could wait for each other.

    SQLite has one writer anyway.
    """
    row = sa.select(users.c.id).where(users.c.id == user_id).with_for_update(key_share=True)
    if c.execute(row).one_or_none() is None:
        raise NotFoundError("There is no such user.", code="no_such_user")


def _seen(c: Connection, user_id: str, key: str) -> bool:
    where = (entries.c.user_id == user_id, entries.c.key == key)
    return c.execute(sa.select(entries.c.id).where(*where)).one_or_none() is not None


def _check(amount: int) -> None:
    if not 0 <= amount <= AMOUNT_MAX:
        raise RequestError(f"An amount must be from 0 to {AMOUNT_MAX}.", code="bad_amount")


def _too_few(price: str, coins: int, diamonds: int) -> TooFewCoinsError:
    has = _count(coins, Unit.COIN) + (f" and {_count(diamonds, Unit.DIAMOND)}" if diamonds else "")
    return TooFewCoinsError(
        f"This costs {price} and the account has {has}. Get more coins, or ask for less.", code="too_few_coins"
    )


def _count(amount: int, unit: Unit) -> str:
    return f"{amount} {unit.value}{'' if amount == 1 else 's'}"
