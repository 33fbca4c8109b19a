"""How good a recording of a voice is: noise, clipping, band width, and whether somebody sings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.speech.cloning.pitch import STEP_S, pitch_hz
from avatarium.engine.speech.records import Samples

_FRAME_S = 0.03
_SPECTRUM = 1024
_RAIL = 0.985
"""Of the highest sample; what stays above it for three samples was cut flat."""
_RUN = 3
_LOWEST_DB = -120.0
_HEARD_DB = 6.0
"""How far above its floor the spectrum must lie to carry a voice."""
_STEADY_SEMITONES = 0.35
_STEADY_S = 0.2

Spans = list[tuple[int, int]]
"""First and last sample of every stretch of speech."""


def snr_db(samples: Samples, spoken: Spans, rate: int) -> float:
    """Level of the speech above that of what is heard between it, 60 at most."""
    level, speech = _levels(samples, spoken, rate)
    if not speech.any():
        return 0.0
    voice = 10 * np.log10(np.mean(10 ** (level[speech] / 10)))
    pauses = level[~speech & (level > _LOWEST_DB + 1)]
    floor = float(np.median(pauses)) if len(pauses) >= 10 else float(np.percentile(level[speech], 3))
    return float(np.clip(voice - floor, 0.0, 60.0))


def _levels(samples: Samples, spoken: Spans, rate: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    size = round(_FRAME_S * rate)
    count = max(1, len(samples) // size)
    frames = np.resize(samples, (count, size)).astype(np.float64)
    level = 10 * np.log10(np.square(frames).mean(axis=1) + 10 ** (_LOWEST_DB / 10))
    speech = np.zeros(count, bool)
    for start, end in spoken:
        speech[start // size : end // size] = True
    return level, speech


def clipped_share(samples: Samples) -> float:
    """Share of the samples that lie on a flat top."""
    size = np.abs(samples)
    high = size >= _RAIL * max(float(size.max(initial=0.0)), 1e-9)
    runs = np.convolve(high, np.ones(_RUN), "valid") >= _RUN
    return float(runs.mean()) if len(runs) else 0.0


def bandwidth_hz(samples: Samples, rate: int) -> float:
    """The highest frequency at which there is something of the voice."""
    count = len(samples) // _SPECTRUM
    if not count:
        return 0.0
    frames = samples[: count * _SPECTRUM].reshape(count, _SPECTRUM) * np.hanning(_SPECTRUM)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    loud = power[power.sum(axis=1) > np.median(power.sum(axis=1))]
    level = 10 * np.log10((loud if len(loud) else power).mean(axis=0) + 1e-12)
    smooth = np.convolve(level, np.ones(9) / 9, "same")
    floor = max(float(np.percentile(smooth, 2)) + _HEARD_DB, float(smooth.max()) - 75.0)
    above = np.flatnonzero(smooth > floor)
    return float((above[-1] if len(above) else 0) * rate / _SPECTRUM)


def sung_share(samples: Samples, rate: int) -> float:
    """Share of the voiced time in which the pitch stands still, as it does in notes and never for long in speech."""
    pitch = pitch_hz(samples, rate)
    size = round(_STEADY_S / STEP_S)
    if len(pitch) < size or not (pitch > 0).any():
        return 0.0
    tones = 12 * np.log2(np.where(pitch > 0, pitch, np.nan))
    windows = np.lib.stride_tricks.sliding_window_view(tones, size)
    with np.errstate(invalid="ignore"):
        steady = windows.max(axis=1) - windows.min(axis=1) < _STEADY_SEMITONES
    return float(steady.sum() / max(1, int((pitch > 0).sum())))
