"""Charges from several processes at once."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from avatarium.accounts import ledger, users
from avatarium.accounts.models import Role
from avatarium.accounts.reconcile import reconcile
from avatarium.database import Database
from avatarium.errors import TooFewCoinsError

PROCESSES, THREADS, CHARGES, BALANCE = 4, 5, 150, 100


def charge_many(url: str, user_id: str, names: list[str]) -> Counter[str]:
    """What becomes of one coin held for each of some subjects, from one process."""
    database = Database.open(url)

    def charge(name: str) -> str:
        try:
            with database.write() as c:
                return "held" if ledger.hold(c, user_id, 1, subject=name, now_ms=1) else "seen"
        except TooFewCoinsError:
            return "refused"

    with ThreadPoolExecutor(THREADS) as pool:
        outcome = Counter(pool.map(charge, names))
    database.close()
    return outcome


@pytest.mark.long
@pytest.mark.parametrize("subjects", [150, 600])
def test_of_600_charges_from_four_processes_100_succeed(database: Database, database_url: str, subjects: int) -> None:
    with database.write() as c:
        user = users.insert(c, "Ada", role=Role.USER, password=None, coins=BALANCE, now_ms=1)
        assert user is not None
    shares = [[f"task {(p * CHARGES + n) % subjects}" for n in range(CHARGES)] for p in range(PROCESSES)]
    with ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn")) as pool:
        runs = [pool.submit(charge_many, database_url, user.id, share) for share in shares]
        outcome = sum((run.result(timeout=120) for run in runs), Counter())

    assert sum(outcome.values()) == 600
    assert outcome["held"] == BALANCE
    # With 150 subjects each comes four times: the 100 that were held are seen three times more.
    assert outcome["seen"] == (300 if subjects == 150 else 0)
    with database.read() as c:
        assert ledger.balance(c, user.id) == (0, 0)
        assert ledger.history(c, user.id, consumption=True)[1] == BALANCE
        assert reconcile(c) == []


def test_settle_and_refund_race_and_one_wins(database: Database) -> None:
    with database.write() as c:
        user = users.insert(c, "Ada", role=Role.USER, password=None, coins=BALANCE, now_ms=1)
        assert user is not None
        for n in range(20):
            ledger.hold(c, user.id, 5, subject=f"task {n}", now_ms=1)

    def close(job: tuple[str, int]) -> bool:
        verb, n = job
        with database.write() as c:
            if verb == "settle":
                return ledger.settle(c, user.id, 2, subject=f"task {n}", now_ms=2)
            return ledger.refund(c, user.id, subject=f"task {n}", now_ms=2)

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(close, [(verb, n) for n in range(20) for verb in ("settle", "refund")]))
    assert [a + b for a, b in zip(won[::2], won[1::2], strict=True)] == [1] * 20
    with database.read() as c:
        assert ledger.balance(c, user.id) == (BALANCE - 2 * sum(won[::2]), 0)
        assert reconcile(c) == []


def test_transactions_that_move_twice_do_not_wait_for_each_other(database: Database) -> None:
    """On PostgreSQL two of them, each holding what the other wants, once could end as a deadlock."""
    with database.write() as c:
        user = users.insert(c, "Ada", role=Role.USER, password=None, coins=1000, now_ms=1)
        assert user is not None

    def move(n: int) -> None:
        first, second = ("a", "b") if n % 2 else ("b", "a")
        with database.write() as c:
            ledger.grant(c, user.id, 1, key=f"{first}{n // 2}", now_ms=1)
            ledger.grant(c, user.id, 1, key=f"{second}{n // 2}", now_ms=1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(move, range(60)))
    with database.read() as c:
        assert ledger.balance(c, user.id) == (1060, 0)
