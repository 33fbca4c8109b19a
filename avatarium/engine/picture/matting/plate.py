"""The clean plate: the ground as it was seen whenever the person stood elsewhere."""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from avatarium.engine.picture.matting.kinds import Alpha, Colour, Colours, Image

SURE = 0.03
"""Below it a pixel is ground, once the person has been given room."""
ROOM = 0.02
"""Of the longer side: what lies nearer to the person may be a strand of hair or a shadow."""
LEARNT = 12
"""Frames after which a pixel of the plate is trusted wholly; the first few are not at all."""
LONGEST = 40
CHANGED = 26.0**2
"""A pixel that differs so much from its plate shows something else, squared levels of 255."""
STILL_PX = 0.25
"""Movement of the ground, in pixels of 320, up to which the camera stands still."""
GIVEN_TRUST = 0.9
MIN_AGREEMENT = 0.5
"""Share of the visible ground that a given picture must resemble, else it is not the ground of this clip."""


class Plate:
    """Colours of the ground, and how well they are known. Learns while the camera stands still."""

    def __init__(self, width: int, height: int) -> None:
        self.colours: Colours = np.zeros((height, width, 3), np.float32)
        self._seen = np.zeros((height, width), np.float32)
        self._moving = 0
        self._room = max(2, round(ROOM * max(width, height)))

    @property
    def trust(self) -> Alpha:
        """0 where the ground was never seen, 1 where it was seen for long."""
        return np.asarray(np.clip((self._seen - 3) / (LEARNT - 3), 0, 1), np.float32)

    def forget(self) -> None:
        """A new shot begins."""
        self._seen[:] = 0
        self._moving = 0

    def watch(self, picture: Colours, alpha: Alpha, flow: NDArray[np.float32] | None) -> None:
        """Learn from a frame, whose alpha is known by now; ``flow`` since the last, in pixels, at any smaller size."""
        bare = (alpha <= SURE).astype(np.uint8)
        ground = cv2.distanceTransform(bare, cv2.DIST_L2, cv2.DIST_MASK_3) > self._room
        if flow is not None and self._moves(flow, ground):
            self._moving += 1
            if self._moving >= 2:
                self._seen[:] = 0
            return
        self._moving = 0
        _learn(picture, ground, self.colours, self._seen)

    def _moves(self, flow: NDArray[np.float32], ground: NDArray[np.bool_]) -> bool:
        size = flow.shape[1] // 2, flow.shape[0] // 2
        there = cv2.resize(ground.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
        far = flow[: 2 * size[1] : 2, : 2 * size[0] : 2][there]
        if len(far) < 50:
            return False
        unit = max(ground.shape) / 320
        return float(np.abs(np.median(far, axis=0)).max()) > STILL_PX * unit


class GivenPlate:
    """A ground that the caller knows: a picture without the person, or one colour."""

    def __init__(self, ground: Image | Colour, width: int, height: int) -> None:
        if isinstance(ground, tuple):
            self.colours: Colours = np.full((height, width, 3), ground, np.float32)
        else:
            small = cv2.resize(ground, (width, height), interpolation=cv2.INTER_AREA)
            self.colours = np.asarray(small, np.float32)
        self.trust: Alpha = np.full((height, width), GIVEN_TRUST, np.float32)
        self._own = self.colours.copy()

    def forget(self) -> None:
        """Nothing is forgotten: the ground was given, not learnt."""

    def watch(self, picture: Colours, alpha: Alpha, flow: NDArray[np.float32] | None) -> None:
        """Follow the exposure of the camera, and notice where the ground is another one."""
        ground = alpha < SURE
        if int(ground.sum()) < 200:
            return
        gain = np.median(picture[ground], axis=0) / np.maximum(np.median(self._own[ground], axis=0), 1)
        self.colours = np.asarray(self._own * np.clip(gain, 0.7, 1.4), np.float32)
        off = np.square(picture - self.colours).sum(2)
        agreement = float((off[ground] < CHANGED).mean())
        self.trust[:] = GIVEN_TRUST if agreement > MIN_AGREEMENT else 0
        self.trust[ground & (off > CHANGED)] *= 0.3


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator]
def _learn(picture: Colours, ground: NDArray[np.bool_], colours: Colours, seen: Alpha) -> None:
    height, width = seen.shape
    for y in range(height):
        for x in range(width):
            if not ground[y, x]:
                continue
            n = seen[y, x]
            if n > 0:
                off = np.float32(0)
                for k in range(3):
                    d = picture[y, x, k] - colours[y, x, k]
                    off += d * d
                if off > CHANGED:
                    seen[y, x] = max(n - 2, 0)
                    continue
            rate = 1 / (n + 1)
            for k in range(3):
                colours[y, x, k] += rate * (picture[y, x, k] - colours[y, x, k])
            seen[y, x] = min(n + 1, LONGEST)
