"""Bringing an asset onto the disk: fetch, join, check, convert, stamp, and move into place in one step."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from avatarium.engine.assets.digest import digests, tree_sha256
from avatarium.engine.assets.mirror import fetch_mirror, mirror_url
from avatarium.engine.assets.npm import NODE_UNPACKED_BYTES
from avatarium.engine.assets.parts import SCRATCH, Parts, join, needs_node, pieces
from avatarium.engine.assets.programs import Patience
from avatarium.engine.assets.records import Asset, Installed, Package, Progress, Recipe, Step
from avatarium.engine.assets.stamp import write_stamp
from avatarium.engine.assets.troubles import again, trouble
from avatarium.errors import AssetError

SLACK_BYTES = 32 << 20
CONVERT_TIMEOUT_S = 600.0
_ROOT = str(Path(__file__).parents[3])
_STAGING = ".new-"
_ELSEWHERE = {"asset_offline", "asset_not_found", "asset_timeout", "asset_fetch_failed", "asset_no_pip", "asset_no_npm"}
"""Troubles of the first source that a second one may not have."""


def installed_path(source: Installed) -> Path:
    """Where an installed package keeps a file; the package is not imported.

    Raises:
        AssetError: ``asset_not_installed``, the package or the file in it is not there.
    """
    spec = find_spec(source.module)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    paths = [path for folder in folders if (path := Path(folder) / source.path).is_file()]
    if not paths:
        raise AssetError(
            f"The Python package {source.distribution} {source.version} is not installed whole; "
            f"install it again (`pip install {source.distribution}=={source.version}`).",
            code="asset_not_installed",
        )
    return paths[0]


def matches(path: Path, asset: Asset, on_bytes: Callable[[int], None] | None = None) -> bool:
    """Whether a file or folder holds the very bytes of the manifest."""
    wanted, files = asset.contents, digests(path, on_bytes)
    found = tree_sha256(files) if path.is_dir() else files[path.name].sha256
    return found == wanted.sha256 and len(files) == wanted.files


@dataclass(frozen=True, slots=True, kw_only=True)
class Installer:
    """Installs assets into ``models``, one folder for each. The caller holds the lock."""

    models: Path
    mirrors: tuple[str, ...]
    patience: Patience

    @property
    def parts(self) -> Parts:
        """Fetched packages that wait for their asset."""
        return Parts(folder=self.models / ".parts", patience=self.patience)

    def install(self, asset: Asset, progress: Progress) -> None:
        """Replace whatever lies in the asset's folder by the right bytes.

        Raises:
            AssetError: what went wrong; the old folder is then untouched and finished packages are kept.
            OSError: from the disk.
        """
        self._sweep()
        self._check_room(asset)
        with self._staging(asset) as staging:
            raw, made = staging / "raw", staging / "made"
            raw.mkdir()
            made.mkdir()
            source = self._gather(asset, raw, progress)
            if asset.recipe:
                self._convert(asset, asset.recipe, source, made, progress)
            else:
                source.rename(made / asset.payload)
            write_stamp(made, asset)
            self._move_in(asset, made, staging)
        self.parts.drop(asset)

    def _sweep(self) -> None:
        """Remove what fetches that were killed have left; nobody else is at work while the lock is held."""
        for folder in (*self.models.glob(f"{_STAGING}*"), *self.parts.folder.glob(f"{SCRATCH}*")):
            shutil.rmtree(folder, ignore_errors=True)

    def _check_room(self, asset: Asset) -> None:
        need = asset.wire_size + 2 * asset.contents.size + (asset.recipe.size if asset.recipe else 0) + SLACK_BYTES
        if needs_node(asset):
            need += NODE_UNPACKED_BYTES
        if shutil.disk_usage(self.models).free < need:
            raise AssetError(
                f"The disk of {self.models} has too little room for {asset.name}, which needs {need >> 20} MiB; "
                f"free some, or set AVATARIUM_HOME to a folder on another disk, then run `{again(asset.name)}`.",
                code="asset_disk_full",
            )

    def _gather(self, asset: Asset, raw: Path, progress: Progress) -> Path:
        """The asset's bytes as its sources give them, checked."""
        if isinstance(asset.source, Installed):
            path = installed_path(asset.source)
        else:
            path = raw / asset.contents.path
            self._fetch(asset, asset.source, raw, progress)
        progress(asset.name, Step.VERIFY, 0, asset.contents.size)
        if not matches(path, asset):
            self.parts.drop(asset)
            raise trouble("asset_hash", label=asset.name, asset=asset.name)
        return path

    def _fetch(self, asset: Asset, packages: tuple[Package, ...], raw: Path, progress: Progress) -> None:
        try:
            self._fetch_packages(asset, packages, raw, progress)
        except AssetError as error:
            if error.code not in _ELSEWHERE or not self._fetch_mirrors(asset, raw, progress):
                raise

    def _fetch_packages(self, asset: Asset, packages: tuple[Package, ...], raw: Path, progress: Progress) -> None:
        wanted: dict[str, list[Path]] = defaultdict(list)
        done = 0
        for package in packages:
            folder = self.parts.get(package, asset, _from(done, asset, progress))
            done += package.size
            progress(asset.name, Step.FETCH, done, asset.wire_size)
            for into, piece in pieces(package, folder):
                wanted[into].append(piece)
        join(wanted, raw)

    def _fetch_mirrors(self, asset: Asset, raw: Path, progress: Progress) -> bool:
        """Try the second sources in turn; they serve assets of one file."""
        partial, size = self.parts.folder / f"{asset.contents.sha256}.partial", asset.contents.size
        for template in self.mirrors if asset.contents.files == 1 else ():
            url = mirror_url(template, asset)
            partial.parent.mkdir(parents=True, exist_ok=True)
            if fetch_mirror(
                url, partial, size, self.patience, lambda done: progress(asset.name, Step.FETCH, done, size)
            ):
                partial.rename(raw / asset.contents.path)
                return True
        return False

    def _convert(self, asset: Asset, recipe: Recipe, source: Path, made: Path, progress: Progress) -> None:
        """Run the recipe in a process of its own, which gives its memory back."""
        progress(asset.name, Step.CONVERT, 0, 0)
        command = [sys.executable, "-m", "avatarium.engine.assets.recipes", recipe.name]
        try:
            result = subprocess.run(
                [*command, str(source), str(made / recipe.output)],
                env={**os.environ, "PYTHONPATH": os.pathsep.join([_ROOT, os.environ.get("PYTHONPATH", "")])},
                capture_output=True,
                text=True,
                timeout=CONVERT_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise _not_converted(asset, f"it took more than {CONVERT_TIMEOUT_S:.0f} s") from error
        if result.returncode:
            raise _not_converted(asset, (result.stderr.strip().splitlines() or ["the process was ended"])[-1])
        if result.stdout.strip() != recipe.graph_sha256:
            raise _not_converted(asset, "the result is not the network that the manifest names")

    def _move_in(self, asset: Asset, made: Path, staging: Path) -> None:
        place = self.models / asset.name
        if place.exists():
            place.rename(staging / "replaced")
        made.rename(place)

    @contextmanager
    def _staging(self, asset: Asset) -> Iterator[Path]:
        staging = Path(tempfile.mkdtemp(prefix=f"{_STAGING}{asset.name}-", dir=self.models))
        try:
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _from(done: int, asset: Asset, progress: Progress) -> Callable[[int], None]:
    """Progress of one package as progress of the asset."""
    return lambda size: progress(asset.name, Step.FETCH, done + size, asset.wire_size)


def _not_converted(asset: Asset, why: str) -> AssetError:
    return AssetError(
        f"{asset.name} was fetched but could not be converted ({why}); "
        f"check that the installed onnx is the locked one, then run `{again(asset.name)}`.",
        code="asset_convert",
    )
