"""Where strangers' files lie while they are looked at: a folder for each, gone when that is done."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from avatarium.clock import DAY_MS

FOLDER = "incoming"
"""In the data folder."""
KEPT_MS = DAY_MS
"""Far longer than any request takes."""


@contextmanager
def working_folder(home: Path) -> Iterator[Path]:
    """A folder for the time of the block."""
    place = home / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def tidy(home: Path, now_ms: int) -> None:
    """Remove the folders of processes that died in the middle."""
    with suppress(FileNotFoundError):
        for left in (home / FOLDER).iterdir():
            with suppress(FileNotFoundError):
                if left.stat().st_mtime * 1000 < now_ms - KEPT_MS:
                    shutil.rmtree(left, ignore_errors=True)
