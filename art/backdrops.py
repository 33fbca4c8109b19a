"""Paints the backgrounds: `python -m art.backdrops` writes them into the package.

Places are in heights of the picture: the origin is its middle, x runs from -8/9 to 8/9 and y from -1/2 to 1/2.
"""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from art import rooms, walls
from art.space import Array, Space

WIDTH, HEIGHT = 1920, 1080
FOLDER = Path(__file__).resolve().parent.parent / "avatarium" / "engine" / "picture" / "backgrounds"
QUALITY = 88

Picture = npt.NDArray[np.uint8]

BACKDROPS: dict[str, Callable[[Space], Array]] = {
    "studio-warm": walls.studio_warm,
    "studio-cool": walls.studio_cool,
    "office": rooms.office,
    "bookshelf": rooms.bookshelf,
    "window-light": walls.window_light,
    "brick": walls.brick,
    "curtain": walls.curtain,
    "city-dusk": rooms.city_dusk,
    "paper": walls.paper,
    "green": walls.green,
}


def space(scale: float) -> Space:
    """The canvas at `scale` times the size of the finished picture."""
    width, height = round(WIDTH * scale), round(HEIGHT * scale)
    return Space(width=width, height=height, unit=float(height), centre=(width / 2, height / 2))


def render(name: str, *, scale: float = 1.0) -> Picture:
    """The background `name` as uint8 RGB (H, W, 3), dithered so that slow gradients show no steps."""
    canvas = BACKDROPS[name](space(scale))
    if name == "green":
        return np.asarray(np.rint(canvas * 255.0), dtype=np.uint8)
    dither = np.random.default_rng(0).triangular(-1.0, 0.0, 1.0, canvas.shape[:2])[..., None]
    return np.asarray(np.clip(np.rint(canvas * 255.0 + dither), 0, 255), dtype=np.uint8)


def main() -> None:
    cv2.setNumThreads(1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in BACKDROPS:
        Image.fromarray(render(name)).save(FOLDER / f"{name}.jpg", quality=QUALITY, optimize=True, progressive=True)


if __name__ == "__main__":
    main()
