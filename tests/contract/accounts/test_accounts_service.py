"""Users, keys, tokens and the door, on both databases."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import sqlalchemy as sa

from avatarium.accounts import door
from avatarium.accounts.models import Credential, Principal, Role, Scope, User, api_keys
from avatarium.accounts.models import users as table
from avatarium.accounts.service import Accounts
from avatarium.clock import ManualClock
from avatarium.database import Database, metadata
from avatarium.errors import (
    AuthError,
    BusyError,
    ForbiddenError,
    NotFoundError,
    RequestError,
    UnavailableError,
)
from avatarium.settings import Settings, load_settings

PASSWORD = "correct horse battery staple"
HOUR_S = 3600


# Keys


def test_a_key_opens_the_door(accounts: Accounts, ada: User) -> None:
    key, text = accounts.create_key(ada.id, alias=" laptop ", scopes=["read", "generate"])
    assert text.startswith("sk_") and len(text) == 46 and text.startswith(key.prefix) and len(key.prefix) == 8
    expected = Principal(user_id=ada.id, role=Role.USER, key_id=key.id, scopes=frozenset({"read", "generate"}))
    assert accounts.authenticate(text) == accounts.authenticate(f" {text}\n") == expected
    assert [k.alias for k in accounts.list_keys(ada.id)] == ["laptop"]


def test_no_key_is_kept_in_clear(
    database: Database, database_url: str, accounts: Accounts, ada: User, installation: Settings
) -> None:
    key, text = accounts.create_key(ada.id)
    principal = accounts.authenticate(text)
    tokens = [accounts.create_client_token(principal, seconds=60, scopes=["read"])]
    tokens.append(accounts.log_in("Ada", PASSWORD, address="192.0.2.1")[1])
    wanted = [text.encode()[len(key.prefix) :], PASSWORD.encode(), *(token.encode() for token in tokens)]
    if database.is_sqlite:
        file = Path(database_url.removeprefix("sqlite:///"))
        kept = b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))
    else:
        with database.read() as c:
            kept = b"".join(repr(c.execute(sa.select(each)).all()).encode() for each in metadata.sorted_tables)
    assert key.prefix.encode() in kept, "the scan sees what is kept"
    assert not [secret for secret in wanted if secret in kept]
    assert (installation.home / "secret").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "token",
    ["", "  ", "sk_", "sk_" + "x" * 43, "nonsense", "lt_", "ct_x.y", "lt_é.é", "\ud800", "x" * 100_000, "' OR 1=1 --"],
)
def test_what_is_no_key_does_not_open(accounts: Accounts, ada: User, token: str) -> None:
    accounts.create_key(ada.id)
    with pytest.raises(AuthError):
        accounts.authenticate(token)


def test_a_revoked_key_is_refused_at_once_though_it_is_remembered(accounts: Accounts, ada: User) -> None:
    key, text = accounts.create_key(ada.id)
    child = accounts.create_client_token(accounts.authenticate(text), seconds=60, scopes=["read"])
    accounts.authenticate(child)
    accounts.revoke_key(ada.id, key.id)
    for token in (text, child):
        with pytest.raises(AuthError) as caught:
            accounts.authenticate(token)
        assert caught.value.code == "token_revoked"
    assert accounts.list_keys(ada.id) == []
    with pytest.raises(NotFoundError):
        accounts.revoke_key(ada.id, key.id)


def test_a_key_that_another_process_revoked_is_refused_within_seconds(
    database: Database, clock: ManualClock, installation: Settings, accounts: Accounts, ada: User
) -> None:
    key, text = accounts.create_key(ada.id)
    accounts.authenticate(text)
    Accounts(database, clock, installation).revoke_key(ada.id, key.id)
    clock.advance(door.REMEMBERED_S)
    with pytest.raises(AuthError):
        accounts.authenticate(text)


def test_a_key_revoked_while_it_is_looked_up_is_not_remembered(
    database: Database, accounts: Accounts, ada: User
) -> None:
    key, text = accounts.create_key(ada.id)
    once = iter([True])

    def revoke(*call: object) -> None:
        if "FROM api_keys" in str(call[2]) and next(once, False):
            accounts.revoke_key(ada.id, key.id)

    sa.event.listen(database.engine, "after_cursor_execute", revoke)
    try:
        accounts.authenticate(text)  # the row was read before it was revoked
    finally:
        sa.event.remove(database.engine, "after_cursor_execute", revoke)
    with pytest.raises(AuthError):
        accounts.authenticate(text)


def test_somebody_elses_key_is_not_found(accounts: Accounts, ada: User) -> None:
    key, text = accounts.create_key(ada.id)
    grace = accounts.add_user("Grace")
    with pytest.raises(NotFoundError):
        accounts.revoke_key(grace.id, key.id)
    assert accounts.authenticate(text).user_id == ada.id
    assert accounts.list_keys(grace.id) == []


def test_a_key_expires_to_the_millisecond_though_it_is_remembered(
    accounts: Accounts, ada: User, clock: ManualClock
) -> None:
    _, text = accounts.create_key(ada.id, expires_ms=clock.now_ms() + 1000)
    clock.advance(0.999)
    accounts.authenticate(text)
    clock.advance(0.001)
    with pytest.raises(AuthError, match="expired") as caught:
        accounts.authenticate(text)
    assert caught.value.code == "token_expired"
    with pytest.raises(RequestError):
        accounts.create_key(ada.id, expires_ms=clock.now_ms())


def test_a_disabled_user_is_shut_out_at_once_and_let_in_again(accounts: Accounts, ada: User) -> None:
    _, text = accounts.create_key(ada.id)
    _, login = accounts.log_in("Ada", PASSWORD, address="192.0.2.1")
    accounts.authenticate(text)
    accounts.authenticate(login)
    accounts.disable_user(ada.id)
    with pytest.raises(ForbiddenError, match="disabled"):
        accounts.authenticate(text)
    with pytest.raises(AuthError):
        accounts.authenticate(login)
    with pytest.raises(ForbiddenError):
        accounts.log_in("Ada", PASSWORD, address="192.0.2.1")
    accounts.enable_user(ada.id)
    assert accounts.authenticate(text).user_id == ada.id
    with pytest.raises(AuthError):
        accounts.authenticate(login)


@pytest.mark.parametrize(
    ("origin", "good"),
    [
        (None, True),
        ("https://app.example.com", True),
        ("HTTPS://APP.example.com:443", True),
        ("http://localhost:3000", True),
        ("http://app.example.com", False),
        ("https://app.example.com:8443", False),
        ("https://app.example.com.evil.test", False),
        ("https://evil.test/https://app.example.com", False),
        ("null", False),
        ("http://[", False),
    ],
)
def test_a_key_for_some_pages(accounts: Accounts, ada: User, origin: str | None, good: bool) -> None:
    _, text = accounts.create_key(ada.id, origins=["https://App.example.com/", "http://localhost:3000"])
    child = accounts.create_client_token(accounts.authenticate(text), seconds=60, scopes=["read"])
    for token in (text, child):
        if good:
            accounts.authenticate(token, origin=origin)
        else:
            with pytest.raises(ForbiddenError) as caught:
                accounts.authenticate(token, origin=origin)
            assert caught.value.code == "wrong_origin"


@pytest.mark.parametrize("origin", ["example.com", "*", "ftp://example.com", "https://", "https://a/b", "https://a:x"])
def test_what_is_no_origin_is_refused(accounts: Accounts, ada: User, origin: str) -> None:
    with pytest.raises(RequestError) as caught:
        accounts.create_key(ada.id, origins=[origin])
    assert caught.value.code == "bad_origin"


def test_labels_and_scopes_and_numbers_of_keys_have_bounds(
    accounts: Accounts, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RequestError, match="no scope 'everything'"):
        accounts.create_key(ada.id, scopes=["read", "everything"])
    for alias in ("x" * 129, "a\nb"):
        with pytest.raises(RequestError):
            accounts.create_key(ada.id, alias=alias)
    with pytest.raises(RequestError):
        accounts.create_key(ada.id, origins=[f"https://h{n}.example" for n in range(21)])
    monkeypatch.setattr("avatarium.accounts.keys.KEYS_MAX", 2)
    first, _ = accounts.create_key(ada.id)
    accounts.create_key(ada.id)
    with pytest.raises(BusyError):
        accounts.create_key(ada.id)
    accounts.revoke_key(ada.id, first.id)
    accounts.create_key(ada.id)


def test_the_last_use_is_noted_once_a_minute(
    accounts: Accounts, ada: User, clock: ManualClock, statements: list[str]
) -> None:
    _, text = accounts.create_key(ada.id)
    begun = clock.now_ms()
    for _ in range(60):
        accounts.authenticate(text)
        clock.advance(1)
    assert sum("UPDATE api_keys" in each for each in statements) == 1
    assert accounts.list_keys(ada.id)[0].used_ms == begun
    accounts.authenticate(text)
    assert accounts.list_keys(ada.id)[0].used_ms == clock.now_ms()


def test_calls_in_quick_succession_ask_the_database_once(accounts: Accounts, ada: User, statements: list[str]) -> None:
    _, text = accounts.create_key(ada.id)
    statements.clear()
    for _ in range(50):
        accounts.authenticate(text)
    assert sum("SELECT" in each for each in statements) == 1


def test_the_memory_of_the_door_is_bounded(accounts: Accounts, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "REMEMBERED_MAX", 3)
    texts = [accounts.create_key(ada.id)[1] for _ in range(6)]
    for text in texts * 2:
        accounts.authenticate(text)
    assert len(accounts._door._cards) == 3


def test_a_use_that_cannot_be_noted_does_not_shut_the_door(
    accounts: Accounts, ada: User, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _, text = accounts.create_key(ada.id)

    def full() -> None:
        raise UnavailableError("The disk is full.", code="database_away")

    monkeypatch.setattr(database, "write", full)
    with caplog.at_level(logging.WARNING):
        assert accounts.authenticate(text).user_id == ada.id
    assert "could not be noted" in caplog.text


# Scopes


def test_scopes_narrow_what_an_admin_may(accounts: Accounts) -> None:
    admin, _ = accounts.ensure_admin()
    full = accounts.authenticate(accounts.create_key(admin.id)[1])
    narrow = accounts.authenticate(accounts.create_key(admin.id, scopes=[Scope.READ])[1])
    for scope in Scope:
        full.require(scope)
    assert full.is_admin and not narrow.is_admin
    narrow.require("read")
    with pytest.raises(ForbiddenError, match="for read only. Use a key with the scope generate"):
        narrow.require("generate")


def test_a_user_is_no_admin_whatever_the_key_says(accounts: Accounts, ada: User) -> None:
    for scopes in ([], ["admin"]):
        principal = accounts.authenticate(accounts.create_key(ada.id, scopes=scopes)[1])
        assert not principal.is_admin
        with pytest.raises(ForbiddenError) as caught:
            principal.require(Scope.ADMIN)
        assert caught.value.code == "admin_only"


def test_a_key_makes_none_that_may_more_than_itself(accounts: Accounts, ada: User, clock: ManualClock) -> None:
    ends_ms, page = clock.now_ms() + 60_000, "https://example.com"
    _, text = accounts.create_key(ada.id, scopes=["account", "read"], expires_ms=ends_ms, origins=[page])
    narrow = accounts.authenticate(text)
    child, child_text = accounts.create_key_as(narrow, alias="child")
    assert (child.user_id, child.scopes, child.origins, child.expires_ms) == (
        ada.id,
        narrow.scopes,
        (page,),
        ends_ms,
    )
    assert accounts.authenticate(child_text).scopes == narrow.scopes
    assert accounts.create_key_as(narrow, scopes=["read"], expires_ms=ends_ms + 1)[0].expires_ms == ends_ms
    assert accounts.create_key_as(narrow, expires_ms=ends_ms - 1)[0].expires_ms == ends_ms - 1
    with pytest.raises(ForbiddenError):
        accounts.create_key_as(narrow, scopes=["generate"])
    with pytest.raises(ForbiddenError):
        accounts.create_key_as(narrow, origins=[page, "https://evil.test"])
    with pytest.raises(ForbiddenError, match="cannot make keys"):
        token = accounts.create_client_token(narrow, seconds=60, scopes=["read"])
        accounts.create_key_as(accounts.authenticate(token))


def test_a_login_makes_keys_that_outlive_it(accounts: Accounts, ada: User) -> None:
    caller = accounts.authenticate(accounts.log_in("Ada", PASSWORD, address="192.0.2.1")[1])
    key, _ = accounts.create_key_as(caller, scopes=["read"])
    assert (key.expires_ms, key.scopes) == (None, frozenset({"read"}))


# Client tokens


def test_a_client_token_covers_no_more_than_its_key(accounts: Accounts, ada: User, clock: ManualClock) -> None:
    key, text = accounts.create_key(ada.id, scopes=["read", "streaming"])
    parent = accounts.authenticate(text)
    token = accounts.create_client_token(parent, seconds=60, scopes=["streaming"])
    principal = accounts.authenticate(token)
    assert (principal.key_id, principal.scopes, principal.kind) == (key.id, frozenset({"streaming"}), Credential.CLIENT)
    for scopes in (["generate"], ["streaming", "upload"]):
        with pytest.raises(ForbiddenError):
            accounts.create_client_token(parent, seconds=60, scopes=scopes)
    with pytest.raises(ForbiddenError, match="cannot make another"):
        accounts.create_client_token(principal, seconds=60, scopes=["streaming"])
    clock.advance(60)
    with pytest.raises(AuthError, match="expired"):
        accounts.authenticate(token)


@pytest.mark.parametrize(
    ("seconds", "scopes"),
    [(0, ["read"]), (86_401, ["read"]), (60, []), (60, ["admin"]), (60, ["read", "account"]), (60, ["x"])],
)
def test_client_tokens_are_short_and_say_what_for(accounts: Accounts, seconds: float, scopes: list[str]) -> None:
    parent = accounts.authenticate(accounts.create_key(accounts.ensure_admin()[0].id)[1])
    with pytest.raises(RequestError):
        accounts.create_client_token(parent, seconds=seconds, scopes=scopes)


def test_a_client_token_dies_with_its_key(accounts: Accounts, ada: User, clock: ManualClock) -> None:
    _, text = accounts.create_key(ada.id, expires_ms=clock.now_ms() + 10_000)
    token = accounts.create_client_token(accounts.authenticate(text), seconds=60, scopes=["read"])
    clock.advance(10)
    with pytest.raises(AuthError):
        accounts.authenticate(token)


def test_a_token_of_another_installation_does_not_open(
    accounts: Accounts, ada: User, database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    other = Accounts(database, clock, load_settings(home=tmp_path / "other"))
    _, token = other.log_in("Ada", PASSWORD, address="192.0.2.1")
    assert other.authenticate(token).user_id == ada.id
    with pytest.raises(AuthError):
        accounts.authenticate(token)


# Log-in


def test_a_login_lasts_some_hours(accounts: Accounts, ada: User, clock: ManualClock, installation: Settings) -> None:
    user, token = accounts.log_in("ADA", PASSWORD, address="192.0.2.1")
    assert user == ada
    principal = accounts.authenticate(token)
    assert (principal.user_id, principal.kind, principal.key_id) == (ada.id, Credential.LOGIN, "login")
    clock.advance(installation.login_hours * HOUR_S - 1)
    accounts.authenticate(token)
    clock.advance(1)
    with pytest.raises(AuthError):
        accounts.authenticate(token)


def test_a_new_password_ends_the_logins_and_client_tokens_before_it(accounts: Accounts, ada: User) -> None:
    _, login = accounts.log_in("Ada", PASSWORD, address="192.0.2.1")
    child = accounts.create_client_token(accounts.authenticate(login), seconds=60, scopes=["read"])
    assert accounts.authenticate(child).user_id == ada.id
    accounts.set_password(ada.id, "another password")
    for token in (login, child):
        with pytest.raises(AuthError):
            accounts.authenticate(token)
    with pytest.raises(AuthError):
        accounts.log_in("Ada", PASSWORD, address="192.0.2.1")
    accounts.log_in("Ada", "another password", address="192.0.2.1")


def test_a_wrong_name_and_a_wrong_password_look_the_same(accounts: Accounts, ada: User) -> None:
    accounts.add_user("Grace")  # who has no password
    said = set()
    for name, password in (("Ada", "wrong password"), ("nobody", PASSWORD), ("Grace", PASSWORD), ("Ada", "x" * 9999)):
        with pytest.raises(AuthError) as caught:
            accounts.log_in(name, password, address="192.0.2.1")
        said.add((caught.value.message, caught.value.code))
    assert len(said) == 1


def test_guessing_a_password_ends_soon(accounts: Accounts, ada: User) -> None:
    for _ in range(10):
        with pytest.raises(AuthError):
            accounts.log_in("Ada", "wrong password", address="192.0.2.1")
    with pytest.raises(BusyError) as caught:
        accounts.log_in("aDA", PASSWORD, address="192.0.2.1")
    assert caught.value.code == "too_many_logins"
    assert caught.value.retry_after_s is not None and 1 <= caught.value.retry_after_s <= 300
    accounts.log_in("Ada", PASSWORD, address="192.0.2.2")


def test_guessing_many_names_from_one_address_ends_too(accounts: Accounts) -> None:
    for n in range(60):
        with pytest.raises(AuthError):
            accounts.log_in(f"user {n}", PASSWORD, address="192.0.2.1")
    with pytest.raises(BusyError):
        accounts.log_in("user 60", PASSWORD, address="192.0.2.1")


# A clock that jumps


def test_a_clock_set_forward_and_back(accounts: Accounts, ada: User, clock: ManualClock) -> None:
    _, forever = accounts.create_key(ada.id)
    _, hour = accounts.create_key(ada.id, expires_ms=clock.now_ms() + HOUR_S * 1000)
    _, before = accounts.log_in("Ada", PASSWORD, address="192.0.2.1")
    for token in (forever, hour, before):
        accounts.authenticate(token)

    clock.advance(365 * 24 * HOUR_S)  # a year ahead: what expires has, what does not is good
    accounts.authenticate(forever)
    for token in (hour, before):
        with pytest.raises(AuthError):
            accounts.authenticate(token)
    _, ahead = accounts.log_in("Ada", PASSWORD, address="192.0.2.1")

    clock.advance(-365 * 24 * HOUR_S)  # and right again
    for token in (forever, hour, before):
        accounts.authenticate(token)
    with pytest.raises(AuthError, match="expired"):
        accounts.authenticate(ahead)  # else it would be good for a year
    clock.advance(-60)  # a minute too slow: a log-in of just now is good
    accounts.authenticate(before)
    assert accounts.list_keys(ada.id)[0].used_ms is not None


def test_what_was_remembered_before_the_clock_was_set_back_is_asked_again(
    accounts: Accounts, ada: User, clock: ManualClock, statements: list[str]
) -> None:
    _, text = accounts.create_key(ada.id)
    accounts.authenticate(text)
    clock.advance(-HOUR_S)
    statements.clear()
    accounts.authenticate(text)
    assert any("FROM api_keys" in each for each in statements)
    assert accounts.list_keys(ada.id)[0].used_ms == clock.now_ms()


def test_ids_of_users_and_rows_agree(database: Database, accounts: Accounts, ada: User) -> None:
    key, _ = accounts.create_key(ada.id)
    with database.read() as c:
        assert c.execute(sa.select(table.c.id)).scalars().all() == [ada.id]
        assert c.execute(sa.select(api_keys.c.user_id).where(api_keys.c.id == key.id)).scalar_one() == ada.id


def test_who_was_here_a_moment_ago_is_recalled_without_the_database(
    accounts: Accounts, clock: ManualClock, ada: User
) -> None:
    key, token = accounts.create_key(ada.id)
    assert accounts.recall(token) is None
    assert accounts.authenticate(token) == accounts.recall(token)
    clock.advance(3.1)
    assert accounts.recall(token) is None
    accounts.authenticate(token)
    accounts.revoke_key(ada.id, key.id)
    assert accounts.recall(token) is None
