"""``avatarium backup`` and ``avatarium restore``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from avatarium.cli.choices import human_size
from avatarium.cli.console import note


def backup(out: Annotated[Path, typer.Argument(metavar="FILE", help="Where to, .tar or .tar.gz.")]) -> None:
    """Write the whole installation into one file, also while the service runs. Keep it safe: keys lie in it."""
    from avatarium.clock import Clock
    from avatarium.settings import load_settings
    from avatarium.supervisor.backup import back_up

    manifest = back_up(load_settings(), out.absolute(), Clock())
    if not manifest.storage:
        note("the objects are in S3 and not in this backup; copy the bucket with its own tools.")
    print(f"{out}: {human_size(out.stat().st_size)}, database version {manifest.revision}")


def restore(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="What `avatarium backup` wrote.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where there is an installation; it is moved aside.")
    ] = False,
) -> None:
    """Put a backup into the data folder. The service must not run; its next start migrates what is older."""
    from avatarium.settings import load_settings
    from avatarium.supervisor.backup import restore as put_back

    settings = load_settings()
    manifest = put_back(settings, source.absolute(), replace=replace)
    print(f"{settings.home} is again as it was at {manifest.made} with Avatarium {manifest.avatarium}")
