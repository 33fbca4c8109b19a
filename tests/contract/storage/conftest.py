"""Storage in each of its places: the local disk, and real S3 services."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from avatarium.clock import Clock
from avatarium.database import Database, metadata
from avatarium.settings import load_settings
from avatarium.storage import Storage
from tests.contract.storage import servers
from tests.contract.storage.servers import S3Server

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(200))
SWIFT = pytest.param("swift", marks=pytest.mark.long)
"""Its five servers take their time to start."""
StorageMaker = Callable[..., Storage]


@pytest.fixture(scope="session")
def nanio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A running nanio."""
    with servers.nanio(tmp_path_factory.mktemp("nanio")) as server:
        yield server


@pytest.fixture(scope="session")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A running Swift, where it is installed."""
    if reason := servers.swift_is_missing():
        pytest.skip(f"Swift is {reason}")
    with servers.swift(tmp_path_factory.mktemp("swift")) as server:
        yield server


@pytest.fixture(params=["nanio", SWIFT])
def s3(request: pytest.FixtureRequest) -> S3Server:
    """Each S3 service in turn."""
    server: S3Server = request.getfixturevalue(request.param)
    return server


@pytest.fixture(params=["local", "nanio", SWIFT])
def place(request: pytest.FixtureRequest) -> dict[str, str]:
    """The settings of each place in turn."""
    if request.param == "local":
        return {}
    server: S3Server = request.getfixturevalue(request.param)
    return server.settings


@pytest.fixture
def make_storage(tmp_path: Path) -> Iterator[StorageMaker]:
    """Opens a storage of an own installation with further settings."""
    opened: list[Database] = []

    def make(*, clock: Clock | None = None, **settings: object) -> Storage:
        chosen = load_settings(home=tmp_path / "home", **settings)
        database = Database.open(chosen.database)
        opened.append(database)
        metadata.create_all(database.engine)
        return Storage.open(chosen, database, clock or Clock())

    yield make
    for database in opened:
        database.close()
