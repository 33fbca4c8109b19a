"""The licence table of all assets, as it stands in NOTICE: ``python -m avatarium.engine.assets.notice`` prints it."""

from __future__ import annotations

from collections.abc import Iterable

from avatarium.engine.assets.manifest import MANIFEST
from avatarium.engine.assets.records import Asset, Installed, Use


def licence_table(assets: Iterable[Asset] = MANIFEST) -> str:
    """One paragraph for each asset, builds for several machines under one name taken together."""
    merged: dict[str, list[Asset]] = {}
    for asset in assets:
        merged.setdefault(asset.name, []).append(asset)
    return "\n\n".join(_paragraph(builds) for builds in merged.values())


def _paragraph(builds: list[Asset]) -> str:
    asset = builds[0]
    rows = [("for", asset.purpose), ("licence", asset.licence), ("by", asset.origin), ("from", _sources(asset))]
    if asset.platform:
        rows.append(("builds", ", ".join(build.platform for build in builds if build.platform)))
    if asset.recipe:
        rows.append(("changed", f"converted on the user's machine by the recipe {asset.recipe.name}"))
    if asset.use is Use.TEST:
        rows.append(("used by", asset.use))
    return "\n".join([asset.name, *(f"    {key:<8} {text}" for key, text in rows)])


def _sources(asset: Asset) -> str:
    sources = (asset.source,) if isinstance(asset.source, Installed) else asset.source
    return ", ".join(source.label for source in sources)


if __name__ == "__main__":
    print(licence_table())
