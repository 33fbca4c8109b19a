"""Uploads as they come in: bounded while they flow, checked when they are whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from avatarium.errors import RequestError, TooLargeError
from avatarium.settings import Settings
from avatarium.storage.records import no_room
from avatarium.storage.signing import Claims, plain_type, wrong_size
from avatarium.storage.sniff import HEAD_BYTES, Kind, advice, described, sniff

UPLOADS = "uploads"
UNKNOWN_TYPE = "application/octet-stream"


def owner_of_upload(key: str) -> str:
    """Whose upload a key names: ``uploads/<owner>/...``; the signature has said that it may be written.

    Raises:
        RequestError: ``bad_key``.
    """
    parts = key.split("/")
    if len(parts) < 3 or parts[0] != UPLOADS:
        raise RequestError("Nothing can be uploaded under this name. Ask for an address.", code="bad_key")
    return parts[1]


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


def too_large(limit_bytes: int) -> TooLargeError:
    """The error for an upload over the limit of the service."""
    return TooLargeError(
        f"The file is larger than the {limit_bytes / 2**20:.4g} MB that are taken. Make it smaller.", code="too_large"
    )
