"""How loud the voices are: all alike, after EBU R128, with peaks that no encoder clips.

Each voice has one gain, measured once (``python -m bench.voices levels``) and kept in ``levels.toml``: what is said
loudly stays louder than what is said softly, and nothing pumps.
"""

from __future__ import annotations

import functools
import tomllib
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from avatarium.engine.speech.records import Samples

LOUDNESS_LUFS = -16.0
PEAK_DB = -1.5
"""Highest true peak (ITU-R BS.1770: between the samples too), in dB below full scale: codecs overshoot a little."""
_OVERSAMPLED = 4
_BETWEEN = 0.5
"""How much of a true peak its highest sample has at least, in what a voice says."""
_WINDOW = 241
"""Samples; 10 ms at 24 kHz: shorter than what an ear hears as a change of level."""


def gain_of(model: str) -> float:
    """Decibels that bring a voice, by its engine's name for it, to :data:`LOUDNESS_LUFS`."""
    return _gains().get(model, 0.0)


@functools.cache
def _gains() -> dict[str, float]:
    text = resources.files(__package__).joinpath("levels.toml").read_text(encoding="utf-8")
    table: dict[str, float] = tomllib.loads(text)
    return table


def levelled(audio: Samples, gain_db: float) -> Samples:
    """Sound with a gain, its true peaks held below :data:`PEAK_DB` by a limiter that looks ahead."""
    import numpy as np
    from scipy.ndimage import maximum_filter1d, uniform_filter1d

    raised: Samples = (audio * 10.0 ** (gain_db / 20.0)).astype(np.float32)
    ceiling = 10.0 ** (PEAK_DB / 20.0)
    if float(np.abs(raised).max(initial=0.0)) <= _BETWEEN * ceiling:
        return raised
    peaks = _true_peaks(raised)
    if float(peaks.max()) <= ceiling:
        return raised
    # The widest peak within reach of each moment, then smoothed over the same reach: never less than is needed.
    widest = maximum_filter1d(peaks, _WINDOW, mode="nearest")
    held = uniform_filter1d(np.minimum(1.0, ceiling / np.maximum(widest, 1e-9)), _WINDOW, mode="nearest")
    limited: Samples = (raised * held).astype(np.float32)
    return limited


def _true_peaks(audio: Samples) -> Samples:
    """The highest that the sound between each sample and the next comes to."""
    import numpy as np
    from scipy.signal import resample_poly

    between = np.abs(resample_poly(audio, _OVERSAMPLED, 1)).reshape(-1, _OVERSAMPLED).max(axis=1)
    peaks: Samples = np.maximum(between, np.abs(audio)).astype(np.float32)
    return peaks
