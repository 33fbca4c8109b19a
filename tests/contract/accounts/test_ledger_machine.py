"""The laws of the ledger, whatever is done in whatever order."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from avatarium.accounts import ledger, users
from avatarium.accounts.models import Role
from avatarium.accounts.reconcile import reconcile
from avatarium.database import Database
from avatarium.errors import ConflictError, TooFewCoinsError
from avatarium.prices import Unit

_names = itertools.count()
SUBJECTS = st.sampled_from(["a", "b", "c"])
AMOUNTS = st.integers(0, 400)


@dataclass
class Held:
    unit: Unit
    coins: int = 0
    diamonds: int = 0
    closed: bool = False

    @property
    def amount(self) -> int:
        return self.coins if self.unit is Unit.COIN else self.diamonds + self.coins // 100


class LedgerMachine(RuleBasedStateMachine):
    """Compares the ledger with a few lines that do the same in memory."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database
        self.coins = self.diamonds = 0
        self.seen: set[str] = set()
        self.exchanges: dict[str, int] = {}
        self.holds: dict[str, Held] = {}

    @initialize(coins=st.integers(0, 1000))
    def begin(self, coins: int) -> None:
        with self.database.write() as c:
            user = users.insert(c, f"user {next(_names)}", role=Role.USER, password=None, coins=coins, now_ms=1)
        assert user is not None
        self.user_id, self.coins = user.id, coins

    @rule(key=st.sampled_from(["x", "y"]), amount=AMOUNTS)
    def grant(self, key: str, amount: int) -> None:
        with self.database.write() as c:
            done = ledger.grant(c, self.user_id, amount, key=key, now_ms=1)
        assert done is (f"grant {key}" not in self.seen)
        self.seen.add(f"grant {key}")
        self.coins += amount if done else 0

    @rule(key=st.sampled_from(["x", "y"]), diamonds=st.integers(1, 4))
    def exchange(self, key: str, diamonds: int) -> None:
        before = self.exchanges.get(key)
        try:
            with self.database.write() as c:
                assert ledger.exchange_diamonds(c, self.user_id, diamonds, key=key, now_ms=1) is (before is None)
        except ConflictError:
            assert before is not None and before != diamonds
            return
        except TooFewCoinsError:
            assert before is None and self.coins < diamonds * 100
            return
        if before is None:
            self.exchanges[key] = diamonds
            self.coins, self.diamonds = self.coins - diamonds * 100, self.diamonds + diamonds

    @rule(subject=SUBJECTS, amount=AMOUNTS)
    def hold_coins(self, subject: str, amount: int) -> None:
        self._hold(subject, amount, Unit.COIN)

    @rule(subject=SUBJECTS, amount=st.integers(0, 4))
    def hold_diamonds(self, subject: str, amount: int) -> None:
        self._hold(subject, amount, Unit.DIAMOND)

    @rule(subject=SUBJECTS, extra=st.integers(0, 4), why=st.sampled_from(["p", "q"]))
    def raise_hold(self, subject: str, extra: int, why: str) -> None:
        key, held = f"raise {subject} {why}", self.holds.get(subject)
        fresh = key not in self.seen
        try:
            with self.database.write() as c:
                assert ledger.raise_hold(c, self.user_id, extra, subject=subject, why=why, now_ms=1) is fresh
        except ConflictError:
            assert held is not None and held.closed and fresh
            return
        except TooFewCoinsError:
            assert fresh and not self._affordable(extra, held.unit if held else Unit.COIN)
            return
        if fresh:
            self.seen.add(key)
            self._take(self.holds.setdefault(subject, Held(Unit.COIN)), extra)

    @rule(subject=SUBJECTS, amount=AMOUNTS)
    def settle(self, subject: str, amount: int) -> None:
        held = self.holds.get(subject)
        is_open = held is not None and not held.closed
        try:
            with self.database.write() as c:
                done = ledger.settle(c, self.user_id, amount, subject=subject, now_ms=1)
        except ConflictError:
            assert amount > (held.amount if held else 0)
            return
        assert done is is_open
        if held is not None and is_open:
            self._close(held, held.amount - amount)

    @rule(subject=SUBJECTS)
    def refund(self, subject: str) -> None:
        held = self.holds.get(subject)
        is_open = held is not None and not held.closed
        with self.database.write() as c:
            assert ledger.refund(c, self.user_id, subject=subject, now_ms=1) is is_open
        if held is not None and is_open:
            self._close(held, held.amount)

    @invariant()
    def the_books_are_right(self) -> None:
        with self.database.read() as c:
            assert ledger.balance(c, self.user_id) == (self.coins, self.diamonds)
            assert reconcile(c) == []
            for subject, held in self.holds.items():
                assert ledger.held(c, self.user_id, subject) == (0 if held.closed else held.amount)
                assert ledger.charged(c, self.user_id, subject) == (held.amount if held.closed else 0)
        assert self.coins >= 0 and self.diamonds >= 0

    def _hold(self, subject: str, amount: int, unit: Unit) -> None:
        fresh = f"hold {subject}" not in self.seen and not (subject in self.holds and self.holds[subject].closed)
        try:
            with self.database.write() as c:
                assert ledger.hold(c, self.user_id, amount, subject=subject, unit=unit, now_ms=1) is fresh
        except TooFewCoinsError:
            assert fresh and not self._affordable(amount, unit)
            return
        except ConflictError:
            assert fresh and self.holds[subject].unit is not unit
            return
        if fresh:
            self.seen.add(f"hold {subject}")
            self._take(self.holds.setdefault(subject, Held(unit)), amount)

    def _affordable(self, amount: int, unit: Unit) -> bool:
        return self.coins >= (amount if unit is Unit.COIN else max(0, amount - self.diamonds) * 100)

    def _take(self, held: Held, amount: int) -> None:
        assert self._affordable(amount, held.unit)
        diamonds = min(self.diamonds, amount) if held.unit is Unit.DIAMOND else 0
        coins = amount if held.unit is Unit.COIN else (amount - diamonds) * 100
        held.coins, held.diamonds = held.coins + coins, held.diamonds + diamonds
        self.coins, self.diamonds = self.coins - coins, self.diamonds - diamonds

    def _close(self, held: Held, rest: int) -> None:
        coins = rest if held.unit is Unit.COIN else min(rest, held.coins // 100) * 100
        diamonds = 0 if held.unit is Unit.COIN else rest - coins // 100
        held.coins, held.diamonds, held.closed = held.coins - coins, held.diamonds - diamonds, True
        self.coins, self.diamonds = self.coins + coins, self.diamonds + diamonds


def test_whatever_is_done_the_books_are_right(database: Database) -> None:
    run_state_machine_as_test(
        lambda: LedgerMachine(database),  # type: ignore[arg-type]
        settings=settings(
            max_examples=25 if database.is_sqlite else 10,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
