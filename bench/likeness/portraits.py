"""``python -m bench.likeness.portraits``: let every test portrait say the same sentences and measure what comes out."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from avatarium.engine.face import Life, PhotoActor, Shot, View, frame_shot
from avatarium.engine.picture.read import read_picture
from avatarium.engine.production import Take, make_video
from avatarium.engine.speech import Speech, synthesize
from avatarium.engine.video import Size
from bench.likeness.measure import measure
from bench.likeness.natural import media_folder
from bench.likeness.report import Likeness

TEXT = "My name is Bob. People who move house in summer usually watch the moon. Five vans drove away."
"""Bilabials, round and spread vowels, lip-teeth sounds."""
VOICE = "hibari-ava"
SIZE = Size(512, 512)
NOT_MEASURED = {"dog", "cartoon-3d-boy", "robot-glasses", "painting-old-woman"}
"""A dog; and faces on which the instrument's landmarks are lost: two not human, and brush strokes like wrinkles."""
SHOWN = {
    "offset_frames": "offset", "correlation": "corr.", "closure_rate": "closures", "rounding": "rounding",
    "opening_p95": "opening", "identity_mean": "id mean", "identity_max": "id max", "background_db": "ground dB",
    "jitter": "jitter", "blinks_found": "blinks",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One portrait speaking."""

    name: str
    take: Take
    likeness: Likeness


def portraits() -> list[str]:
    """Names of the test portraits that the instrument can follow."""
    return sorted(p.stem for p in (media_folder() / "portraits").glob("*.jpg") if p.stem not in NOT_MEASURED)


@cache
def actor(name: str) -> PhotoActor:
    """The actor of a test portrait."""
    return PhotoActor.from_picture(read_picture(media_folder() / "portraits" / f"{name}.jpg").rgb)


@cache
def speech() -> Speech:
    """What everybody says."""
    return synthesize(TEXT, VOICE)


def view_of(name: str, shot: Shot = Shot.HEAD) -> View:
    """A portrait at 512 x 512."""
    return View(actor(name), SIZE, frame_shot(actor(name), SIZE, shot))


def speak_and_measure(name: str, folder: Path, seed: int = 1) -> Measured:
    """Make the video of a portrait in a folder and measure it."""
    take = make_video(view_of(name), [speech()], folder / f"{name}.mp4", life=Life(seed=seed))
    whole = [b for b in take.blinks_s if b + 0.4 < take.duration_s]
    source = media_folder() / "portraits" / f"{name}.jpg"
    return Measured(name=name, take=take, likeness=measure(take.path, take.phonemes, source=source, blinks=whole))


def main(names: list[str]) -> None:
    """Measure and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [speak_and_measure(name, Path(folder)) for name in names or portraits()]
    table = Table("portrait", *SHOWN.values(), "misses", title=f"{len(rows)} portraits at {SIZE}, voice {VOICE}")
    for row in rows:
        misses = ", ".join(row.likeness.failures)
        table.add_row(row.name, *(_text(getattr(row.likeness, figure)) for figure in SHOWN), misses)
    table.add_row("median", *(_text(_median(rows, figure)) for figure in SHOWN), "", style="bold")
    Console(width=None if sys.stdout.isatty() else 170).print(table)


def _median(rows: list[Measured], figure: str) -> float:
    return float(np.median([value for r in rows if (value := getattr(r.likeness, figure)) is not None]))


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


if __name__ == "__main__":
    main(sys.argv[1:])
