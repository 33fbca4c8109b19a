"""Identifiers as the API knows them: 24 hexadecimal digits, the form of a MongoDB ObjectId."""

from __future__ import annotations

import hashlib
import re
import secrets
import time

LENGTH = 24
_ID = re.compile(r"[0-9a-f]{24}")


def new_id() -> str:
    """A fresh identifier: four bytes of time, so that they sort roughly by age, and eight of chance."""
    return f"{int(time.time()) & 0xFFFFFFFF:08x}{secrets.token_hex(8)}"


def stable_id(kind: str, name: str) -> str:
    """The same identifier for the same name on every installation: for what ships with Avatarium."""
    return hashlib.sha256(f"avatarium:{kind}:{name}".encode()).hexdigest()[:LENGTH]


def is_id(text: str) -> bool:
    """Whether a text has the form of an identifier."""
    return _ID.fullmatch(text) is not None
