"""What moved since the frame before: where each pixel comes from, and whether it is the same scene at all."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.picture.matting.kinds import Alpha

Grey = NDArray[np.uint8]

FLOW_SIDE = 320
"""Longer side of the picture that the flow is looked for in: hands move, pores need not."""
SAME = 2 * 9.0**2
"""How far a pixel may differ from where it came from, squared and doubled, levels of 255."""
CUT_SIDE = 48
CUT_CHANGE = 26.0
"""Mean change of a tiny picture at which a new shot has begun, levels of 255."""
CUT_LIKENESS = 0.72
"""Correlation below which it has, when the change is large."""
FLASH_FRAMES = 3
"""A shot that lasts no longer and gives way to what was before it was a flash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From the frame before to this one."""

    map_x: NDArray[np.float32]
    map_y: NDArray[np.float32]
    same: Alpha
    """How surely a pixel shows what it showed at the place that the maps name, 0..1."""
    flow: NDArray[np.float32]
    """In pixels of the working size, looked at in a smaller one, ``(h, w, 2)``."""
    returned: bool = False
    """Whether the frame before is the last of the shot before: what lay between was a flash."""

    def carry(self, layer: Alpha) -> Alpha:
        """A layer of the frame before, moved along."""
        return np.asarray(
            cv2.remap(layer, self.map_x, self.map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32
        )


class Follower:
    """Compares each frame with the one before, at one working size."""

    def __init__(self, width: int, height: int) -> None:
        shrink = min(1.0, FLOW_SIDE / max(width, height))
        self._small = max(16, round(width * shrink)), max(16, round(height * shrink))
        self._size = width, height
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._grid = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        self._small_grid = np.meshgrid(*(np.arange(side, dtype=np.float32) for side in self._small))
        self._before: Grey | None = None
        self._tiny: NDArray[np.float32] | None = None
        self._aside: tuple[Grey, NDArray[np.float32], int] | None = None
        """The last frame of the shot before, and how many there were since."""

    def step(self, grey: Grey) -> Step | None:
        """What moved; None for the first frame of a shot."""
        small = np.asarray(cv2.resize(grey, self._small, interpolation=cv2.INTER_AREA), np.uint8)
        tiny = np.asarray(cv2.resize(small, (CUT_SIDE, CUT_SIDE), interpolation=cv2.INTER_AREA), np.float32)
        before, was = self._before, self._tiny
        self._before, self._tiny = small, tiny
        if before is None or was is None:
            return None
        aside = self._aside
        if aside is not None:
            self._aside = (*aside[:2], aside[2] + 1) if aside[2] < FLASH_FRAMES else None
        if not is_cut(was, tiny):
            return self._between(before, small)
        if self._aside is not None and not is_cut(self._aside[1], tiny):
            before, self._aside = self._aside[0], None
            return self._between(before, small, returned=True)
        self._aside = before, was, 0
        return None

    def _between(self, before: Grey, now: Grey, *, returned: bool = False) -> Step:
        flow = self._flow.calc(now, before, np.zeros((*now.shape, 2), np.float32))
        across, down = self._size[0] / self._small[0], self._size[1] / self._small[1]
        came_x, came_y = (cv2.add(grid, flow[..., k]) for k, grid in enumerate(self._small_grid))
        came = cv2.remap(before, came_x, came_y, cv2.INTER_LINEAR)
        off = cv2.blur(cv2.absdiff(now, np.asarray(came)).astype(np.float32), (3, 3))
        same = np.exp(-np.square(off) / SAME)
        moved = [flow[..., 0] * np.float32(across), flow[..., 1] * np.float32(down)]
        map_x, map_y = (
            cv2.add(grid, cv2.resize(far, self._size, interpolation=cv2.INTER_LINEAR))
            for grid, far in zip(self._grid, moved, strict=True)
        )
        return Step(
            map_x=np.asarray(map_x, np.float32),
            map_y=np.asarray(map_y, np.float32),
            same=np.asarray(cv2.resize(same, self._size, interpolation=cv2.INTER_LINEAR), np.float32),
            flow=np.dstack(moved),
            returned=returned,
        )


def is_cut(before: NDArray[np.float32], now: NDArray[np.float32]) -> bool:
    """Whether two tiny grey pictures belong to different shots; a change of light alone is none."""
    if float(np.abs(now - before).mean()) < CUT_CHANGE:
        return False
    one, two = before - before.mean(), now - now.mean()
    scale = float(np.sqrt((one * one).sum() * (two * two).sum()))
    return float((one * two).sum()) < CUT_LIKENESS * max(scale, 1e-6)
