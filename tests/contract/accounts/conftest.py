"""What tests of accounts share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from avatarium.accounts import passwords
from avatarium.accounts.models import User
from avatarium.accounts.service import Accounts
from avatarium.clock import ManualClock
from avatarium.database import Database
from avatarium.settings import Settings, load_settings

PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def quick_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords as they are, with a hash that takes a millisecond."""
    monkeypatch.setattr(passwords, "LOG2_N", 8)
    kept = passwords.hash_password(PASSWORD)
    monkeypatch.setattr(passwords, "_NOBODYS", kept)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def installation(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path / "home", user_coins=7, admin_coins=500)


@pytest.fixture
def accounts(database: Database, clock: ManualClock, installation: Settings) -> Accounts:
    return Accounts(database, clock, installation)


@pytest.fixture
def ada(accounts: Accounts) -> User:
    return accounts.add_user("Ada", password=PASSWORD)


@pytest.fixture
def statements(database: Database) -> Iterator[list[str]]:
    """What is asked of the database from here on."""
    seen: list[str] = []

    def note(*call: object) -> None:
        seen.append(str(call[2]))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(database.engine, "before_cursor_execute", note)
