"""Whether the mouth does what the sounds call for, when they call for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avatarium.engine.speech.records import Phoneme
from bench.likeness.phones import ROUND, SPREAD, Mouth, expected_opening, segments
from bench.likeness.series import Series, resample, time_grid

MAX_LAG = 10
STILL_RANGE = 0.02
"""p97 - p3 of the opening, in IOD, under which nothing opens, so that nothing can close either."""
FINE_S = 0.01
STILL = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """Where the opening agrees best with the sounds."""

    offset_frames: float | None
    """Frames of 40 ms; negative: the picture leads the sound; None: no agreement anywhere."""
    correlation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Closures:
    """How many of the sounds made with shut lips are seen with shut lips."""

    shut: int
    total: int

    @property
    def rate(self) -> float | None:
        """Share from 0 to 1, None where no such sound was said."""
        return self.shut / self.total if self.total else None


def lag_curve(times_s: Series, opening: Series, phonemes: Sequence[Phoneme]) -> Series:
    """Cross-correlation of the opening with the expected one at lags of -10 to +10 frames of 40 ms, shape ``(21,)``.

    Both series less their means and over their deviations; the sum over the overlap is divided by the whole length, so
    that far lags, which see less, weigh less. Entry k holds lag k - 10; the picture is late at positive lags. All zero
    where the mouth or the expectation does not move.
    """
    grid = time_grid(times_s)
    seen, expected = resample(times_s, opening, grid), expected_opening(phonemes, grid)
    known = np.isfinite(seen)
    if len(grid) <= 2 * MAX_LAG or not known.any() or np.std(seen[known]) < STILL or np.std(expected) < STILL:
        return np.zeros(2 * MAX_LAG + 1)
    seen = np.where(known, (seen - seen[known].mean()) / seen[known].std(), 0.0)
    expected = (expected - expected.mean()) / expected.std()
    padded = np.pad(expected, MAX_LAG)
    # padded[j : j + n] is the expectation moved late by MAX_LAG - j frames.
    sums = np.array([padded[j : j + len(seen)] @ seen for j in range(2 * MAX_LAG, -1, -1)])
    return np.asarray(sums / known.sum())


def peak(curve: Series) -> Peak:
    """Peak of a lag curve by a parabola through its highest entry and the two beside it."""
    top = int(np.argmax(curve))
    height = float(curve[top])
    if height <= 0:
        return Peak(offset_frames=None, correlation=0.0)
    if top in (0, len(curve) - 1):
        return Peak(offset_frames=float(top - MAX_LAG), correlation=height)
    left, right = curve[top - 1], curve[top + 1]
    bend = left - 2 * height + right
    shift = float(0.5 * (left - right) / bend) if bend < 0 else 0.0
    return Peak(offset_frames=top - MAX_LAG + shift, correlation=height)


def closures(times_s: Series, opening: Series, phonemes: Sequence[Phoneme]) -> Closures:
    """Count p, b, m whose smallest opening in [start - 60 ms, end + 40 ms] is at most p3 + .22 (p97 - p3)."""
    known = opening[np.isfinite(opening)]
    low, high = np.percentile(known, [3, 97]) if known.size else (0.0, 0.0)
    shut = total = 0
    for segment in segments(phonemes):
        if segment.mouth is not Mouth.PBM:
            continue
        seen = _within(times_s, opening, segment.start_s - 0.06, segment.end_s + 0.04)
        if not seen.size:
            continue
        total += 1
        shut += bool(high - low > STILL_RANGE and seen.min() <= low + 0.22 * (high - low))
    return Closures(shut=shut, total=total)


def rounding(times_s: Series, width: Series, phonemes: Sequence[Phoneme]) -> float | None:
    """Mean smallest width in u, w, o over mean largest width in i, e, s; None where either kind is not said."""
    narrow, wide = [], []
    for segment in segments(phonemes):
        if segment.mouth not in ROUND | SPREAD:
            continue
        seen = _within(times_s, width, segment.start_s, segment.end_s)
        if not seen.size:
            continue
        if segment.mouth in ROUND:
            narrow.append(seen.min())
        else:
            wide.append(seen.max())
    return float(np.mean(narrow) / np.mean(wide)) if narrow and wide else None


def _within(times_s: Series, values: Series, start_s: float, end_s: float) -> Series:
    """Finite values of a series between two times, interpolated so that a short sound between two frames counts."""
    if end_s < times_s[0] or start_s > times_s[-1]:
        return np.zeros(0)
    fine = np.arange(max(start_s, float(times_s[0])), min(end_s, float(times_s[-1])) + 1e-9, FINE_S)
    seen = resample(times_s, values, fine)
    return np.asarray(seen[np.isfinite(seen)])
