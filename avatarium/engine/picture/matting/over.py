"""What a person is put before: a colour, a picture, the own ground out of focus, or a video."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from avatarium.engine.picture.matting.kinds import Alpha, Image
from avatarium.engine.picture.matting.unmixing import spread

BLUR, BLUR_MOST = 0.022, 0.033
"""Spread of the blur as a share of the longer side: rooms are still told, faces in posters are not; and at most."""
BLUR_SIDE = 320
"""Longer side at which a ground is put out of focus."""


def lay_over_ground(person: Image, alpha: Alpha, ground: Image) -> Image:
    """A person over a ground: all of one size, ``person`` in its pure colours, not premultiplied."""
    out = np.empty_like(ground)
    _mix(person, alpha, ground, out)
    return out


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
        return _softened(bare, self._blur, (width, height))


def out_of_focus(picture: Image, blur: float = BLUR) -> Image:
    """A picture with nobody in it, RGB, blurred."""
    height, width = picture.shape[:2]
    shrink = min(1.0, BLUR_SIDE / max(height, width))
    size = max(8, round(width * shrink)), max(8, round(height * shrink))
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)
    return _softened(small, blur, (width, height))


class Moving:
    """A video, from its beginning again when it ends.

    Args:
        path: of the video.
        lay: makes the ground of one picture, in the size of the frames.
        fps: of the frames.

    Raises:
        InputError: as ``read_frames``, when the first picture is asked for.
    """

    def __init__(self, path: Path, lay: Callable[[Image], Image], *, fps: int) -> None:
        self._path, self._lay, self._fps = path, lay, fps
        self._pictures: Iterator[Image] = iter(())

    def next(self) -> Image:
        """The ground of the next frame."""
        from avatarium.engine.video.frames import read_frames

        picture = next(self._pictures, None)
        if picture is None:
            self._pictures = read_frames(self._path, fps=self._fps)
            picture = next(self._pictures)
        return self._lay(picture)

    def close(self) -> None:
        """Let go of the file."""
        self._pictures = iter(())  # the generator closes it when nobody holds it


def filling(picture: Image, width: int, height: int) -> Image:
    """A picture scaled to fill a frame, its middle kept."""
    rows, columns = picture.shape[:2]
    scale = max(width / columns, height / rows)
    across, down = min(columns, round(width / scale)), min(rows, round(height / scale))
    left, top = (columns - across) // 2, (rows - down) // 2
    part = picture[top : top + down, left : left + across]
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, (width, height), interpolation=way), np.uint8)


def _softened(small: NDArray[np.float32], blur: float, size: tuple[int, int]) -> Image:
    sigma = max(0.8, blur * max(small.shape))
    soft = cv2.GaussianBlur(small, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    # Rounded last: in eight bits the slow gradients of a blur show steps.
    wide = cv2.resize(soft, size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(wide.round(), 0, 255), np.uint8)


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
