"""``python -m bench.twins [CLIPS]``: twins of clips, measured; of four clips of its own where none are named."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import cv2
import typer
from rich.console import Console

from avatarium.engine.face.video.package import read_twin
from avatarium.engine.speech import Speech
from avatarium.errors import AvatariumError, InputError
from bench.likeness.natural import media_folder
from bench.twins import sources
from bench.twins.measure import Measured, measure_clip, said
from bench.twins.report import ROWS, one_table, summary
from bench.twins.sheets import save_small, sheet

CONSOLE = Console(width=None if sys.stdout.isatty() else 160)


def main(
    clips: Annotated[list[Path] | None, typer.Argument(help="Videos of people. None: four of our own.")] = None,
    media: Annotated[bool, typer.Option("--media", help="The talking people of the test media too.")] = False,
    sheets: Annotated[Path | None, typer.Option(help="Folder for contact sheets, source above result.")] = None,
    work: Annotated[Path | None, typer.Option(help="Folder for what is made; kept. None: thrown away.")] = None,
) -> None:
    """Make twins, let them say what the clips do not, and measure; leaves with 1 where a bar is missed."""
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory(prefix="twins-") as scratch:
        folder = work or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        chosen = [sources.Source(name=path.stem, path=path, own=False) for path in clips or ()]
        chosen = chosen or sources.own_clips(folder, media_folder())
        if media:
            chosen += sources.media_clips(media_folder())
        speech = said()
        measured = [one for source in chosen if (one := _measured(source, folder, speech, sheets)) is not None]
    CONSOLE.print("\n".join(summary(measured)), soft_wrap=True, markup=False)
    if any(row.verdict(one) == "MISSED" for one in measured for row in ROWS):
        raise typer.Exit(1)


def _measured(source: sources.Source, folder: Path, speech: Sequence[Speech], sheets: Path | None) -> Measured | None:
    try:
        found = measure_clip(source, folder / source.name, speech)
    except InputError as problem:
        CONSOLE.print(f"{source.name}: no twin: {problem.message} ({problem.code})", markup=False)
        return None
    CONSOLE.print(one_table(found))
    if found.fitting is not None and found.fitting.reason:
        CONSOLE.print(f"no personal model: {found.fitting.reason}", markup=False)
    if sheets is not None:
        sheets.mkdir(parents=True, exist_ok=True)
        loop = read_twin(found.prepared.path).arrays()["order"]
        order = [int(loop[k % len(loop)]) for k in range(found.take.frames)]
        save_small(sheet(found.clip.path, order, found.result), sheets / f"twin-{source.name}.jpg")
    return found


if __name__ == "__main__":
    try:
        typer.run(main)
    except AvatariumError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
