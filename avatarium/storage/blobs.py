"""What a place for bytes can do; the local disk and S3 are two."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from avatarium.errors import UnavailableError

BLOCK_BYTES = 1 << 20
_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """The bytes of an object as they lie in their place."""

    size_bytes: int
    modified_ms: int
    etag: str
    """Changes with the bytes; without quotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectUrl:
    """An address of the place itself, taken apart."""

    key: str
    signed: bool
    expired: bool


class Staged(Protocol):
    """Bytes that have arrived and that nobody can read yet."""

    @property
    def size_bytes(self) -> int:
        """How many there are."""

    def publish(self, media_type: str) -> None:
        """Put them under their key, in one step, in place of what was there."""


class Blobs(Protocol):
    """Bytes under keys. Keys were checked before; the same key may be written again."""

    def stage(self, key: str, source: Path | Iterable[bytes]) -> AbstractContextManager[Staged]:
        """Bring bytes in; what is not published within the context is thrown away.

        Raises:
            UnavailableError: ``storage_full``, ``storage_away``.
        """

    def stat(self, key: str) -> Stat | None:
        """Size and age, None where nothing is."""

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes from ``start`` up to but without ``end``, in blocks.

        Raises:
            NotFoundError: ``file_gone``.
        """

    def local_path(self, key: str) -> Path | None:
        """The file, where it is one of this machine and there."""

    def delete(self, key: str) -> None:
        """Remove it, if it is there."""

    def delete_prefix(self, prefix: str) -> None:
        """Remove everything below a prefix that ends with a slash."""

    def tidy(self, now_ms: int) -> None:
        """Remove what processes that died left half-done."""

    def download_url(self, key: str, seconds: float) -> str | None:
        """An address of the place itself; None where the service must serve the bytes."""

    def upload_url(self, key: str, media_type: str | None, size_bytes: int | None, seconds: float) -> str | None:
        """An address of the place itself that takes exactly this type and size; None as above."""

    def parse_url(self, url: str) -> DirectUrl | None:
        """What an address of the place itself says; None where it is another."""


def blocks(source: Path | Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of a file, or the pieces as they come."""
    if not isinstance(source, Path):
        yield from source
        return
    with source.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            yield block


@contextmanager
def full_disk_is_unavailable() -> Iterator[None]:
    """Turn the system's word for a full disk into ours.

    Raises:
        UnavailableError: ``storage_full``.
    """
    try:
        yield
    except OSError as problem:
        if problem.errno not in _FULL:
            raise
        raise UnavailableError(
            "The disk of the service is full. Try again later, or tell whoever runs it.",
            code="storage_full",
            retry_after_s=60,
        ) from problem
