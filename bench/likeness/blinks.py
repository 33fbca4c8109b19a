"""Blinks, by two witnesses: the landmarks of the lids, and what the eyes look like.

dlib's landmarks shrink an eye by 20 to 40 % in a blink and do not understand painted eyes at all: in some they rise as
the lids fall. So a scheduled blink counts as found where either witness sees it; the rate of blinks is the landmarks'.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.likeness.clip import Picture
from bench.likeness.landmarks import Points
from bench.likeness.series import Series
from bench.likeness.stillness import fitted_frame

WINDOW_S = 1.6
SHUT = 0.78
CHANGED = 0.25
"""Rendered eyes at rest change by up to .13, shut ones by .28 to .42; real ones shut by .4 to .8."""
LONGEST_S = 0.45
AFTER_S = 0.36
BEFORE_S = 0.08
EYE_PX = (48, 34)
EYE_IODS = (0.40, 0.283)

Span = tuple[float, float]
"""First and last time, in seconds."""


def blink_spans(times_s: Series, aspect: Series) -> list[Span]:
    """Runs of at most 450 ms in which the aspect ratio is below .78 of its rolling 75th percentile over 1.6 s."""
    usual = np.full(len(aspect), np.nan)
    for index, near in enumerate(_windows(times_s)):
        known = aspect[near][np.isfinite(aspect[near])]
        usual[index] = np.percentile(known, 75) if known.size else np.nan
    return _short_runs(times_s, aspect < SHUT * usual)


def changed_spans(times_s: Series, change: Series) -> list[Span]:
    """Runs of at most 450 ms in which the look of both eyes is changed by more than .25; see ``eye_change``."""
    return _short_runs(times_s, change > CHANGED)


def eye_patches(picture: Picture, points: Points, shape: Points) -> NDArray[np.float32]:
    """Both eye boxes of .40 x .28 IOD, upright, at a fixed place on the head: grey levels, shape ``(2, 34, 48)``."""
    scale = EYE_IODS[0] / EYE_PX[0]
    frame = fitted_frame(points, shape)
    patches = []
    for eye in (slice(36, 42), slice(42, 48)):
        corner = shape[eye].mean(0) - np.array(EYE_IODS) / 2
        matrix = frame @ np.array([[scale, 0, corner[0]], [0, scale, corner[1]], [0, 0, 1]])
        patch = cv2.warpAffine(picture, matrix, EYE_PX, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        grey = np.asarray(cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY), np.float32)
        patches.append(cv2.GaussianBlur(grey, (0, 0), 1.2))
    return np.array(patches, np.float32)


def eye_change(times_s: Series, patches: NDArray[np.float32]) -> Series:
    """How far each eye box is from its median over 1.6 s: mean absolute difference over the median's deviation.

    The eye that changes less counts: a blink shuts both.
    """
    change = np.zeros(len(patches))
    for index, near in enumerate(_windows(times_s)):
        usual = np.median(patches[near], axis=0)
        apart = np.abs(patches[index] - usual).mean((1, 2)) / np.maximum(usual.std((1, 2)), 1.0)
        change[index] = apart.min()
    return change


def share_found(spans: Sequence[Span], scheduled_s: Sequence[float]) -> float | None:
    """Share of scheduled blinks seen; a time is the moment at which the lids begin to fall. None where none is due."""
    if not scheduled_s:
        return None
    found = [any(end >= t - BEFORE_S and start <= t + AFTER_S for start, end in spans) for t in scheduled_s]
    return sum(found) / len(found)


def _windows(times_s: Series) -> list[slice]:
    starts = np.searchsorted(times_s, times_s - WINDOW_S / 2 - 1e-6)
    ends = np.searchsorted(times_s, times_s + WINDOW_S / 2 + 1e-6)
    return [slice(int(a), int(b)) for a, b in zip(starts, ends, strict=True)]


def _short_runs(times_s: Series, true: NDArray[np.bool_]) -> list[Span]:
    edges = np.flatnonzero(np.diff(np.r_[False, true, False].astype(int)))
    frame_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0
    spans = [(float(times_s[a]), float(times_s[b - 1])) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return [(start, end) for start, end in spans if end - start + frame_s <= LONGEST_S + 1e-6]
