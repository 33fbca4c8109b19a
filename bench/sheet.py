"""Contact sheets: many small labelled pictures in one, to judge motion by eye.

``python -m bench.sheet mouths VIDEO OUT`` shows the mouth of every second frame, ``frames VIDEO OUT 0.5 1.2 ...`` whole
frames at given times, ``pairs OUT BEFORE AFTER [BEFORE AFTER ...]`` pictures side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image, ImageDraw, ImageFont

from avatarium.errors import InputError
from bench.likeness.clip import Picture, read_frames
from bench.likeness.landmarks import Points
from bench.likeness.watch import find_face_track

LABEL_PX = 14
GAP_PX = 2
BACKGROUND = (24, 24, 24)
INK = (255, 224, 96)
JPEG_QUALITY = 90

Box = tuple[int, int, int, int]
"""Left, top, right, bottom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One picture of a sheet."""

    picture: Picture
    label: str = ""


def grid(cells: Sequence[Cell], *, columns: int, height: int) -> Picture:
    """Lay cells out row by row, each scaled to ``height`` pixels, its label in the corner; short rows stay dark.

    Raises:
        ValueError: there is no cell.
    """
    if not cells:
        raise ValueError("a contact sheet needs at least one picture")
    tiles = [_tile(cell, height) for cell in cells]
    width = max(tile.width for tile in tiles)
    rows, columns = -(-len(tiles) // columns), min(columns, len(tiles))
    size = (columns * (width + GAP_PX) - GAP_PX, rows * (height + GAP_PX) - GAP_PX)
    sheet = Image.new("RGB", size, BACKGROUND)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        sheet.paste(tile, (column * (width + GAP_PX), row * (height + GAP_PX)))
    return np.asarray(sheet, np.uint8)


def _tile(cell: Cell, height: int) -> Image.Image:
    image = Image.fromarray(cell.picture)
    tile = image.resize((max(1, round(image.width * height / image.height)), height), Image.Resampling.LANCZOS)
    if cell.label:
        draw = ImageDraw.Draw(tile)
        font = ImageFont.load_default(LABEL_PX)
        draw.text((3, 1), cell.label, INK, font, stroke_width=2, stroke_fill=(0, 0, 0))
    return tile


def mouth_box(points: Points, picture: Picture, reach: float = 0.62) -> Box:
    """Box about the lips, ``reach`` outer-eye distances to each side and .8 of that up and down, inside the picture."""
    x, y = points[48:60].mean(0)
    half = reach * float(np.linalg.norm(points[36] - points[45]))
    height, width = picture.shape[:2]
    edges = (x - half, y - 0.8 * half, x + half, y + 0.8 * half)
    left, top, right, bottom = (round(edge) for edge in edges)
    return max(0, left), max(0, top), min(width, right), min(height, bottom)


def crop(picture: Picture, box: Box) -> Picture:
    """The part of a picture inside ``box``."""
    left, top, right, bottom = box
    return picture[top:bottom, left:right]


def mouths(video: Path, *, step: int = 2, columns: int = 8, height: int = 120, limit: int = 48) -> Picture:
    """The mouth in every ``step``-th frame, from one fixed box, so that motion of the head shows too.

    Raises:
        InputError: the video cannot be read or shows no face.
    """
    track = find_face_track(video).track
    if not np.isfinite(track).any():
        raise InputError(f"No face is seen in {video}.", code="face_not_found")
    points = np.nanmedian(track, axis=0)
    cells = []
    for index, frame in enumerate(read_frames(video)):
        if index % step == 0:
            cells.append(Cell(picture=crop(frame.picture, mouth_box(points, frame.picture)), label=str(index)))
        if len(cells) == limit:
            break
    return grid(cells, columns=columns, height=height)


def at_times(video: Path, times_s: Sequence[float], *, columns: int = 4, height: int = 360) -> Picture:
    """Whole frames, each the one that is on the screen at a given time (the last one for times after the end)."""
    wanted = sorted(times_s)
    cells: list[Cell] = []
    shown = None
    for frame in read_frames(video):
        while shown is not None and len(cells) < len(wanted) and frame.time_s > wanted[len(cells)] + 1e-6:
            cells.append(Cell(picture=shown.picture, label=f"{wanted[len(cells)]:.2f} s"))
        shown = frame
    if shown is not None:
        cells.extend(Cell(picture=shown.picture, label=f"{time:.2f} s") for time in wanted[len(cells) :])
    return grid(cells, columns=columns, height=height)


def pairs(both: Iterable[tuple[Picture, Picture]], *, height: int = 360) -> Picture:
    """Before and after side by side, one pair a row."""
    cells = [
        Cell(picture=one, label=name) for pair in both for one, name in zip(pair, ("before", "after"), strict=True)
    ]
    return grid(cells, columns=2, height=height)


def save(sheet: Picture, path: Path) -> None:
    """Write a sheet as PNG or JPEG by the ending of ``path``."""
    image = Image.fromarray(sheet)
    if path.suffix.lower() in {".jpg", ".jpeg"}:
        image.save(path, quality=JPEG_QUALITY)
    else:
        image.save(path)


def _load(path: Path) -> Picture:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), np.uint8)


app = typer.Typer(add_completion=False, help="Contact sheets of videos and pictures.")
Out = Annotated[Path, typer.Argument(help="PNG or JPG to write.")]


@app.command("mouths")
def _mouths(video: Path, out: Out, step: int = 2, columns: int = 8, height: int = 120, limit: int = 48) -> None:
    """The mouth of every second frame."""
    save(mouths(video, step=step, columns=columns, height=height, limit=limit), out)


@app.command("frames")
def _frames(video: Path, out: Out, times: list[float], columns: int = 4, height: int = 360) -> None:
    """Whole frames at given times in seconds."""
    save(at_times(video, times, columns=columns, height=height), out)


@app.command("pairs")
def _pairs(out: Out, pictures: list[Path], height: int = 360) -> None:
    """Before and after, side by side."""
    if len(pictures) % 2:
        raise typer.BadParameter("pictures come in pairs: before, after.")
    loaded = [_load(path) for path in pictures]
    save(pairs(zip(loaded[::2], loaded[1::2], strict=True), height=height), out)


if __name__ == "__main__":
    app()
