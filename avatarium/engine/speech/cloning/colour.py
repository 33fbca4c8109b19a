"""The colour of a recording laid over a clone: an equaliser of the long-term spectrum, and the loudness of speech."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.speech.cloning.package import EQUALISER_BANDS
from avatarium.engine.speech.cloning.records import SAMPLE_RATE
from avatarium.engine.speech.levels import LOUDNESS_LUFS
from avatarium.engine.speech.models.cloned import coloured
from avatarium.engine.speech.records import Samples
from avatarium.engine.video.loudness import loudness_lufs

Array = NDArray[np.float32]

MOST_DB = 7.0
_SHARE = 0.8
"""Of the difference that is made up for; the rest is what was said."""
_SPECTRUM = 1024
_SMOOTH_OCTAVES = 0.35
_LOWEST_HZ = 90.0
_TAPER_HZ = 700.0
_FLOOR_HZ = (50.0, 110.0)


def lowest_hz(pitch_hz: Array) -> float:
    """Half an octave below the lowest tones of somebody, of the pitch of their voiced moments."""
    low = float(np.percentile(pitch_hz, 5)) if len(pitch_hz) else 0.0
    return round(float(np.clip(low / np.sqrt(2), *_FLOOR_HZ)), 1)


def equaliser(wanted: Samples, said: Samples, *, bandwidth_hz: float, lowest_hz: float) -> Array:
    """Decibels for :data:`EQUALISER_BANDS` that bring what was said to the colour of a recording, at -16 LUFS.

    Args:
        wanted: speech of the recording, at 24 kHz.
        said: the clone's.
        bandwidth_hz: up to where the recording carries anything; nothing is changed above.
        lowest_hz: where the voice begins.
    """
    bands_hz = np.linspace(0, SAMPLE_RATE / 2, EQUALISER_BANDS)
    apart = _spectrum_db(wanted, bands_hz) - _spectrum_db(said, bands_hz)
    weight = np.clip((bandwidth_hz - bands_hz) / _TAPER_HZ, 0.0, 1.0) * (bands_hz >= _LOWEST_HZ)
    audible = (bands_hz > 200) & (bands_hz < min(bandwidth_hz, 5_000))
    apart = apart - apart[audible].mean()
    gains = np.clip(_SHARE * apart * weight, -MOST_DB, MOST_DB).astype(np.float32)
    level_db = LOUDNESS_LUFS - loudness_lufs(coloured(said, gains, lowest_hz=lowest_hz), SAMPLE_RATE)
    return np.asarray(gains + level_db, np.float32)


def _spectrum_db(samples: Samples, bands_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Long-term spectrum of the louder half of the moments, smoothed as the ear does."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, _SPECTRUM)[:: _SPECTRUM // 2] * np.hanning(_SPECTRUM)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    total = power.sum(axis=1)
    mean = power[total >= np.median(total)].mean(axis=0) + 1e-12
    at_hz = np.fft.rfftfreq(_SPECTRUM, 1 / SAMPLE_RATE)
    octaves = np.log2(np.maximum(at_hz, 50.0))
    near = np.exp(-0.5 * ((np.log2(np.maximum(bands_hz, 50.0))[:, None] - octaves) / _SMOOTH_OCTAVES) ** 2)
    return np.asarray(10 * np.log10((near * mean).sum(axis=1) / near.sum(axis=1)))
