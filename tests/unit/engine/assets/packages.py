"""Small packages made on the fly: wheels that pip and uv take from a folder, and tarballs that a false npm gives."""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from avatarium.engine.assets.digest import FileDigest, tree_sha256
from avatarium.engine.assets.records import Asset, Contents, Package, Registry, Take


def sha256(data: bytes) -> str:
    """Hex digest."""
    return hashlib.sha256(data).hexdigest()


def tree(files: Mapping[str, bytes]) -> str:
    """Digest of a folder with these files."""
    return tree_sha256({name: FileDigest(size=len(data), sha256=sha256(data)) for name, data in files.items()})


def make_wheel(folder: Path, name: str, files: Mapping[str, bytes], takes: Sequence[Take]) -> Package:
    """Write ``NAME-1.0-py3-none-any.whl`` and answer with its entry for a manifest."""
    module = name.replace("-", "_")
    info = f"{module}-1.0.dist-info"
    metadata = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    everything = {**files, **metadata}
    record = "".join(f"{path},,\n" for path in [*everything, f"{info}/RECORD"])
    wheel = folder / f"{module}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, data in {**everything, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(zipfile.ZipInfo(path), data)
    return entry(Registry.PYPI, name, wheel.read_bytes(), takes)


def make_tarball(files: Mapping[str, bytes]) -> bytes:
    """A gzipped tar archive of regular files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, data in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def entry(registry: Registry, name: str, data: bytes, takes: Sequence[Take]) -> Package:
    """The manifest's entry for a package of these bytes."""
    return Package(registry=registry, name=name, version="1.0", sha256=sha256(data), size=len(data), takes=tuple(takes))


def make_asset(name: str, packages: Sequence[Package], contents: Contents) -> Asset:
    """An asset of fetched packages."""
    return Asset(
        name=name, purpose="A test.", licence="CC0-1.0", origin="tests", source=tuple(packages), contents=contents
    )


def one_file(path: str, data: bytes) -> Contents:
    """Contents of one file."""
    return Contents(path=path, size=len(data), sha256=sha256(data))


def false_program(path: Path, script: str) -> Path:
    """An executable Python script."""
    path.write_text(f"#!{sys.executable}\n{script}")
    path.chmod(0o755)
    return path
