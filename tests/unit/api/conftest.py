"""An installation behind the API."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from starlette.testclient import TestClient

from tests.unit.api.kit import House, house, trial


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[House]:
    """With the routes for trial."""
    with house(tmp_path) as made:
        made.add(trial())
        yield made


@pytest.fixture
def client(installation: House) -> Iterator[TestClient]:
    """Of the user."""
    with installation.client(installation.user_key) as made:
        yield made


@pytest.fixture
def admin(installation: House) -> Iterator[TestClient]:
    """Of the administrator."""
    with installation.client(installation.admin_key) as made:
        yield made


@pytest.fixture
def stranger(installation: House) -> Iterator[TestClient]:
    """Somebody without a key."""
    with installation.client() as made:
        yield made


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Logs as they were, after a test that sets them up."""
    root = logging.getLogger()
    handlers, level, before = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:], root.level = handlers, level
    structlog.configure(**before)
