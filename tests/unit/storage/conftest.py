"""A storage on the local disk, and samples of files of every kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from avatarium.clock import ManualClock
from avatarium.database import Database, metadata
from avatarium.settings import Settings, load_settings
from avatarium.storage import Fetcher, Storage
from tests.unit.storage import webserver
from tests.unit.storage.webserver import Answer, Stranger


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands."""
    return ManualClock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Small limits."""
    return load_settings(
        home=tmp_path / "home",
        quota_bytes=1_000_000,
        upload_max_bytes=500_000,
        fetch_max_bytes=500_000,
        fetch_timeout_s=20,
        secret="s" * 32,
    )


@pytest.fixture
def storage(settings: Settings, clock: ManualClock) -> Iterator[Storage]:
    """An empty storage."""
    database = Database.open(settings.database)
    metadata.create_all(database.engine)
    yield Storage.open(settings, database, clock)
    database.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], Stranger]]:
    """Starts servers of strangers; they stop with the test."""
    with ExitStack() as stack:

        def start(answer: Answer) -> Stranger:
            server: AbstractContextManager[Stranger] = webserver.running(answer)
            return stack.enter_context(server)

        yield start


@pytest.fixture
def fetcher_for(settings: Settings, storage: Storage) -> Callable[..., Fetcher]:
    """A fetcher that may reach one stranger, with further settings."""

    def make(stranger: Stranger | None = None, **changes: object) -> Fetcher:
        allowed = [stranger.allowed] if stranger else []
        return Fetcher(settings.model_copy(update={"fetch_allow": allowed, **changes}), storage)

    return make
