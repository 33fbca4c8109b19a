"""Gestures under way in one room, and the small nods of somebody who listens."""

from __future__ import annotations

import numpy as np

from avatarium.engine.live.bearing import CHANNELS, Bearing
from avatarium.engine.live.clock import FPS
from avatarium.engine.live.gestures import Gesture, gesture_curve

NOD_GAP_S = (3.5, 9.0)
"""Between two nods of a listener."""
_NOD_SIZE = (0.45, 0.75)
MOST_AT_ONCE = 3


class Overlay:
    """What is laid over the movement."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng([seed, 102])
        self._curves: list[tuple[Bearing, int]] = []
        self._broken = False
        self._nod_in = 0

    @property
    def still(self) -> bool:
        """Whether nothing is laid over."""
        return not self._curves

    def begin(self, gesture: Gesture, size: float = 1.0) -> None:
        """Begin a gesture; one too many is left out."""
        if len(self._curves) < MOST_AT_ONCE:
            side = 1 if self._random.random() < 0.5 else -1
            self._curves.append((gesture_curve(gesture, size, side), 0))

    def clear(self) -> None:
        """Drop all gestures."""
        self._broken = bool(self._curves)
        self._curves.clear()

    def step(self, *, listening: bool) -> tuple[Bearing, Bearing, bool]:
        """The offset of the next tick, how far it has come since the last, and whether it was broken off before."""
        self._nod(listening)
        total, step = np.zeros(CHANNELS), np.zeros(CHANNELS)
        for curve, at in self._curves:
            total += curve[at]
            step += curve[at] - (curve[at - 1] if at else 0.0)
        self._curves = [(curve, at + 1) for curve, at in self._curves if at + 1 < len(curve)]
        broken, self._broken = self._broken, False
        return total, step, broken

    def _nod(self, listening: bool) -> None:
        """Nod now and then while listening, never twice at once."""
        if not listening:
            self._nod_in = 0
            return
        if self._nod_in == 0:
            self._nod_in = round(float(self._random.uniform(*NOD_GAP_S)) * FPS)
        self._nod_in -= 1
        if self._nod_in == 0 and self.still:
            self.begin(Gesture.NOD, float(self._random.uniform(*_NOD_SIZE)))
