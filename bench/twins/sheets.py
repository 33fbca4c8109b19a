"""Contact sheets of a twin: the source above, what it says below, at the same moments of the loop."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from bench.likeness.clip import Picture, read_frames
from bench.sheet import Cell, grid

COLUMNS = 6
HEIGHT = 250
LARGEST_BYTES = 200_000
_QUALITIES = (88, 82, 76, 70, 62)


def sheet(clip: Path, order: list[int], result: Path, *, columns: int = COLUMNS, height: int = HEIGHT) -> Picture:
    """One row of the clip's frames and under it the same frames as the twin shows them while it speaks.

    Args:
        order: the clip's frame that each frame of the result shows.
    """
    spoken = [frame.picture for frame in read_frames(result)]
    chosen = [round((k + 0.5) * len(spoken) / columns) for k in range(columns)]
    wanted = {order[number] for number in chosen}
    sources = {n: frame.picture for n, frame in enumerate(read_frames(clip)) if n in wanted}
    above = [Cell(picture=sources[order[number]], label="source") for number in chosen]
    below = [Cell(picture=spoken[number], label=f"twin, {number / 25:.1f} s") for number in chosen]
    return grid([*above, *below], columns=columns, height=height)


def save_small(picture: Picture, path: Path, most_bytes: int = LARGEST_BYTES) -> None:
    """Write a JPEG of at most so many bytes, in the best quality that fits; made smaller where none does."""
    image = Image.fromarray(picture)
    while True:
        for quality in _QUALITIES:
            image.save(path, quality=quality, optimize=True, progressive=True)
            if path.stat().st_size <= most_bytes:
                return
        image = image.resize((image.width * 5 // 6, image.height * 5 // 6), Image.Resampling.LANCZOS)
