"""The table of objects: what is there, whose it is, how much room each owner takes."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from avatarium.database import changed, insert_for
from avatarium.errors import ConflictError, TooLargeError
from avatarium.storage.models import SYSTEM_OWNER, StoredObject, objects

_FIELDS = [objects.c[name] for name in StoredObject.__dataclass_fields__]
_LAST = "\x7f"
"""Sorts behind every character of a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Room for an object whose bytes are not in their place yet."""

    key: str
    token: str
    before: StoredObject | None
    """What was recorded under the key."""
    before_token: str | None


def find(connection: Connection, key: str) -> tuple[StoredObject, bool] | None:
    """An object and whether it is still awaited."""
    row = connection.execute(sa.select(*_FIELDS, objects.c.awaited).where(objects.c.key == key)).one_or_none()
    return None if row is None else (StoredObject(**dict(zip(_names(), row, strict=False))), bool(row.awaited))


def used_bytes(connection: Connection, owner: str) -> int:
    """Bytes that the objects of an owner take, awaited ones included."""
    total = sa.func.coalesce(sa.func.sum(objects.c.size_bytes), 0)
    return int(connection.execute(sa.select(total).where(objects.c.owner == owner)).scalar_one())


def room_bytes(connection: Connection, key: str, owner: str, quota_bytes: int) -> int:
    """How large an object may be that is stored under a key, in place of what is there."""
    found = find(connection, key)
    replaced = found[0].size_bytes if found and found[0].owner == owner else 0
    return quota_bytes - used_bytes(connection, owner) + replaced


def reserve(connection: Connection, wanted: StoredObject, quota_bytes: int, *, once: bool = False) -> Reservation:
    """Write down an object before its bytes are in their place.

    A new one is awaited until :func:`confirm`; one that is replaced stays readable.

    Args:
        connection: within a transaction.
        wanted: what it will be.
        quota_bytes: for all objects of its owner.
        once: refuse where something is, or is being stored.

    Raises:
        TooLargeError: ``quota``.
        ConflictError: ``key_taken``, ``already_uploaded``.
    """
    _lock_owner(connection, wanted.owner)
    found = find(connection, wanted.key)
    if found and once:
        raise already_uploaded()
    if found and found[0].owner != wanted.owner:
        raise ConflictError("A file of this name is somebody else's. Choose another name.", code="key_taken")
    if wanted.owner != SYSTEM_OWNER:
        room = room_bytes(connection, wanted.key, wanted.owner, quota_bytes)
        if wanted.size_bytes > room:
            raise no_room(quota_bytes)
    token = secrets.token_hex(16)
    token_before = connection.execute(sa.select(objects.c.reservation).where(objects.c.key == wanted.key)).scalar()
    values = {name: getattr(wanted, name) for name in _names()} | {"reservation": token}
    insert = insert_for(connection, objects).values(**values, awaited=True)
    replaced = {name: value for name, value in values.items() if name != "expires_ms"}
    connection.execute(insert.on_conflict_do_update(index_elements=[objects.c.key], set_=replaced))
    return Reservation(key=wanted.key, token=token, before=found[0] if found else None, before_token=token_before)


def confirm(connection: Connection, made: Reservation, *, size_bytes: int, expires_ms: int | None) -> bool:
    """The bytes are there; False where somebody else has reserved or removed the object since."""
    values = {"awaited": False, "size_bytes": size_bytes, "expires_ms": expires_ms}
    return changed(connection, objects.update().where(*_is(made)).values(**values)) == 1


def arrive(connection: Connection, key: str, *, size_bytes: int, expires_ms: int | None) -> None:
    """The bytes of an awaited object were found."""
    values = {"awaited": False, "size_bytes": size_bytes, "expires_ms": expires_ms}
    connection.execute(objects.update().where(objects.c.key == key, objects.c.awaited).values(**values))


def measure(connection: Connection, key: str, size_bytes: int) -> bool:
    """Note the size of what lies there; False where nothing is recorded."""
    return changed(connection, objects.update().where(objects.c.key == key).values(size_bytes=size_bytes)) == 1


def undo(connection: Connection, made: Reservation) -> None:
    """Put back what was recorded before a reservation, unless somebody else has reserved since."""
    if made.before is None:
        connection.execute(objects.delete().where(*_is(made)))
        return
    values = {name: getattr(made.before, name) for name in _names()} | {"reservation": made.before_token}
    connection.execute(objects.update().where(*_is(made)).values(**values))


def set_duration(connection: Connection, key: str, duration_s: float) -> None:
    """Keep a length that was measured."""
    connection.execute(objects.update().where(objects.c.key == key).values(duration_s=duration_s))


def remove(connection: Connection, keys: Sequence[str]) -> int:
    """Forget objects."""
    return changed(connection, objects.delete().where(objects.c.key.in_(keys)))


def remove_prefix(connection: Connection, prefix: str) -> int:
    """Forget every object below a prefix."""
    return changed(connection, objects.delete().where(objects.c.key >= prefix, objects.c.key < prefix + _LAST))


def keep_until(connection: Connection, prefix: str, expires_ms: int | None) -> None:
    """Change when everything below a prefix expires; not of what is only announced, which may never come."""
    below = (objects.c.key >= prefix, objects.c.key < prefix + _LAST, objects.c.awaited.is_(False))
    connection.execute(objects.update().where(*below).values(expires_ms=expires_ms))


def expired(connection: Connection, now_ms: int, limit: int) -> list[tuple[StoredObject, bool]]:
    """The objects whose time is over, the oldest first, and which of them are awaited."""
    query = (
        sa.select(*_FIELDS, objects.c.awaited)
        .where(objects.c.expires_ms <= now_ms)
        .order_by(objects.c.expires_ms)
        .limit(limit)
    )
    rows = connection.execute(query)
    return [(StoredObject(**dict(zip(_names(), row, strict=False))), bool(row.awaited)) for row in rows]


def no_room(quota_bytes: int) -> TooLargeError:
    """The error for a file that an owner has no room for."""
    return TooLargeError(
        f"Your files would take more than the {quota_bytes / 2**30:.3g} GB that are yours. "
        "Delete some, or wait until they expire.",
        code="quota",
    )


def already_uploaded() -> ConflictError:
    """The error for a second file at an address that takes one."""
    return ConflictError(
        "A file was uploaded to this address already, or is just being uploaded. Ask for another address.",
        code="already_uploaded",
    )


def _is(made: Reservation) -> tuple[sa.ColumnElement[bool], ...]:
    return objects.c.key == made.key, objects.c.reservation == made.token


def _names() -> tuple[str, ...]:
    return tuple(StoredObject.__dataclass_fields__)


def _lock_owner(connection: Connection, owner: str) -> None:
    """Nobody else counts this owner's bytes until the transaction ends; SQLite has one writer at a time anyway."""
    if connection.dialect.name == "postgresql":
        name = sa.func.hashtextextended(f"objects:{owner}", 0)
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(name)))
