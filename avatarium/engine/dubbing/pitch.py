"""Whether a voice is a woman's or a man's, told by its pitch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.speech.records import Samples
from avatarium.engine.speech.speakers import Gender

RATE = 16_000
LOWEST_HZ, HIGHEST_HZ = 65.0, 400.0
BETWEEN_HZ = 160.0
"""Half way, on a scale of tones, between the usual 120 Hz of men and 210 Hz of women."""
_FRAME, _HOP = 1024, 320
_VOICED = 0.55
"""Of the autocorrelation, 1 being a perfect tone."""
_LEAST = 10
"""Voiced frames below which nothing is told."""


def pitch_hz(samples: Samples) -> float | None:
    """Median pitch of speech at 16 kHz; None where hardly anything is voiced."""
    if len(samples) < _FRAME:
        return None
    frames = np.lib.stride_tricks.sliding_window_view(samples, _FRAME)[::_HOP]
    power = (frames.astype(np.float64) ** 2).mean(1)
    frames = frames[power > 0.05 * np.percentile(power, 90)].astype(np.float64)
    if not len(frames):
        return None
    found = _pitches(frames)
    return float(np.median(found)) if len(found) >= _LEAST else None


def gender_of(samples: Samples) -> Gender:
    """Of speech at 16 kHz; a woman's where nothing can be told."""
    hertz = pitch_hz(samples)
    return Gender.MALE if hertz is not None and hertz < BETWEEN_HZ else Gender.FEMALE


def _pitches(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """By the autocorrelation, divided by that of the window (Boersma 1993)."""
    window = np.hanning(_FRAME)
    share = _autocorrelation((frames - frames.mean(1, keepdims=True)) * window)
    share /= np.maximum(share[:, :1], 1e-12)
    own = _autocorrelation(window[None])
    share /= own / own[:, :1]
    low, high = round(RATE / HIGHEST_HZ), round(RATE / LOWEST_HZ)
    # An octave below is as good a tone: nearer lags go first.
    lags = np.arange(low, high)
    height = share[:, low:high] - 0.02 * np.log2(lags / low)
    best = height.argmax(1)
    voiced = share[np.arange(len(share)), best + low] > _VOICED
    found: NDArray[np.float64] = RATE / lags[best[voiced]]
    return found


def _autocorrelation(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    spectrum = np.fft.rfft(frames, 2 * _FRAME, axis=1)
    return np.asarray(np.fft.irfft(np.abs(spectrum) ** 2, axis=1)[:, : _FRAME // 2])
