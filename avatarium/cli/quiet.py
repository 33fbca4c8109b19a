"""Keeping libraries written in C++ from talking to the user."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

_CHATTER = re.compile(rb"^(INFO|WARNING): |^[IW]\d{4} ")
"""TensorFlow Lite and Abseil, which write past Python and offer no way to be told otherwise."""


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
                if not _CHATTER.match(line):
                    os.write(2, line)
