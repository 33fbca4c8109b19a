"""Objects as files in a folder."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from avatarium.clock import DAY_MS
from avatarium.errors import ConflictError, NotFoundError
from avatarium.storage.blobs import BLOCK_BYTES, DirectUrl, Stat, blocks, full_disk_is_unavailable

INCOMING = ".incoming"
"""Holds what is being written. No key can reach it: none has a segment that starts with a dot."""
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class _Part:
    part: Path
    target: Path

    @property
    def size_bytes(self) -> int:
        return self.part.stat().st_size

    def publish(self, media_type: str) -> None:
        with full_disk_is_unavailable():
            for attempt in range(_ATTEMPTS):
                try:
                    self.target.parent.mkdir(parents=True, exist_ok=True)
                    os.replace(self.part, self.target)
                    return
                except FileNotFoundError:  # somebody removed the folder, which was empty, between the two steps
                    if attempt == _ATTEMPTS - 1:
                        raise
                except (NotADirectoryError, IsADirectoryError, FileExistsError) as problem:
                    raise ConflictError(
                        "There is a file where this name needs a folder, or the other way round. Choose another name.",
                        code="key_taken",
                    ) from problem


class LocalBlobs:
    """Files below ``root``. A reader sees the whole old file or the whole new one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / INCOMING).mkdir(parents=True, exist_ok=True)

    @contextmanager
    def stage(self, key: str, source: Path | Iterable[bytes]) -> Iterator[_Part]:
        """See :class:`~avatarium.storage.blobs.Blobs`."""
        part = self.root / INCOMING / f"{secrets.token_hex(12)}.part"
        try:
            with full_disk_is_unavailable():
                self._write(part, source)
            yield _Part(part, self._path(key))
        finally:
            part.unlink(missing_ok=True)

    def stat(self, key: str) -> Stat | None:
        """See :class:`~avatarium.storage.blobs.Blobs`."""
        try:
            facts = self._path(key).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not self._path(key).is_file():
            return None
        etag = f"{facts.st_mtime_ns:x}-{facts.st_size:x}"
        return Stat(size_bytes=facts.st_size, modified_ms=facts.st_mtime_ns // 1_000_000, etag=etag)

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """See :class:`~avatarium.storage.blobs.Blobs`."""
        try:
            file = self._path(key).open("rb")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as problem:
            raise NotFoundError("This file is not here any more.", code="file_gone") from problem
        with file:
            file.seek(start)
            left = end - start
            while left > 0 and (block := file.read(min(left, BLOCK_BYTES))):
                left -= len(block)
                yield block

    def local_path(self, key: str) -> Path | None:
        """See :class:`~avatarium.storage.blobs.Blobs`."""
        path = self._path(key)
        return path if path.is_file() else None

    def delete(self, key: str) -> None:
        """See :class:`~avatarium.storage.blobs.Blobs`."""
        path = self._path(key)
        with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
            path.unlink()
        self._prune(path.parent)

    def delete_prefix(self, prefix: str) -> None:
        """See :class:`~avatarium.storage.blobs.Blobs`."""
        folder = self._path(prefix)
        shutil.rmtree(folder, ignore_errors=True)
        self._prune(folder.parent)

    def tidy(self, now_ms: int) -> None:
        """See :class:`~avatarium.storage.blobs.Blobs`."""
        for part in (self.root / INCOMING).iterdir():
            with suppress(FileNotFoundError):
                if part.stat().st_mtime * 1000 < now_ms - DAY_MS:
                    part.unlink()

    def download_url(self, key: str, seconds: float) -> str | None:
        """See :class:`~avatarium.storage.blobs.Blobs`."""
        return None

    def upload_url(self, key: str, media_type: str | None, size_bytes: int | None, seconds: float) -> str | None:
        """See :class:`~avatarium.storage.blobs.Blobs`."""
        return None

    def parse_url(self, url: str) -> DirectUrl | None:
        """See :class:`~avatarium.storage.blobs.Blobs`."""
        return None

    def _path(self, key: str) -> Path:
        return self.root / key

    @staticmethod
    def _write(part: Path, source: Path | Iterable[bytes]) -> None:
        if isinstance(source, Path):
            shutil.copyfile(source, part)
            return
        with part.open("xb") as file:
            for block in blocks(source):
                file.write(block)

    def _prune(self, folder: Path) -> None:
        """Remove folders that became empty."""
        while folder != self.root:
            try:
                folder.rmdir()
            except OSError:
                return
            folder = folder.parent
