"""How many connections to its database a process keeps."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from avatarium.platform import MEDIA_POOL_SIZE, MediaPlatform
from avatarium.settings import load_settings


def test_a_media_process_kept_as_many_connections_as_the_api(database_url: str, tmp_path: Path) -> None:
    platform = MediaPlatform.open(load_settings(home=tmp_path, database_url=database_url))
    with ExitStack() as stack:
        for _ in range(2 * MEDIA_POOL_SIZE):
            stack.enter_context(platform.database.read())
    assert platform.database.engine.pool.checkedin() == MEDIA_POOL_SIZE  # type: ignore[attr-defined]
    platform.close()
