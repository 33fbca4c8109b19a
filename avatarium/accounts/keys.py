"""API keys in the database: the text is shown once and only its SHA-256 is kept.

A key is 256 bits of chance, so that a plain hash is as good as a slow one.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy import Connection

from avatarium.accounts.models import ApiKey, Scope, api_keys, key_of
from avatarium.database import changed
from avatarium.errors import BusyError, NotFoundError, RequestError
from avatarium.ids import new_id

PREFIX = "sk_"
SHOWN = 8
"""Characters that are kept to know a key by: 5 of its 43, which leaves 226 bits."""
KEYS_MAX = 100
"""Keys of one user that are not revoked."""
ALIAS_LONGEST = 128
ORIGINS_MAX = 20
USED_EVERY_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a new key shall be, checked."""

    alias: str
    scopes: frozenset[str]
    origins: tuple[str, ...]
    expires_ms: int | None


def new_text() -> str:
    """A fresh key."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(text: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def insert(c: Connection, user_id: str, text: str, wanted: Wanted, *, now_ms: int) -> ApiKey:
    """Keep a new key."""
    mine = (api_keys.c.user_id == user_id, api_keys.c.revoked_ms.is_(None))
    if c.execute(sa.select(sa.func.count()).select_from(api_keys).where(*mine)).scalar_one() >= KEYS_MAX:
        raise BusyError(f"There are {KEYS_MAX} keys already. Revoke some that are not used.", code="too_many_keys")
    row = {
        **{"id": new_id(), "user_id": user_id, "alias": wanted.alias, "prefix": text[:SHOWN], "digest": digest(text)},
        **{"scopes": sorted(wanted.scopes), "origins": list(wanted.origins)},
        **{"created_ms": now_ms, "expires_ms": wanted.expires_ms},
    }
    c.execute(sa.insert(api_keys).values(row))
    return key_of(c.execute(sa.select(api_keys).where(api_keys.c.id == row["id"])).one())


def of_user(c: Connection, user_id: str) -> list[ApiKey]:
    """The keys of a user that are not revoked, newest first."""
    mine = (api_keys.c.user_id == user_id, api_keys.c.revoked_ms.is_(None))
    query = sa.select(api_keys).where(*mine).order_by(api_keys.c.created_ms.desc(), api_keys.c.id.desc())
    return [key_of(row) for row in c.execute(query)]


def revoke(c: Connection, user_id: str, key_id: str, *, now_ms: int) -> None:
    """End a key; one that is not there, somebody else's or revoked is not found."""
    mine = (api_keys.c.id == key_id, api_keys.c.user_id == user_id, api_keys.c.revoked_ms.is_(None))
    if not changed(c, sa.update(api_keys).where(*mine).values(revoked_ms=now_ms)):
        raise NotFoundError("There is no such key.", code="no_such_key")


def note_use(c: Connection, key_id: str, *, now_ms: int) -> None:
    """Remember that a key was used, unless another process has within the minute."""
    stale = sa.or_(
        api_keys.c.used_ms.is_(None),
        api_keys.c.used_ms > now_ms,
        api_keys.c.used_ms <= now_ms - USED_EVERY_MS,
    )
    c.execute(sa.update(api_keys).where(api_keys.c.id == key_id, stale).values(used_ms=now_ms))


def is_stale(used_ms: int | None, now_ms: int) -> bool:
    """Whether the use of a key should be noted again; also where the clock was set back."""
    return used_ms is None or not 0 <= now_ms - used_ms < USED_EVERY_MS


def checked_scopes(scopes: Iterable[str]) -> frozenset[str]:
    """The scopes, all of which exist, or RequestError."""
    found = frozenset(scopes)
    unknown = found - set(Scope)
    if unknown:
        raise RequestError(f"There is no scope {min(unknown)!r}. Choose from {', '.join(Scope)}.", code="unknown_scope")
    return frozenset(str(scope) for scope in found)


def checked_alias(alias: str) -> str:
    """A label that fits, or RequestError."""
    alias = alias.strip()
    if len(alias) > ALIAS_LONGEST or not alias.isprintable():
        raise RequestError(
            f"A label has at most {ALIAS_LONGEST} characters, all of which can be printed.", code="bad_alias"
        )
    return alias


def checked_origins(origins: Iterable[str]) -> tuple[str, ...]:
    """Origins in the form in which browsers send them (RFC 6454), or RequestError."""
    found = tuple(dict.fromkeys(origin_of(origin) for origin in origins))
    if len(found) > ORIGINS_MAX:
        raise RequestError(f"A key has at most {ORIGINS_MAX} origins.", code="bad_origin")
    return found


def origin_of(text: str) -> str:
    """``HTTPS://Example.com:443/`` as ``https://example.com``."""
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise RequestError(f"{text!r} is no origin; write it as https://example.com.", code="bad_origin")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, usual) else "")
