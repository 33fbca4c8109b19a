"""``avatarium assets``: the model files on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from avatarium.cli.console import asset_progress

if TYPE_CHECKING:
    from avatarium.engine.assets import AssetStore

app = typer.Typer(help="List, fetch and check the model files.")

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="Those named; else all that running needs.")
]


@app.callback(invoke_without_command=True)
def _alone(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command("list")
def list_assets() -> None:
    """Show every model file: whether it is here, its size, licence and purpose."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from avatarium.engine.assets import default_store

    store = default_store()
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in ("name", "state", "MB", "licence"):
        table.add_column(heading, no_wrap=heading != "licence", justify="right" if heading == "MB" else "left")
    table.add_column("purpose")
    for asset in store.list():
        size = f"{asset.installed_size / 1e6:.1f}"
        table.add_row(asset.name, store.status(asset.name).value, size, asset.licence, asset.purpose)
    console = Console(highlight=False)
    console.print(table)
    console.print(f"They lie in {store.models}, or in the Python packages that bring them.", soft_wrap=True)


@app.command()
def fetch(names: Names = None) -> None:
    """Fetch model files, so that Avatarium works without a network afterwards."""
    from avatarium.engine.assets import default_store

    store = default_store()
    wanted = _chosen(store, names)
    with asset_progress() as progress:
        store.fetch(wanted, progress)
    print(f"ready: {', '.join(wanted)}")


@app.command()
def verify(names: Names = None) -> None:
    """Read every byte of the model files and compare; leaves with 1 if one is damaged, or was named and is missing."""
    from avatarium.engine.assets import AssetStatus, default_store

    store = default_store()
    with asset_progress() as progress:
        found = store.verify(_chosen(store, names), progress)
    for name, status in found.items():
        print(f"{status.value:8} {name}")
    well = {AssetStatus.READY} if names else {AssetStatus.READY, AssetStatus.MISSING}
    bad = [name for name, status in found.items() if status not in well]
    if bad:
        print(f"run `avatarium assets fetch {' '.join(bad)}`")
        raise typer.Exit(1)


def _chosen(store: AssetStore, names: list[str] | None) -> list[str]:
    from avatarium.engine.assets import Use

    return names or [asset.name for asset in store.list() if asset.use is Use.RUN]
