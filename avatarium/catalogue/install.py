"""Puts the pictures that ship into storage. For `migrate`, which may load the picture libraries."""

from __future__ import annotations

import io

from avatarium.catalogue.shipped import shipped_avatars, shipped_files
from avatarium.errors import NotFoundError
from avatarium.storage.models import SYSTEM_OWNER
from avatarium.storage.service import Storage

COVER_HEIGHT = 640
"""Pixels of the pictures for lists."""


def install(storage: Storage) -> int:
    """Store what is not there yet or has changed with this version; tell how many pictures.

    Raises:
        UnavailableError: ``storage_full``, ``storage_away``.
    """
    written = 0
    portraits: dict[str, bytes] = {}
    for file in shipped_files():
        data = file.source.read_bytes()
        portraits[file.key] = data
        written += _put(storage, file.key, data, file.media_type)
    for avatar in shipped_avatars():
        cover = _cover(portraits[avatar.picture_key])
        written += _put(storage, avatar.cover_key, cover, "image/jpeg")
    return written


def _put(storage: Storage, key: str, data: bytes, media_type: str) -> bool:
    if _stored(storage, key) == data:
        return False
    storage.put(key, data, owner=SYSTEM_OWNER, media_type=media_type, expires_ms=None)
    return True


def _stored(storage: Storage, key: str) -> bytes | None:
    if storage.info(key) is None:
        return None
    try:
        return b"".join(storage.read(key))
    except NotFoundError:
        return None


def _cover(portrait: bytes) -> bytes:
    """A small JPEG; the same bytes for the same portrait and library."""
    from PIL import Image

    with Image.open(io.BytesIO(portrait)) as image:
        small = image.convert("RGB")
    small.thumbnail((COVER_HEIGHT, COVER_HEIGHT), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=88)
    return out.getvalue()
