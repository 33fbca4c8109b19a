"""Keeping libraries written in C++ from talking to the user."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from avatarium.chatter import is_chatter


@contextmanager
def native_chatter_hidden() -> Iterator[None]:
    """Drop informative lines that are written to file descriptor 2 meanwhile; everything else appears at the end.

    For the whole process: only its outer edge may use this, and for a short time.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        real = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(real, 2)
            os.close(real)
            held.seek(0)
            for line in held:
                if not is_chatter(line):
                    os.write(2, line)
