"""Masks held steady where nothing changed: compiled loops over whole planes of one size, 0..1."""

from __future__ import annotations

import numpy as np
from numba import njit

from avatarium.engine.picture.matting.kinds import Alpha

SURPRISED = 0.6
"""Share of its steadiness that a mask loses where it changes by more than is usual."""
UNLIKE = 0.3
"""A change of alpha up to which it is noise."""


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator]
def steady(found: Alpha, was: Alpha, same: Alpha, keep: float, surprise: float) -> None:
    """Draw a mask, in place, to what it ``was`` by ``keep`` where the picture is the ``same``, less where it leaps."""
    for y in range(found.shape[0]):
        for x in range(found.shape[1]):
            apart = was[y, x] - found[y, x]
            leap = min(max((abs(apart) - surprise) / surprise, 0.0), 1.0)
            found[y, x] += np.float32(apart * keep * same[y, x] * (1 - SURPRISED * leap))


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator]
def settle(alpha: Alpha, was: Alpha, same: Alpha, keep: float) -> None:
    """The same for finished alpha."""
    for y in range(alpha.shape[0]):
        for x in range(alpha.shape[1]):
            apart = was[y, x] - alpha[y, x]
            leap = min(max(abs(apart) - UNLIKE, 0.0), 1.0)
            alpha[y, x] += np.float32(apart * keep * same[y, x] * same[y, x] * (1 - leap))


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator]
def ramp(mask: Alpha, low: float, high: float) -> Alpha:
    """0 up to ``low``, 1 from ``high`` on, a straight line between."""
    out = np.empty_like(mask)
    for y in range(mask.shape[0]):
        for x in range(mask.shape[1]):
            out[y, x] = np.float32(min(max((mask[y, x] - low) / (high - low), 0.0), 1.0))
    return out
