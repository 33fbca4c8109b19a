"""The clock by which requests are counted, standing still: tests that begin at the end of a minute say the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch


@contextmanager
def still_window() -> Iterator[list[float]]:
    """The time now, to be turned; it stands at the beginning of a window."""
    at = [1_700_000_040.0]  # a whole number of minutes
    assert at[0] % 60 == 0
    with patch("limits.storage.memory.time.time", lambda: at[0]):
        yield at
