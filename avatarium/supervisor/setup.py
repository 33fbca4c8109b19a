"""Makes an installation out of an empty folder, or of one that an older version left."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog

from avatarium import migrations
from avatarium.accounts.service import Accounts
from avatarium.catalogue.install import install
from avatarium.clock import Clock
from avatarium.database import Database
from avatarium.errors import UnavailableError
from avatarium.settings import Settings
from avatarium.storage.service import Storage

PATIENCE_S = 60.0
"""How long a database or storage may need to come up beside us."""
PAUSE_S = 1.0
FIRST_KEY = "first key"
T = TypeVar("T")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUp:
    """What was done."""

    migrated: bool
    installed: int
    """Pictures that ship and were put into the storage."""
    admin: str
    key: str = ""
    """The key of the admin, if this call made one; it is kept nowhere."""


def set_up(settings: Settings, clock: Clock) -> SetUp:
    """Migrate the database, store what ships, make the first admin. Nothing happens where all is done.

    Raises:
        AvatariumError: it cannot be.
    """
    database = Database.open(settings.database)
    try:
        migrated = patiently(lambda: migrations.upgrade(database), clock)
        if migrated:
            log.info("migrated", version=migrations.head())
        storage = Storage.open(settings, database, clock)
        installed = patiently(lambda: install(storage), clock)
        key = first_key(Accounts(database, clock, settings), settings)
        return SetUp(migrated=migrated, installed=installed, admin=settings.admin_name, key=key)
    finally:
        database.close()


def first_key(accounts: Accounts, settings: Settings) -> str:
    """Make the first admin, and answer with a key; empty where there are users."""
    if accounts.list_users(limit=1)[1]:
        return ""
    admin, made = accounts.ensure_admin()
    return accounts.create_key(admin.id, alias=FIRST_KEY)[1] if made else ""


def patiently(work: Callable[[], T], clock: Clock) -> T:
    """Do what may have to wait for a part that comes up a little later than we do.

    Raises:
        UnavailableError: it did not come up in time.
    """
    until_s = clock.monotonic_s() + PATIENCE_S
    while True:
        try:
            return work()
        except UnavailableError as problem:
            if clock.monotonic_s() >= until_s:
                raise
            log.warning("waiting", reason=problem.message)
            time.sleep(PAUSE_S)
