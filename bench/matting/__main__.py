"""``python -m bench.matting``: alpha of videos against the truth, beside MediaPipe's plain selfie segmentation."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from avatarium.engine.picture.matting import VideoMatte
from avatarium.engine.picture.matting.segmentation import Segmenter
from avatarium.errors import AvatariumError
from bench.matting.measure import Alpha, Tally
from bench.matting.scenes import Picture, Scene, scenes

CONSOLE = Console(width=None if sys.stdout.isatty() else 150)
MEDIA = Path(os.environ.get("AVATARIUM_TEST_MEDIA", Path(__file__).parents[3] / "shared" / "media"))
Matte = Callable[[Picture], Alpha]


def main(
    frames: Annotated[int, typer.Option(min=3, help="Frames of each clip.")] = 50,
    only: Annotated[str, typer.Option(help="Clips whose name holds this.")] = "",
) -> None:
    """Thousandths of alpha: mean absolute error, gradient error, flicker; CPU milliseconds a frame."""
    cv2.setNumThreads(1)
    rows = [(scene.name, *_both(scene, frames)) for scene in scenes(MEDIA) if only in scene.name]
    CONSOLE.print(_table(rows))


def _both(scene: Scene, frames: int) -> tuple[Tally, Tally]:
    """Ours and the baseline over the same frames."""
    ours, plain = Tally(), Tally()
    segmenter, matte = Segmenter(), None
    try:
        for shown in scene.frames(frames):
            matte = matte or VideoMatte(shown.frame.shape[1], shown.frame.shape[0])
            for tally, way in ((ours, matte.next), (plain, segmenter.mask)):
                started = time.process_time()
                alpha = way(shown.frame)
                tally.add(alpha, shown.alpha, shown.clean, 1000 * (time.process_time() - started))
    finally:
        segmenter.close()
        if matte is not None:
            matte.close()
    return ours, plain


def _table(rows: list[tuple[str, Tally, Tally]]) -> Table:
    grid = Table(title="avatarium-matte / MediaPipe selfie segmentation = ratio", title_justify="left")
    grid.add_column("clip")
    for heading in ("absolute, 1/1000", "gradient, 1/1000", "flicker, 1/1000", "CPU, ms a frame"):
        grid.add_column(heading, justify="right")
    for name, ours, plain in rows:
        grid.add_row(name, *(_beside(a, b) for a, b in zip(_figures(ours), _figures(plain), strict=True)))
    mine = np.mean([_figures(ours) for _, ours, _ in rows], axis=0)
    theirs = np.mean([_figures(plain) for _, _, plain in rows], axis=0)
    grid.add_row("mean", *(_beside(a, b) for a, b in zip(mine, theirs, strict=True)), style="bold")
    return grid


def _figures(tally: Tally) -> tuple[float, float, float, float]:
    return tally.mean_absolute, tally.mean_gradient, tally.mean_flicker, tally.median_cpu_ms


def _beside(ours: float, plain: float) -> str:
    return f"{ours:.2f} / {plain:.2f} = {ours / plain:.2f}" if plain else f"{ours:.2f}"


if __name__ == "__main__":
    try:
        typer.run(main)
    except AvatariumError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
