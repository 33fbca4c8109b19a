"""What moves coins and diamonds, on both databases."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from avatarium.accounts import ledger, users
from avatarium.accounts.models import Entry, Role
from avatarium.accounts.models import users as table
from avatarium.accounts.reconcile import open_holds, reconcile
from avatarium.database import Database
from avatarium.errors import ConflictError, NotFoundError, RequestError, TooFewCoinsError
from avatarium.prices import Unit

NOW = 1_700_000_000_000


@pytest.fixture
def user_id(database: Database) -> str:
    return _add(database, "Ada", 1000)


def _add(database: Database, name: str, coins: int) -> str:
    with database.write() as c:
        user = users.insert(c, name, role=Role.USER, password=None, coins=coins, now_ms=NOW)
    assert user is not None
    return user.id


def _do(database: Database, move: Callable[[Connection], bool]) -> bool:
    with database.write() as c:
        return move(c)


def _balance(database: Database, user_id: str) -> tuple[int, int]:
    with database.read() as c:
        assert reconcile(c) == []
        return ledger.balance(c, user_id)


def test_a_hold_is_settled_for_less_and_the_rest_comes_back(database: Database, user_id: str) -> None:
    assert _do(database, lambda c: ledger.hold(c, user_id, 30, subject="task", note="video", now_ms=NOW))
    assert _balance(database, user_id) == (970, 0)
    with database.read() as c:
        assert (ledger.held(c, user_id, "task"), ledger.charged(c, user_id, "task")) == (30, 0)
    assert _do(database, lambda c: ledger.settle(c, user_id, 12, subject="task", now_ms=NOW))
    assert _balance(database, user_id) == (988, 0)
    with database.read() as c:
        assert (ledger.held(c, user_id, "task"), ledger.charged(c, user_id, "task")) == (0, 12)


def test_a_refund_gives_back_all(database: Database, user_id: str) -> None:
    _do(database, lambda c: ledger.hold(c, user_id, 30, subject="task", now_ms=NOW))
    _do(database, lambda c: ledger.raise_hold(c, user_id, 5, subject="task", why="measured", now_ms=NOW))
    assert _balance(database, user_id) == (965, 0)
    assert _do(database, lambda c: ledger.refund(c, user_id, subject="task", now_ms=NOW))
    assert _balance(database, user_id) == (1000, 0)
    with database.read() as c:
        assert ledger.charged(c, user_id, "task") == 0


@pytest.mark.parametrize("first", ["settle", "refund"])
def test_a_hold_is_closed_once(database: Database, user_id: str, first: str) -> None:
    def settle(c: Connection) -> bool:
        return ledger.settle(c, user_id, 10, subject="task", now_ms=NOW)

    def refund(c: Connection) -> bool:
        return ledger.refund(c, user_id, subject="task", now_ms=NOW)

    _do(database, lambda c: ledger.hold(c, user_id, 30, subject="task", now_ms=NOW))
    assert _do(database, settle if first == "settle" else refund)
    after = _balance(database, user_id)
    for move in (settle, refund, settle):
        assert not _do(database, move)
    assert not _do(database, lambda c: ledger.hold(c, user_id, 30, subject="task", now_ms=NOW))
    assert _balance(database, user_id) == after


def test_what_was_seen_does_nothing(database: Database, user_id: str) -> None:
    moves: list[Callable[[Connection], bool]] = [
        lambda c: ledger.grant(c, user_id, 7, key="gift", now_ms=NOW),
        lambda c: ledger.hold(c, user_id, 30, subject="task", now_ms=NOW),
        lambda c: ledger.raise_hold(c, user_id, 5, subject="task", why="measured", now_ms=NOW),
        lambda c: ledger.exchange_diamonds(c, user_id, 2, key="order", now_ms=NOW),
        lambda c: ledger.hold(c, user_id, 3, subject="twin", unit=Unit.DIAMOND, now_ms=NOW),
    ]
    assert [_do(database, move) for move in moves] == [True] * 5
    after = _balance(database, user_id)
    assert after == (1000 + 7 - 30 - 5 - 200 - 100, 0)
    assert [_do(database, move) for move in moves] == [False] * 5
    assert _balance(database, user_id) == after


def test_the_key_of_one_user_is_not_that_of_another(database: Database, user_id: str) -> None:
    other = _add(database, "Grace", 0)
    assert _do(database, lambda c: ledger.grant(c, user_id, 7, key="gift", now_ms=NOW))
    assert _do(database, lambda c: ledger.grant(c, other, 7, key="gift", now_ms=NOW))
    assert _balance(database, other) == (7, 0)
    _do(database, lambda c: ledger.hold(c, user_id, 30, subject="task", now_ms=NOW))
    assert not _do(database, lambda c: ledger.refund(c, other, subject="task", now_ms=NOW))
    assert _balance(database, other) == (7, 0)


def test_too_few_coins_names_price_and_balance_and_leaves_nothing(database: Database, user_id: str) -> None:
    with pytest.raises(TooFewCoinsError, match=r"costs 1001 coins and the account has 1000 coins\.") as caught:
        _do(database, lambda c: ledger.hold(c, user_id, 1001, subject="task", now_ms=NOW))
    assert (caught.value.status, caught.value.code) == (402, "too_few_coins")
    assert _balance(database, user_id) == (1000, 0)
    with database.read() as c:
        assert ledger.history(c, user_id)[1] == 1
    # The key is free again: with enough coins the same call succeeds.
    _do(database, lambda c: ledger.grant(c, user_id, 1, key="gift", now_ms=NOW))
    assert _do(database, lambda c: ledger.hold(c, user_id, 1001, subject="task", now_ms=NOW))
    assert _balance(database, user_id) == (0, 0)


def test_money_goes_back_with_the_transaction_that_it_was_part_of(database: Database, user_id: str) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as c:
        ledger.hold(c, user_id, 30, subject="task", now_ms=NOW)
        raise ZeroDivisionError
    assert _balance(database, user_id) == (1000, 0)


def test_no_more_is_settled_than_is_held(database: Database, user_id: str) -> None:
    _do(database, lambda c: ledger.hold(c, user_id, 30, subject="task", now_ms=NOW))
    with pytest.raises(ConflictError, match="31 cannot be charged where 30 is held"):
        _do(database, lambda c: ledger.settle(c, user_id, 31, subject="task", now_ms=NOW))
    with pytest.raises(ConflictError):
        _do(database, lambda c: ledger.settle(c, user_id, 1, subject="never held", now_ms=NOW))
    assert _balance(database, user_id) == (970, 0)


def test_a_closed_hold_cannot_be_raised(database: Database, user_id: str) -> None:
    def rise(why: str) -> bool:
        return _do(database, lambda c: ledger.raise_hold(c, user_id, 5, subject="task", why=why, now_ms=NOW))

    _do(database, lambda c: ledger.hold(c, user_id, 30, subject="task", now_ms=NOW))
    assert rise("measured")
    _do(database, lambda c: ledger.settle(c, user_id, 35, subject="task", now_ms=NOW))
    assert not rise("measured")
    with pytest.raises(ConflictError):
        rise("again")
    assert _balance(database, user_id) == (965, 0)


def test_reasons_and_subjects_with_colons_do_not_meet(database: Database, user_id: str) -> None:
    assert _do(database, lambda c: ledger.raise_hold(c, user_id, 1, subject="a:b", why="c", now_ms=NOW))
    assert _do(database, lambda c: ledger.raise_hold(c, user_id, 1, subject="a", why="b", now_ms=NOW))
    assert _do(database, lambda c: ledger.hold(c, user_id, 1, subject="a:b", now_ms=NOW))
    assert _do(database, lambda c: ledger.hold(c, user_id, 1, subject="coins:a", now_ms=NOW))
    assert _balance(database, user_id) == (996, 0)


def test_free_work_needs_no_hold(database: Database, user_id: str) -> None:
    assert not _do(database, lambda c: ledger.settle(c, user_id, 0, subject="free", now_ms=NOW))
    assert not _do(database, lambda c: ledger.refund(c, user_id, subject="free", now_ms=NOW))
    # It was free by the estimate and costs by the measure.
    assert _do(database, lambda c: ledger.raise_hold(c, user_id, 4, subject="free", why="measured", now_ms=NOW))
    assert _do(database, lambda c: ledger.settle(c, user_id, 4, subject="free", now_ms=NOW))
    assert _balance(database, user_id) == (996, 0)


@pytest.mark.parametrize(
    ("diamonds", "paid", "settled"),
    [
        (0, (700, 0), (900, 0)),  # no diamonds: 100 coins each
        (2, (700, 0), (800, 1)),  # two are there, a hundred coins for the third; coins come back first
        (5, (500, 2), (500, 4)),  # enough
    ],
)
def test_a_price_in_diamonds(
    database: Database, user_id: str, diamonds: int, paid: tuple[int, int], settled: tuple[int, int]
) -> None:
    if diamonds:
        assert _do(database, lambda c: ledger.exchange_diamonds(c, user_id, diamonds, key="order", now_ms=NOW))
    before = _balance(database, user_id)
    for subject in ("one", "two"):
        with database.write() as c:
            assert ledger.hold(c, user_id, 3, subject=subject, unit=Unit.DIAMOND, now_ms=NOW)
            assert ledger.held(c, user_id, subject) == 3
        assert _balance(database, user_id) == paid
        if subject == "one":
            assert _do(database, lambda c: ledger.refund(c, user_id, subject="one", now_ms=NOW))
            assert _balance(database, user_id) == before
    assert _do(database, lambda c: ledger.settle(c, user_id, 1, subject="two", now_ms=NOW))
    assert _balance(database, user_id) == settled
    with database.read() as c:
        assert ledger.charged(c, user_id, "two") == 1


def test_a_price_in_diamonds_rises_in_diamonds(database: Database, user_id: str) -> None:
    _do(database, lambda c: ledger.exchange_diamonds(c, user_id, 1, key="order", now_ms=NOW))
    _do(database, lambda c: ledger.hold(c, user_id, 1, subject="twin", unit=Unit.DIAMOND, now_ms=NOW))
    _do(database, lambda c: ledger.raise_hold(c, user_id, 2, subject="twin", why="two faces", now_ms=NOW))
    assert _balance(database, user_id) == (700, 0)
    with database.read() as c:
        assert ledger.held(c, user_id, "twin") == 3
    _do(database, lambda c: ledger.refund(c, user_id, subject="twin", now_ms=NOW))
    assert _balance(database, user_id) == (900, 1)


def test_a_key_for_another_number_of_diamonds_is_refused(database: Database, user_id: str) -> None:
    assert _do(database, lambda c: ledger.exchange_diamonds(c, user_id, 1, key="order", now_ms=NOW))
    with pytest.raises(ConflictError, match="Idempotency-Key"):
        _do(database, lambda c: ledger.exchange_diamonds(c, user_id, 2, key="order", now_ms=NOW))
    assert _balance(database, user_id) == (900, 1)


def test_too_few_for_a_price_in_diamonds(database: Database, user_id: str) -> None:
    _do(database, lambda c: ledger.exchange_diamonds(c, user_id, 1, key="order", now_ms=NOW))
    with pytest.raises(TooFewCoinsError, match="costs 11 diamonds and the account has 900 coins and 1 diamond"):
        _do(database, lambda c: ledger.hold(c, user_id, 11, subject="twin", unit=Unit.DIAMOND, now_ms=NOW))
    assert _balance(database, user_id) == (900, 1)


@pytest.mark.parametrize("diamonds", [0, -3])
def test_diamonds_are_not_sold_back(database: Database, user_id: str, diamonds: int) -> None:
    with pytest.raises(RequestError):
        _do(database, lambda c: ledger.exchange_diamonds(c, user_id, diamonds, key="order", now_ms=NOW))


def test_diamonds_that_cannot_be_paid_are_not_had(database: Database, user_id: str) -> None:
    with pytest.raises(TooFewCoinsError):
        _do(database, lambda c: ledger.exchange_diamonds(c, user_id, 11, key="order", now_ms=NOW))
    assert _balance(database, user_id) == (1000, 0)


@pytest.mark.parametrize("amount", [-1, ledger.AMOUNT_MAX + 1])
def test_an_amount_is_a_number_that_can_be_counted(database: Database, user_id: str, amount: int) -> None:
    for move in (
        lambda c: ledger.grant(c, user_id, amount, key="x", now_ms=NOW),
        lambda c: ledger.hold(c, user_id, amount, subject="x", now_ms=NOW),
        lambda c: ledger.settle(c, user_id, amount, subject="x", now_ms=NOW),
    ):
        with pytest.raises(RequestError):
            _do(database, move)
    assert _balance(database, user_id) == (1000, 0)


def test_nobody_has_no_coins(database: Database) -> None:
    for move in (
        lambda c: ledger.grant(c, "0" * 24, 1, key="x", now_ms=NOW),
        lambda c: ledger.hold(c, "0" * 24, 1, subject="x", now_ms=NOW),
    ):
        with pytest.raises(NotFoundError):
            _do(database, move)


def test_the_table_itself_refuses_a_balance_below_zero(database: Database, user_id: str) -> None:
    for values in ({"coins": -1}, {"diamonds": -1}):
        with pytest.raises(IntegrityError), database.write() as c:
            c.execute(sa.update(table).values(values))


def test_history_is_newest_first_and_filtered(database: Database, user_id: str) -> None:
    other = _add(database, "Grace", 3)
    for n in range(4):
        with database.write() as c:
            ledger.hold(c, user_id, 10, subject=f"task {n}", note=f"video {n}", now_ms=NOW + n)
    _do(database, lambda c: ledger.settle(c, user_id, 10, subject="task 0", now_ms=NOW + 5))  # an entry of 0
    _do(database, lambda c: ledger.refund(c, user_id, subject="task 1", now_ms=NOW + 6))
    with database.read() as c:
        everything, total = ledger.history(c, user_id)
        assert [e.delta for e in everything] == [10, -10, -10, -10, -10, 1000]
        assert total == 6
        assert everything[0].kind is Entry.REFUND and everything[1].note == "video 3"
        assert {e.user_id for e in everything} == {user_id}
        assert [e.delta for e in ledger.history(c, user_id, consumption=True)[0]] == [-10] * 4
        assert [e.delta for e in ledger.history(c, user_id, consumption=False)[0]] == [10, 1000]
        page, total = ledger.history(c, user_id, since_ms=NOW + 1, until_ms=NOW + 3, offset=1, limit=1)
        assert ([e.subject for e in page], total) == (["task 2"], 3)
        assert ledger.history(c, other)[1] == 1


def test_reconcile_finds_a_balance_that_was_tampered_with(database: Database, user_id: str) -> None:
    _add(database, "Grace", 3)
    with database.write() as c:
        c.execute(sa.update(table).where(table.c.id == user_id).values(coins=table.c.coins + 1, diamonds=2))
    with database.read() as c:
        found = reconcile(c)
    assert [(m.user_id, m.unit, m.balance, m.entries) for m in found] == [
        (user_id, Unit.COIN, 1001, 1000),
        (user_id, Unit.DIAMOND, 2, 0),
    ]
    assert "shows 1001 coins, the entries sum up to 1000" in found[0].sentence


def test_reconcile_finds_what_is_held_for_what_is_over(database: Database, user_id: str) -> None:
    for subject in ("done", "running", "closed"):
        with database.write() as c:
            ledger.hold(c, user_id, 10, subject=subject, now_ms=NOW)
    _do(database, lambda c: ledger.settle(c, user_id, 10, subject="closed", now_ms=NOW))
    with database.read() as c:
        assert [h.subject for h in open_holds(c)] == ["done", "running"]
        found = reconcile(c, over=lambda subjects: set(subjects) & {"done", "closed"})
    assert [(m.subject, m.entries) for m in found] == [("done", 10)]
    assert "10 coins are still held for done" in found[0].sentence
