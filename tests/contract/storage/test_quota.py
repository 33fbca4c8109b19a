"""A quota holds on both databases, however many store at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sqlalchemy as sa

from avatarium.clock import Clock
from avatarium.database import Database
from avatarium.errors import TooLargeError
from avatarium.settings import load_settings
from avatarium.storage import Storage
from avatarium.storage.models import objects

SIZE, ROOM, ATTEMPTS = 1000, 10, 40


def test_many_at_once_stay_within_the_quota(database: Database, tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, quota_bytes=SIZE * ROOM)
    storage = Storage.open(settings, database, Clock())

    def put(number: int) -> bool:
        try:
            storage.put(f"results/anna/{number}", bytes(SIZE), owner="anna", media_type="video/mp4", expires_ms=None)
        except TooLargeError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        stored = list(pool.map(put, range(ATTEMPTS)))
    assert sum(stored) == ROOM
    assert storage.used_bytes("anna") == SIZE * ROOM
    files = [path for path in (tmp_path / "objects").rglob("*") if path.is_file()]
    assert len(files) == ROOM


def test_prefixes_are_exact_on_both_databases(database: Database, tmp_path: Path) -> None:
    storage = Storage.open(load_settings(home=tmp_path), database, Clock())
    keys = ["results/anna/a/1", "results/anna/a/Z/2", "results/anna/a_/3", "results/anna/ab/4", "results/Anna/a/5"]
    for key in keys:
        storage.put(key, b"bytes", owner="anna", media_type="video/mp4", expires_ms=None)
    storage.delete_prefix("results/anna/a/")
    with database.read() as connection:
        left = connection.execute(sa.select(objects.c.key)).scalars().all()
    assert sorted(left) == sorted(keys[2:])
