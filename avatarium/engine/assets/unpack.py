"""Taking files out of wheels and tarballs that nobody vouches for but their sha256."""

from __future__ import annotations

import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from avatarium.engine.assets.digest import BLOCK_BYTES
from avatarium.engine.assets.records import Package
from avatarium.errors import AssetError

_UNREADABLE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError)


def unpack(archive: Path, package: Package, target: Path, *, limit: int) -> None:
    """Write what ``package`` takes into ``target``, under the paths that it has in the archive.

    Only regular files that a take names are written, never outside ``target``, and at most ``limit`` bytes in all.

    Raises:
        AssetError: ``asset_unsafe`` for a path that climbs out, a link or too many bytes; ``asset_corrupt`` for an
            archive that cannot be read.
    """
    left = limit
    try:
        for name, stream in _members(archive, package):
            left = _write(stream, safe_path(target, name, package), left, package)
    except _UNREADABLE as error:
        raise AssetError(f"{package.label} is broken and was not used ({error}).", code="asset_corrupt") from error


def wanted(name: str, package: Package) -> bool:
    """Whether a take of the package names this path."""
    return any(
        name.startswith(take.member) if take.member.endswith("/") else name == take.member for take in package.takes
    )


def safe_path(target: Path, name: str, package: Package) -> Path:
    """Where a member goes; refuses whatever is not plainly below ``target``."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or ":" in parts[0]:
        raise _unsafe(package, f"the path {name!r}")
    return target.joinpath(*parts)


def _members(archive: Path, package: Package) -> Iterator[tuple[str, IO[bytes]]]:
    with _open_members(archive) as members:
        for name, is_link, stream in members:
            if not wanted(name, package):
                continue
            if is_link or stream is None:
                raise _unsafe(package, f"the link {name!r}")
            with stream:
                yield name, stream


@contextmanager
def _open_members(archive: Path) -> Iterator[Iterator[tuple[str, bool, IO[bytes] | None]]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as wheel:
            yield _zip_members(wheel)
    else:
        with tarfile.open(archive) as tarball:
            yield _tar_members(tarball)


def _zip_members(wheel: zipfile.ZipFile) -> Iterator[tuple[str, bool, IO[bytes] | None]]:
    for info in wheel.infolist():
        if not info.is_dir():
            yield info.filename, stat.S_ISLNK(info.external_attr >> 16), wheel.open(info)


def _tar_members(tarball: tarfile.TarFile) -> Iterator[tuple[str, bool, IO[bytes] | None]]:
    for info in tarball:
        if not info.isdir():
            yield info.name, not info.isreg(), tarball.extractfile(info) if info.isreg() else None


def _write(stream: IO[bytes], path: Path, left: int, package: Package) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        while block := stream.read(BLOCK_BYTES):
            left -= len(block)
            if left < 0:
                raise _unsafe(package, "more bytes than the manifest names")
            file.write(block)
    return left


def _unsafe(package: Package, what: str) -> AssetError:
    return AssetError(
        f"{package.label} holds {what}, which is not safe to unpack; it was not used.", code="asset_unsafe"
    )
