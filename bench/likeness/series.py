"""Time series over landmarks: gaps, widths, eyes, jitter. Lengths are in outer-eye distances (IOD, points 36 to 45)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]
"""One value a frame, NaN where no face was found."""
Track = NDArray[np.float64]
"""Landmarks, shape ``(frames, 68, 2)``, pixels."""

FRAME_S = 0.04
"""The frame that offsets are counted in, whatever the frame rate of the video."""
MAX_GAP_S = 0.12
STEADY_POINTS = (27, 28, 36, 45, 30)


def _distance(track: Track, one: int, other: int) -> Series:
    return np.asarray(np.linalg.norm(track[:, one] - track[:, other], axis=1))


def eye_distance(track: Track) -> Series:
    """IOD in pixels."""
    return _distance(track, 36, 45)


def opening(track: Track) -> Series:
    """Gap between the inner lips: mean of 61-67, 62-66 and 63-65, in IOD."""
    gaps = _distance(track, 61, 67) + _distance(track, 62, 66) + _distance(track, 63, 65)
    return np.asarray(gaps / 3 / eye_distance(track))


def width(track: Track) -> Series:
    """Distance of the mouth's corners, 48-54, in IOD."""
    return np.asarray(_distance(track, 48, 54) / eye_distance(track))


def eye_aspect(track: Track) -> Series:
    """Eye aspect ratio, mean of both eyes (Soukupova and Cech, Real-Time Eye Blink Detection, 2016)."""

    def one(k: int) -> Series:
        heights = _distance(track, k + 1, k + 5) + _distance(track, k + 2, k + 4)
        return np.asarray(heights / (2 * _distance(track, k, k + 3)))

    return np.asarray((one(36) + one(42)) / 2)


def jitter(track: Track) -> float | None:
    """Median length of the second difference of five points that speech does not move, in IOD."""
    steady = track[:, STEADY_POINTS]
    bends = np.linalg.norm(steady[2:] - 2 * steady[1:-1] + steady[:-2], axis=2) / eye_distance(track)[1:-1, None]
    bends = bends[np.isfinite(bends)]
    return float(np.median(bends)) if bends.size else None


def nose_speed(track: Track, times_s: Series) -> float | None:
    """Median speed of the smoothed bridge of the nose (27) over steps of 40 ms, in IOD a second."""
    if not np.isfinite(track).any():
        return None
    grid, calm = time_grid(times_s), smoothed(track)
    place = np.stack([resample(times_s, calm[:, 27, axis], grid) for axis in (0, 1)], axis=1)
    steps = np.linalg.norm(np.diff(place, axis=0), axis=1) / FRAME_S / np.nanmedian(eye_distance(track))
    steps = steps[np.isfinite(steps)]
    return float(np.median(steps)) if steps.size else None


def time_grid(times_s: Series, step_s: float = FRAME_S) -> Series:
    """Times ``step_s`` apart from the first to the last frame."""
    return np.asarray(times_s[0] + step_s * np.arange(int((times_s[-1] - times_s[0]) / step_s + 1e-6) + 1))


def resample(times_s: Series, values: Series, grid_s: Series) -> Series:
    """Linear interpolation onto ``grid_s``; NaN where no finite value lies within 120 ms."""
    known = np.isfinite(values)
    if not known.any():
        return np.full(len(grid_s), np.nan)
    times, found = times_s[known], values[known]
    after = np.clip(np.searchsorted(times, grid_s), 1, max(1, len(times) - 1))
    nearest = np.minimum(np.abs(times[np.minimum(after, len(times) - 1)] - grid_s), np.abs(times[after - 1] - grid_s))
    return np.where(nearest <= MAX_GAP_S, np.interp(grid_s, times, found), np.nan)


def smoothed(track: Track) -> Track:
    """The track averaged over five frames by a Hann window, gaps left as they are."""
    weights = np.hanning(7)[1:-1]
    known = np.isfinite(track)
    padded = np.pad(np.where(known, track, 0.0), ((2, 2), (0, 0), (0, 0)))
    counted = np.pad(known.astype(float), ((2, 2), (0, 0), (0, 0)))
    total = sum(w * padded[k : k + len(track)] for k, w in enumerate(weights))
    weight = sum(w * counted[k : k + len(track)] for k, w in enumerate(weights))
    return np.where(known, total / np.maximum(weight, 1e-9), np.nan)
