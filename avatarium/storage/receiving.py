"""Uploads as they come in: bounded while they flow, checked when they are whole."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator

from avatarium.errors import RequestError, TooLargeError
from avatarium.settings import Settings
from avatarium.storage.records import already_uploaded, no_room
from avatarium.storage.signing import Claims, plain_type, wrong_size
from avatarium.storage.sniff import HEAD_BYTES, Kind, advice, described, sniff

UPLOADS = "uploads"
UNKNOWN_TYPE = "application/octet-stream"
TYPE_MAX = 128
_TYPE = re.compile(r"(image|audio|video)/[a-z0-9][a-z0-9.+-]*")


def owner_of_upload(key: str) -> str:
    """Whose upload a key names: ``uploads/<owner>/...``; the signature has said that it may be written.

    Raises:
        RequestError: ``bad_key``.
    """
    parts = key.split("/")
    if len(parts) < 3 or parts[0] != UPLOADS:
        raise RequestError("Nothing can be uploaded under this name. Ask for an address.", code="bad_key")
    return parts[1]


def check_wish(media_type: str | None, size_bytes: int | None, limit_bytes: int) -> None:
    """Refuse to make an address for what is never taken: an empty or too large file, or a type that browsers run.

    Raises:
        RequestError: ``empty_upload``, ``upload_type``.
        TooLargeError: ``too_large``.
    """
    if size_bytes is not None and size_bytes <= 0:
        raise RequestError("The size of the file must be 1 byte or more.", code="empty_upload")
    if size_bytes is not None and size_bytes > limit_bytes:
        raise too_large(limit_bytes)
    if media_type is not None and not _is_taken(media_type):
        raise RequestError(
            f"Files of the type {media_type[:100]!r} are not taken. Upload a picture, a sound or a video.",
            code="upload_type",
        )


def _is_taken(media_type: str) -> bool:
    plain = plain_type(media_type)
    plausible = len(media_type) <= TYPE_MAX and media_type.isascii() and media_type.isprintable()
    return plausible and (plain == UNKNOWN_TYPE or (bool(_TYPE.fullmatch(plain)) and not plain.endswith("+xml")))


def bounded(
    chunks: Iterable[bytes], claims: Claims, settings: Settings, *, room_bytes: int, head: bytearray
) -> Iterator[bytes]:
    """The chunks, until there are too many; their beginning is kept in ``head``.

    Raises:
        TooLargeError: ``too_large``, ``quota``.
        RequestError: ``wrong_size``.
    """
    seen = 0
    for chunk in chunks:
        seen += len(chunk)
        if claims.size_bytes is not None and seen > claims.size_bytes:
            raise wrong_size(claims.size_bytes)
        if seen > settings.upload_max_bytes:
            raise too_large(settings.upload_max_bytes)
        if seen > room_bytes:
            raise no_room(settings.quota_bytes)
        if len(head) < HEAD_BYTES:
            head += chunk[: HEAD_BYTES - len(head)]
        yield chunk


def check_received(head: bytes, size_bytes: int, claims: Claims) -> str:
    """The type that the bytes of a whole upload show; never one that a browser would run.

    Raises:
        RequestError: ``empty_upload``, ``wrong_size``, ``upload_type``.
    """
    if size_bytes == 0:
        raise RequestError("The file is empty. Send its bytes as the body of the PUT.", code="empty_upload")
    if claims.size_bytes not in (None, size_bytes):
        raise wrong_size(claims.size_bytes or 0)
    found = sniff(head)
    if found is None and claims.media_type and plain_type(claims.media_type) != UNKNOWN_TYPE:
        raise RequestError(
            f"The file is {described(head)}, not {claims.media_type}. {advice(Kind.ANY)}", code="upload_type"
        )
    return found.media_type if found else UNKNOWN_TYPE


def check_repeat(chunks: Iterable[bytes], kept: Iterable[bytes], size_bytes: int) -> None:
    """Let an upload pass that comes again, as the answer to it may have been lost: its bytes are those that are kept.

    Raises:
        ConflictError: ``already_uploaded``: it is another file.
    """
    came, known, seen = hashlib.sha256(), hashlib.sha256(), 0
    for chunk in chunks:
        came.update(chunk)
        seen += len(chunk)
        if seen > size_bytes:
            raise already_uploaded()
    for block in kept:
        known.update(block)
    if came.digest() != known.digest():
        raise already_uploaded()


def too_large(limit_bytes: int) -> TooLargeError:
    """The error for an upload over the limit of the service."""
    return TooLargeError(
        f"The file is larger than the {limit_bytes / 2**20:.4g} MB that are taken. Make it smaller.", code="too_large"
    )
