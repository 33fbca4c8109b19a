"""``python -m bench.likeness VIDEO --marks MARKS.json [--source PHOTO]``, or ``--natural`` for real people."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import cv2
import typer
from rich.console import Console
from rich.table import Table

from avatarium.errors import AvatariumError
from bench.likeness import natural
from bench.likeness.marks import read_marks
from bench.likeness.measure import measure
from bench.likeness.report import BARS, as_json, load_natural, number, table

CONSOLE = Console(width=None if sys.stdout.isatty() else 200)


def main(
    video: Annotated[Path | None, typer.Argument(help="The video to measure.")] = None,
    marks: Annotated[Path | None, typer.Option(help="Its phonemes and blinks, JSON.")] = None,
    source: Annotated[Path | None, typer.Option(help="The photo that the face was made from.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    real: Annotated[bool, typer.Option("--natural", help="Measure the real clips of the test media instead.")] = False,
    save: Annotated[bool, typer.Option("--save", help="With --natural: keep the ranges for later reports.")] = False,
) -> None:
    """Measure how like a speaking person a video is; leaves with 1 where a figure misses its bar."""
    cv2.setNumThreads(1)
    if real:
        _natural(save)
        return
    if video is None or marks is None:
        raise typer.BadParameter("name a video and its --marks, or ask for --natural.")
    found = read_marks(marks)
    likeness = measure(video, found.phonemes, source=source, blinks=found.blinks)
    if json:
        print(as_json(likeness))
    else:
        CONSOLE.print(table(likeness, load_natural(), f"{video.name}, {likeness.duration_s:.1f} s"))
    if likeness.failures:
        raise typer.Exit(1)


def _natural(save: bool) -> None:
    folder = natural.media_folder()
    if not (folder / "talking-videos").is_dir():
        raise typer.BadParameter(f"there are no clips in {folder}; set AVATARIUM_TEST_MEDIA.")
    measured = natural.measure_all(folder, lambda number, one: CONSOLE.print(f"{number:2} {one.clip.file}"))
    CONSOLE.print(_by_clip(measured))
    pooled = natural.pooled_peak(measured)
    CONSOLE.print(f"pooled offset {number(pooled.offset_frames)} frames, correlation {pooled.correlation:.2f}")
    if save:
        natural.save(measured)


def _by_clip(measured: list[natural.Measured]) -> Table:
    spans = natural.ranges(measured)
    grid = Table(box=None, padding=(0, 1))
    for heading in ("figure", "range", "bar", *(str(index) for index in range(1, len(measured) + 1))):
        grid.add_column(heading, no_wrap=True)
    for bar in BARS:
        span = spans.get(bar.figure)
        shown = f"{span.low:.3g} .. {span.high:.3g}" if span else "-"
        grid.add_row(bar.figure, shown, bar.text, *(number(getattr(one.likeness, bar.figure)) for one in measured))
    return grid


if __name__ == "__main__":
    try:
        typer.run(main)
    except AvatariumError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
