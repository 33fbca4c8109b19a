"""The installation that a command works on, whether the service runs or not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from avatarium.errors import ConflictError

if TYPE_CHECKING:
    from avatarium.accounts.models import User
    from avatarium.accounts.service import Accounts
    from avatarium.clock import Clock
    from avatarium.database import Database
    from avatarium.settings import Settings

PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What commands about people and money need of it."""

    settings: Settings
    database: Database
    accounts: Accounts
    clock: Clock

    def user(self, name: str | None) -> User:
        """A user by name; the admin where none is named."""
        return self.accounts.find_user(name or self.settings.admin_name)


@contextmanager
def opened() -> Iterator[Installation]:
    """Open the installation; a folder in which nothing ever ran becomes one, with its first admin.

    Raises:
        ConflictError: its tables are those of another version.
    """
    from avatarium.accounts.service import Accounts
    from avatarium.clock import Clock
    from avatarium.database import Database
    from avatarium.settings import load_settings
    from avatarium.supervisor.home import prepare_home

    settings, clock = load_settings(), Clock()
    prepare_home(settings.home)
    database = Database.open(settings.database)
    try:
        _prepare_tables(database, settings)
        accounts = Accounts(database, clock, settings)
        if not accounts.list_users(limit=1)[1]:
            accounts.ensure_admin()
        yield Installation(settings=settings, database=database, accounts=accounts, clock=clock)
    finally:
        database.close()


def _prepare_tables(database: Database, settings: Settings) -> None:
    from avatarium import migrations
    from avatarium.migrations import SchemaState
    from avatarium.supervisor.home import is_served

    state = migrations.state_of(database)
    until_s = time.monotonic() + PATIENCE_S
    while state is SchemaState.OLD and is_served(settings.home) and time.monotonic() < until_s:
        time.sleep(0.2)  # the service is bringing them up to date right now
        state = migrations.state_of(database)
    if state is SchemaState.EMPTY:
        migrations.upgrade(database)
    elif state is not SchemaState.CURRENT:
        age = "older" if state is SchemaState.OLD else "newer"
        raise ConflictError(
            f"The tables of the database are {age} than this version. Stop what runs of the other version, then run "
            "`avatarium migrate` of the newer one.",
            code="not_migrated",
        )


def day(ms: int | None) -> str:
    """An instant for people, UTC to the minute; a dash where there is none."""
    return "-" if ms is None else datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
