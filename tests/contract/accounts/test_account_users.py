"""Users, keys, tokens and the door, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from avatarium.accounts import ledger
from avatarium.accounts.models import Role, User
from avatarium.accounts.reconcile import reconcile
from avatarium.accounts.service import Accounts
from avatarium.clock import ManualClock
from avatarium.database import Database
from avatarium.errors import (
    ConflictError,
    NotFoundError,
    RequestError,
)
from avatarium.settings import Settings

PASSWORD = "correct horse battery staple"
HOUR_S = 3600


def test_a_user_starts_with_the_coins_of_the_settings(database: Database, accounts: Accounts, ada: User) -> None:
    assert (ada.name, ada.role, ada.coins, ada.diamonds) == ("Ada", Role.USER, 7, 0)
    assert accounts.add_user("Grace", coins=0).coins == 0
    assert accounts.user(ada.id) == accounts.find_user(" ADA ") == ada
    with database.read() as c:
        assert reconcile(c) == []
        assert [e.note for e in ledger.history(c, ada.id)[0]] == ["Welcome"]


@pytest.mark.parametrize(
    ("first", "second"), [("Ada", "aDA"), ("Straße", "STRASSE"), ("fish", "ﬁsh"), ("Å", "A\u030a")]
)
def test_names_that_look_alike_are_one(accounts: Accounts, first: str, second: str) -> None:
    accounts.add_user(first)
    with pytest.raises(ConflictError) as caught:
        accounts.add_user(second)
    assert caught.value.code == "user_exists"
    assert accounts.list_users()[1] == 1


@pytest.mark.parametrize("name", ["", "   ", "x" * 65, "line\nbreak", "zero\u200bwidth", "nul\0", "\ud800"])
def test_names_that_cannot_be_read_are_refused(accounts: Accounts, name: str) -> None:
    with pytest.raises(RequestError, match="A name needs 1 to 64 characters"):
        accounts.add_user(name)


@pytest.mark.parametrize("name", ["x", "x" * 64, "ﷺ" * 64, "Zoë 👩 O'Brien; DROP TABLE users"])
def test_names_in_all_scripts_are_taken(accounts: Accounts, name: str) -> None:
    assert accounts.find_user(accounts.add_user(name).name).name == name


@pytest.mark.parametrize("password", ["", "1234567", "x" * 257])
def test_passwords_too_short_or_too_long_are_refused(accounts: Accounts, ada: User, password: str) -> None:
    with pytest.raises(RequestError):
        accounts.set_password(ada.id, password)
    with pytest.raises(RequestError):
        accounts.add_user("Grace", password=password)


def test_nobody_is_not_found(accounts: Accounts) -> None:
    for call in (accounts.user, accounts.find_user, accounts.disable_user, accounts.enable_user, accounts.create_key):
        with pytest.raises(NotFoundError):
            call("0" * 24)
    with pytest.raises(NotFoundError):
        accounts.set_password("0" * 24, PASSWORD)
    assert accounts.list_keys("0" * 24) == []


def test_users_are_listed_by_page(accounts: Accounts, clock: ManualClock) -> None:
    for n in range(5):
        accounts.add_user(f"user {n}")
        clock.advance(1)
    page, total = accounts.list_users(offset=1, limit=2)
    assert ([u.name for u in page], total) == (["user 1", "user 2"], 5)


def test_the_first_admin_is_made_once_though_many_processes_start(
    database: Database, clock: ManualClock, installation: Settings
) -> None:
    each = [Accounts(database, clock, installation) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda accounts: accounts.ensure_admin(), each))
    assert sorted(made for _, made in found) == [False] * 5 + [True]
    (admin,), total = each[0].list_users()
    assert (admin.name, admin.role, admin.coins, total) == ("admin", Role.ADMIN, 500, 1)


def test_the_last_admin_cannot_be_shut_out(accounts: Accounts, ada: User) -> None:
    admin, _ = accounts.ensure_admin()
    with pytest.raises(ConflictError):
        accounts.disable_user(admin.id)
    second = accounts.add_user("Grace", role=Role.ADMIN)
    accounts.disable_user(admin.id)
    with pytest.raises(ConflictError):
        accounts.disable_user(second.id)
    accounts.disable_user(ada.id)


def test_the_public_pool_is_a_choice(accounts: Accounts, ada: User) -> None:
    assert not ada.auto_public_pool
    assert accounts.set_auto_public_pool(ada.id, True).auto_public_pool
    assert accounts.user(ada.id).auto_public_pool
