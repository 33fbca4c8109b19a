"""No jump where one movement takes over from another (inertialisation: Bollo, "High-performance animation in Gears of
War 4", GDC 2018).

When the movement to follow changes, the face keeps its place and speed as an offset to the new one, and the offset
fades along a polynomial that ends at rest. Whatever takes over whenever, the face moves on smoothly.
"""

from __future__ import annotations

import numpy as np

from avatarium.engine.live.bearing import BREATH, BROW, CHANNELS, FEELING, GAZE, HEAD, Bearing
from avatarium.engine.live.clock import TICK_S

SHORTEST_S, LONGEST_S = 0.32, 2.4
_PEAK = 1.875
"""Fastest moment of the polynomial against its mean speed."""


def _speeds() -> Bearing:
    """How fast an offset may fade, per second."""
    speed = np.zeros(CHANNELS)
    speed[HEAD] = [np.radians(3.5), np.radians(3.0), np.radians(2.5), 0.018, 0.015]
    speed[GAZE], speed[BROW], speed[BREATH], speed[FEELING] = 0.05, 0.09, 0.012, 2.2
    return speed


_SPEED = _speeds()


class Inertia:
    """The fading offset."""

    def __init__(self) -> None:
        self._from = np.zeros(CHANNELS)
        self._velocity = np.zeros(CHANNELS)
        self._length = np.ones(CHANNELS)
        self._at = np.inf

    @property
    def settled(self) -> bool:
        """Whether the face is where the movement is."""
        return bool(self._at >= self._length.max())

    def absorb(self, offset: Bearing, velocity: Bearing) -> None:
        """Take up a new offset, as of the tick before the next, and how it was changing a tick."""
        needed_s = _PEAK * np.abs(offset) / _SPEED
        self._length = np.clip(needed_s, SHORTEST_S, LONGEST_S) / TICK_S
        self._from, self._velocity, self._at = offset.copy(), velocity.copy(), 0.0

    def step(self) -> Bearing:
        """The offset of the next tick."""
        self._at += 1.0
        if self.settled:
            return np.zeros(CHANNELS)
        u = np.minimum(self._at / self._length, 1.0)
        # Fifth degree, so that place, speed and acceleration are 0 at the end.
        place = 1 - u**3 * (10 - 15 * u + 6 * u**2)
        drift = u - u**3 * (6 - 8 * u + 3 * u**2)
        offset: Bearing = self._from * place + self._velocity * self._length * drift
        return offset
