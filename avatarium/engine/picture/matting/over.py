"""What a person is put before: a colour, a picture, the own ground out of focus, or a video."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numba import njit

from avatarium.engine.picture.matting.kinds import Alpha, Colour, Image
from avatarium.engine.picture.matting.unmixing import spread

BLUR = 0.022
"""Spread of the blur as a share of the longer side: rooms are still told, faces in posters are not."""
BLUR_SIDE = 320
"""Longer side at which a ground is put out of focus."""


def lay_over_ground(person: Image, alpha: Alpha, ground: Image) -> Image:
    """A person over a ground: all of one size, ``person`` in its pure colours, not premultiplied."""
    out = np.empty_like(ground)
    _mix(person, alpha, ground, out)
    return out


class Backdrop(Protocol):
    """Gives the ground for frame after frame."""

    def behind(self, frame: Image, alpha: Alpha) -> Image:
        """The ground for a frame, in its size. The array may be used again for the next frame."""


class Still:
    """A colour or a picture, which fills the frame and is cropped evenly where it has another shape."""

    def __init__(self, ground: Image | Colour, width: int, height: int) -> None:
        if isinstance(ground, tuple):
            self._ground = np.full((height, width, 3), ground, np.uint8)
        else:
            self._ground = filling(ground, width, height)

    def behind(self, frame: Image, alpha: Alpha) -> Image:
        """The same for every frame."""
        return self._ground


class OutOfFocus:
    """The frame's own ground, blurred. The person is taken out first, so that no glow of hers stands about her."""

    def __init__(self, blur: float = BLUR) -> None:
        self._blur = blur

    def behind(self, frame: Image, alpha: Alpha) -> Image:
        """The ground of this frame."""
        height, width = alpha.shape
        shrink = min(1.0, BLUR_SIDE / max(height, width))
        size = max(8, round(width * shrink)), max(8, round(height * shrink))
        small = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.float32)
        person = cv2.dilate(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.ones((5, 5), np.uint8))
        bare = spread(small, np.asarray(np.clip(1 - 1.5 * person, 0, 1), np.float32))
        soft = cv2.GaussianBlur(bare, (0, 0), max(0.8, self._blur * max(size)))
        wide = cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC)
        return np.asarray(np.clip(wide.round(), 0, 255), np.uint8)


class Moving:
    """A video, from its beginning again when it ends.

    Raises:
        InputError: as ``read_frames``, when the first frame is asked for.
    """

    def __init__(self, path: Path, width: int, height: int, *, fps: int) -> None:
        self._path, self._size, self._fps = path, (width, height), fps
        self._frames: Iterator[Image] | None = None

    def behind(self, frame: Image, alpha: Alpha) -> Image:
        """The next picture of the video."""
        from avatarium.engine.video.frames import read_frames

        if self._frames is None:
            self._frames = read_frames(self._path, fps=self._fps)
        picture = next(self._frames, None)
        if picture is None:
            self._frames = read_frames(self._path, fps=self._fps)
            picture = next(self._frames)
        return filling(picture, *self._size)


def filling(picture: Image, width: int, height: int) -> Image:
    """A picture scaled to fill a frame, its middle kept."""
    rows, columns = picture.shape[:2]
    scale = max(width / columns, height / rows)
    across, down = min(columns, round(width / scale)), min(rows, round(height / scale))
    left, top = (columns - across) // 2, (rows - down) // 2
    part = picture[top : top + down, left : left + across]
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, (width, height), interpolation=way), np.uint8)


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator]
def _mix(person: Image, alpha: Alpha, ground: Image, out: Image) -> None:
    height, width = alpha.shape
    for y in range(height):
        for x in range(width):
            a = alpha[y, x]
            for k in range(3):
                if a <= 0.0:
                    out[y, x, k] = ground[y, x, k]
                else:
                    behind = np.float32(ground[y, x, k])
                    out[y, x, k] = np.uint8(behind + a * (np.float32(person[y, x, k]) - behind) + np.float32(0.5))
