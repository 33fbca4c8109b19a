"""Passwords, kept as scrypt (RFC 7914) with their parameters: ``scrypt$LOG2_N$R$P$SALT$HASH``."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading

from avatarium.errors import BusyError, RequestError

SHORTEST, LONGEST = 8, 256
LOG2_N, R, P = 15, 8, 3  # 32 MB and about 0.2 s, as OWASP's cheat sheet advises
_MEMORY_BYTES = 256 << 20
_AT_ONCE = threading.BoundedSemaphore(2)  # each takes 32 MB: a flood of log-ins must not take them all
_WAIT_S = 10


def hash_password(password: str) -> str:
    """What to keep of a password.

    Raises:
        RequestError: it is too short or too long.
        BusyError: too many are being hashed.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise RequestError(f"A password needs {SHORTEST} to {LONGEST} characters.", code="bad_password")
    salt = secrets.token_bytes(16)
    return "$".join(("scrypt", str(LOG2_N), str(R), str(P), _text(salt), _text(_scrypt(password, salt, LOG2_N, R, P))))


def is_password(password: str, kept: str | None) -> bool:
    """Whether a password is the one that was kept; takes as long where none was."""
    if len(password) > LONGEST:
        return False
    _, log2_n, r, p, salt, digest = (kept or _NOBODYS).split("$")
    found = _scrypt(password, base64.b64decode(salt), int(log2_n), int(r), int(p))
    return hmac.compare_digest(found, base64.b64decode(digest)) and kept is not None


def _scrypt(password: str, salt: bytes, log2_n: int, r: int, p: int) -> bytes:
    if not _AT_ONCE.acquire(timeout=_WAIT_S):
        raise BusyError("Too many people are logging in. Try again soon.", code="busy_login", retry_after_s=_WAIT_S)
    try:
        secret = password.encode("utf-8", "surrogatepass")
        return hashlib.scrypt(secret, salt=salt, n=1 << log2_n, r=r, p=p, maxmem=_MEMORY_BYTES, dklen=32)
    finally:
        _AT_ONCE.release()


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


_NOBODYS = "$".join(("scrypt", str(LOG2_N), str(R), str(P), _text(bytes(16)), _text(bytes(32))))
