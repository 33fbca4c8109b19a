"""What libraries written in C++ say without being asked."""

from __future__ import annotations

import re

_CHATTER = re.compile(rb"^(INFO|WARNING): |^[IW]\d{4} ")


def is_chatter(line: bytes) -> bool:
    """Whether a line is TensorFlow Lite's or Abseil's, which cannot be told to be quiet."""
    return _CHATTER.match(line) is not None
