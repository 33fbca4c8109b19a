"""Fingerprints of files and folders."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDigest:
    """Size and sha256 of one file."""

    size: int
    sha256: str


def file_digest(path: Path, on_bytes: Callable[[int], None] | None = None) -> FileDigest:
    """Read a file once; ``on_bytes`` is told the length of every block."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
            size += len(block)
            if on_bytes:
                on_bytes(len(block))
    return FileDigest(size=size, sha256=digest.hexdigest())


def digests(root: Path, on_bytes: Callable[[int], None] | None = None) -> dict[str, FileDigest]:
    """Digest of a file (under its name) or of every file below a folder (under its path in it, sorted)."""
    if root.is_file():
        return {root.name: file_digest(root, on_bytes)}
    files = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    return {name: file_digest(root / name, on_bytes) for name in files}


def tree_sha256(files: Mapping[str, FileDigest]) -> str:
    """The sha256 of what ``sha256sum`` prints for these files in the order of their paths."""
    listing = "".join(f"{files[name].sha256}  {name}\n" for name in sorted(files))
    return hashlib.sha256(listing.encode()).hexdigest()
