"""Where one shot ends and the next begins."""

from __future__ import annotations

from collections import deque
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Float32 = NDArray[np.float32]

WIDTH, HEIGHT = 64, 48
_NEIGHBOURS = 12
_PICTURE_JUMP, _PICTURE_LEAST = 4.0, 10.0
"""A cut differs by so many times what its neighbourhood does, and by so many of 255 at least."""
_HUE_LEAST = 0.12
"""Share of the pixels whose colour must be another: a light that goes on keeps the colours of what it shines upon."""
_FACE_JUMP, _FACE_LEAST, _FACE_PICTURE = 5.0, 0.12, 2.5
"""A jump within one scenery: of the face in IOD, and of the picture against its neighbourhood."""
_BINS = (8, 8, 8)
_FLASH_FRAMES = 3
"""A shutter that rolls spreads a flash over two frames, a lamp that burns out takes three."""
_RETURNED = 0.3
"""Share of a flash's own change that may be left when it has gone: exposure settles slowly."""
_DARKER, _DARK_SHARE = 8.0, 0.04
"""Levels by which a pixel is darker, and the share of such pixels up to which a frame is the one before with more
light. Another scene is darker somewhere."""


class Changes:
    """What changes from frame to frame in small pictures; keeps six numbers a frame."""

    def __init__(self) -> None:
        self._last: deque[tuple[Float32, Float32]] = deque(maxlen=1 + _FLASH_FRAMES)
        self._picture: list[float] = []
        self._colours: list[float] = []
        self._darker: list[float] = []
        self._back: list[list[float]] = []
        """Change of each frame since the second, third .. before it."""

    def add(self, frame: Image) -> bool:
        """Take the next frame, RGB, and tell at once whether it may begin a shot; :meth:`cuts` knows more later."""
        small = cv2.resize(frame, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
        colours = cv2.calcHist([lab], [0, 1, 2], None, list(_BINS), [0, 256, 96, 160, 96, 160])
        now = lab.astype(np.float32), cv2.GaussianBlur(colours.reshape(8, 64), (3, 3), 0) / (WIDTH * HEIGHT)
        before = self._last[-1] if self._last else now
        self._picture.append(_change(now[0], before[0]))
        self._colours.append(float(np.abs(now[1] - before[1]).sum() / 2))
        self._darker.append(float((now[0][..., 0] < before[0][..., 0] - _DARKER).mean()))
        self._back.append([_change(now[0], earlier[0]) for earlier in [*self._last][-2::-1]])
        self._last.append(now)
        recent = self._picture[-1 - _NEIGHBOURS : -1]
        usual = float(np.percentile(recent, 80)) if recent else 255.0
        return self._picture[-1] > max(_PICTURE_LEAST / 2, _FACE_PICTURE * usual)

    def cuts(self, moved: Float32) -> tuple[int, ...]:
        """Frames at which a shot begins, without the first.

        Args:
            moved: how far the face moved since the frame before, in IOD, shape ``(frames,)``; not finite where it
                cannot be told.
        """
        picture, colours = np.array(self._picture), np.array(self._colours)
        usual = _usual(picture)
        new_scene = (picture > np.maximum(_PICTURE_JUMP * usual, _PICTURE_LEAST)) & (colours > _HUE_LEAST)
        told = np.nan_to_num(moved, nan=0.0, posinf=0.0)
        jump = (told > np.maximum(_FACE_JUMP * _usual(told), _FACE_LEAST)) & (picture > _FACE_PICTURE * usual)
        found = [int(n) for n in np.flatnonzero(new_scene | jump) if n > 0]
        lit = {n for flash in found for n in self._flash(flash)}
        return tuple(n for n in found if n not in lit)

    def _flash(self, frame: int) -> range:
        """The frames from one that is only lighter to the one that looks as the one before it did; empty for a cut."""
        if self._darker[frame] > _DARK_SHARE:
            return range(0)
        for gone in range(frame + 1, min(frame + 1 + _FLASH_FRAMES, len(self._back))):
            if self._back[gone][gone - frame - 1] < _RETURNED * self._picture[frame]:
                return range(frame, gone + 1)
        return range(0)


def _change(now: Float32, before: Float32) -> float:
    return float(np.abs(now - before).mean())


def _usual(values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """For each frame what most of its neighbours reach, itself left out.

    Not the median: clips made from few frames a second stand still at every other one.
    """
    padded = np.pad(
        np.asarray(values, np.float64), _NEIGHBOURS, mode="reflect" if len(values) > _NEIGHBOURS else "edge"
    )
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * _NEIGHBOURS + 1)
    others = np.delete(windows, _NEIGHBOURS, axis=1)
    return np.asarray(np.percentile(others, 80, axis=1) + 1e-3)
