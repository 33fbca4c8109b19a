"""Calls that are sent twice: an ``Idempotency-Key`` stands for one booking, or one extension, and costs once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from sqlalchemy import Connection

from avatarium.errors import ConflictError
from avatarium.streaming import repository
from avatarium.streaming.booking import BookRequest
from avatarium.streaming.models import Room


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """What is to be done once."""

    key: str | None
    """None where the caller sent none: each call is one of its own."""
    digest: str
    """Of what is asked for. The ticket of a line is no part of it: who waits sends another with the same key."""

    @classmethod
    def of(cls, request: BookRequest, key: str | None) -> Once:
        """A booking."""
        asked = {name: value for name, value in asdict(request).items() if name != "ticket"}
        return cls(key=(key or "").strip() or None, digest=_hash(json.dumps(asked, sort_keys=True)))


def booked_before(c: Connection, owner: str, once: Once) -> Room | None:
    """The room that a key stands for; None where there is none.

    Raises:
        ConflictError: ``idempotency_key_reused``: it was another that was asked for.
    """
    known = None if once.key is None else repository.find_by_key(c, once.key, owner=owner)
    if known is not None and known.request_hash != once.digest:
        raise _reused()
    return known


def extended_before(room: Room, seconds: int, key: str | None) -> bool:
    """Whether a room was extended under a key.

    Raises:
        ConflictError: ``idempotency_key_reused``: by another time.
    """
    known = room.extensions.get(_hash(key.strip())) if key and key.strip() else None
    if known is not None and known != seconds:
        raise _reused()
    return known is not None


def with_extension(room: Room, seconds: int, key: str | None) -> dict[str, int]:
    """The extensions of a room with one more."""
    return room.extensions | ({_hash(key.strip()): seconds} if key and key.strip() else {})


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _reused() -> ConflictError:
    return ConflictError(
        "This Idempotency-Key was used for another request. Use a new key for a new request.",
        code="idempotency_key_reused",
    )
