"""The secret of an installation: what its signatures hang on.

It is made at the first start and kept in ``secret`` in the data folder; the setting ``secret`` goes before it, for
installations of several machines. Nothing signs with it directly: every purpose has a key of its own (:func:`derive`).
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from avatarium.errors import OptionError, OutputError
from avatarium.settings import Settings

LENGTH = 32
"""Bytes of chance in a secret that is made here, and the fewest characters of one that is given."""


def load_secret(settings: Settings) -> bytes:
    """The secret of this installation, made if there is none; processes that start together agree on one.

    Raises:
        OptionError: the secret that is set or kept is too short.
        OutputError: there is none and none can be kept in the data folder.
    """
    given = settings.secret.get_secret_value()
    if given:
        return _checked(given.encode(), "AVATARIUM_SECRET")
    path = settings.home / "secret"
    try:
        if not path.exists():
            _make(path)
        return _checked(path.read_bytes().strip(), str(path))
    except OSError as problem:
        raise OutputError(
            f"The secret of this installation cannot be kept in {path} ({problem.strerror}). "
            "Make the data folder writable, or set AVATARIUM_SECRET.",
            code="secret_not_kept",
        ) from problem


def derive(secret: bytes, purpose: str) -> bytes:
    """The key for one purpose (32 bytes): knowing it tells nothing about the secret or the keys of other purposes."""
    return hmac.digest(secret, f"avatarium:{purpose}".encode(), hashlib.sha256)


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".secret-{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(LENGTH))
            file.flush()
            os.fsync(file.fileno())
        # A link is made whole or not at all, and never over one that another process made first.
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def _checked(secret: bytes, where: str) -> bytes:
    if len(secret) < LENGTH:
        raise OptionError(
            f"The secret in {where} is too short: it needs {LENGTH} characters or more. `openssl rand -hex 32` makes "
            "a good one.",
            code="bad_secret",
        )
    return secret
