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
"""Highest peak, in dBFS: half a decibel below what is promised, as codecs overshoot."""
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
    """Sound with a gain, its peaks held below :data:`PEAK_DB` by a limiter that looks ahead."""
    import numpy as np
    from scipy.ndimage import maximum_filter1d, uniform_filter1d

    raised: Samples = (audio * 10.0 ** (gain_db / 20.0)).astype(np.float32)
    ceiling = 10.0 ** (PEAK_DB / 20.0)
    if float(np.abs(raised).max(initial=0.0)) <= ceiling:
        return raised
    # The widest peak within reach of each moment, then smoothed over the same reach: never less than is needed.
    peaks = maximum_filter1d(np.abs(raised), _WINDOW, mode="nearest")
    held = uniform_filter1d(np.minimum(1.0, ceiling / np.maximum(peaks, 1e-9)), _WINDOW, mode="nearest")
    limited: Samples = (raised * held).astype(np.float32)
    return limited
