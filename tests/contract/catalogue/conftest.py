"""A catalogue on each database, with two users."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from avatarium.accounts.service import Accounts
from avatarium.catalogue.service import Catalogue
from avatarium.clock import ManualClock
from avatarium.database import Database
from avatarium.settings import Settings, load_settings
from avatarium.storage.fetch import Fetcher
from avatarium.storage.service import Storage


@dataclass(frozen=True)
class Shop:
    """A catalogue and what stands around it."""

    settings: Settings
    database: Database
    clock: ManualClock
    storage: Storage
    fetcher: Fetcher
    catalogue: Catalogue
    ada: str
    ben: str


@pytest.fixture
def shop(tmp_path: Path, database: Database, web: tuple[Path, str]) -> Shop:
    settings = load_settings(home=tmp_path / "home", fetch_allow=[web[1]], quota_bytes=1 << 20)
    clock = ManualClock()
    storage = Storage.open(settings, database, clock)
    accounts = Accounts(database, clock, settings)
    return Shop(
        settings=settings,
        database=database,
        clock=clock,
        storage=storage,
        fetcher=Fetcher(settings, storage),
        catalogue=Catalogue(database=database, storage=storage, clock=clock),
        ada=accounts.add_user("Ada").id,
        ben=accounts.add_user("Ben").id,
    )
