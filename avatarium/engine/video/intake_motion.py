"""Whether a clip shows somebody alive: a picture as a video and a slideshow are told from how little changes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]

_WIDTH = 320
_BLOCK = 8
_SPAN = 25
"""Frames between the two that are compared: in a second everybody moves, and a single step may be a repeated frame."""
_STILL = 2.5
"""Levels of 255 by which blocks may change where nothing moves: what grain and coding do. Of people who sit as still
as they can it is four and more."""
_CHANGED_MOST = 99.5
"""The percentile of the blocks that is looked at: a mouth is a few blocks of a thousand."""
_CUT = 20.0
"""Levels by which the whole picture changes from one frame to the next at a cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """What was seen of a run of frames."""

    still_share: float
    """Share of the frames that look like those a second before; cuts aside."""
    cuts: int
    longest_still_s: float


class MotionWatch:
    """Looks at the luma of every frame of a run."""

    def __init__(self) -> None:
        self._past: deque[Grey] = deque(maxlen=_SPAN)
        self._changes: list[float] = []
        self._cuts = 0
        self._since_cut = 0

    def look_at(self, luma: Grey) -> None:
        """Take one more frame, ``uint8 (height, width)``."""
        height = max(_BLOCK, round(luma.shape[0] * _WIDTH / luma.shape[1]))
        small = np.asarray(cv2.resize(luma, (_WIDTH, height), interpolation=cv2.INTER_AREA), np.uint8)
        if self._past and float(cv2.absdiff(small, self._past[-1]).mean()) > _CUT:
            self._cuts += 1
            self._past.clear()
        if len(self._past) == _SPAN:
            self._changes.append(_largest_change(small, self._past[0]))
        self._past.append(small)

    def seen(self, fps: int) -> Motion:
        """Sum up."""
        still = np.array(self._changes) < _STILL
        return Motion(
            still_share=float(still.mean()) if len(still) else 0.0,
            cuts=self._cuts,
            longest_still_s=_longest(still) / fps + (_SPAN / fps if still.any() else 0.0),
        )


def _largest_change(now: Grey, then: Grey) -> float:
    # Means are compared, not pixels: grain changes every pixel and no mean.
    return float(np.percentile(np.abs(_blocks(now) - _blocks(then)), _CHANGED_MOST))


def _blocks(small: Grey) -> NDArray[np.float32]:
    size = (max(1, small.shape[1] // _BLOCK), max(1, small.shape[0] // _BLOCK))
    return np.asarray(cv2.resize(small.astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32)


def _longest(flags: NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))
