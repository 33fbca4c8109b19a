"""A house to book rooms in, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from avatarium.database import Database
from tests.support.live_house import House, made_house


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    return made_house(database, tmp_path)
