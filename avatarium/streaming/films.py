"""What the file of an avatar from a video says of itself, read where it lies; loads no media library."""

from __future__ import annotations

import functools
import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any

from avatarium.errors import AvatariumError
from avatarium.storage.service import Storage

RECORD = "manifest.json"
RECORD_MAX_BYTES = 1 << 20
AHEAD_BYTES = 1 << 14
"""Read at once: the end of the file, with the list of what it holds, and its record take two or three requests."""
KEPT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """A film that an avatar is shown by."""

    width: int
    height: int
    cut_out: bool
    """Whether the person can be shown without the film's own ground."""


class Films:
    """The films of avatars from videos. Threads may share it.

    Args:
        storage: where their files are.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        # A file is written once, under a key that is used for no other.
        self._known = functools.lru_cache(maxsize=KEPT)(self._read)

    def film(self, key: str) -> Film | None:
        """What is known of a twin's file; None where it cannot be read, which its stage tells whoever comes."""
        try:
            return self._known(key)
        except (AvatariumError, zipfile.BadZipFile, OSError, ValueError, KeyError, TypeError, RuntimeError):
            return None

    def _read(self, key: str) -> Film:
        stat = self._storage.stat(key)
        if stat is None:
            raise KeyError(key)
        with zipfile.ZipFile(io.BufferedReader(_Stored(self._storage, key, stat.size_bytes), AHEAD_BYTES)) as archive:
            if archive.getinfo(RECORD).file_size > RECORD_MAX_BYTES:
                raise ValueError("record")
            told: dict[str, Any] = json.loads(archive.read(RECORD))
        width, height = int(told["width"]), int(told["height"])
        if min(width, height) < 1:
            raise ValueError("size")
        return Film(width=width, height=height, cut_out=bool(told.get("has_alpha")))


class _Stored(io.RawIOBase):
    """An object in storage as a file that is read here and there."""

    def __init__(self, storage: Storage, key: str, size_bytes: int) -> None:
        self._storage, self._key, self._size = storage, key, size_bytes
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence], 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        end = min(self._at + len(buffer), self._size)
        if end <= self._at:
            return 0
        block = b"".join(self._storage.read_range(self._key, self._at, end))
        buffer[: len(block)] = block
        self._at += len(block)
        return len(block)
