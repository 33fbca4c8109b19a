"""Fetching model files before they are needed, where the user can watch it."""

from __future__ import annotations

from collections.abc import Iterable

from avatarium.cli.console import asset_progress, note


def fetch_missing(names: Iterable[str]) -> None:
    """Make these assets ready, with a bar; costs nothing where they are.

    Raises:
        AssetError: one cannot be had.
    """
    from avatarium.engine.assets import AssetStatus, default_store

    store = default_store()
    missing = [store.asset(name) for name in names if store.status(name) is not AssetStatus.READY]
    if not missing:
        return
    size = sum(asset.wire_size for asset in missing)
    if size:
        note(f"fetching {', '.join(asset.name for asset in missing)} ({size / 1e6:.0f} MB, once)")
    with asset_progress() as progress:
        store.fetch([asset.name for asset in missing], progress)
