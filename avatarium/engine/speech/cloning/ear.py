"""What speaker nets hear of a sound: Kaldi's filter bank, 80 bands every 10 ms, worked out at 24 kHz.

In numpy for recordings, and as the weights of a convolution for the network that clones are learnt with.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.speech.records import Samples

RATE = 24_000
WINDOW, HOP = 600, 240
"""25 and 10 ms."""
BANDS = 80
FLOOR = 1.19e-7
_SPECTRUM = 768
"""Length of the transform: bins of 31.25 Hz, those of 512 points at 16 kHz, which the nets were taught with."""
_BINS = 257
_HIGHEST_HZ, _LOWEST_HZ = 8_000.0, 20.0
_EMPHASIS = 0.97

Array = NDArray[np.float32]


def bands(samples: Samples) -> Array:
    """Logarithms of the bands of a sound at 24 kHz, ``(moments, 80)``."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    parts = frames @ transform().T
    power = np.square(parts[:, :_BINS]) + np.square(parts[:, _BINS:])
    return np.asarray(np.log(np.maximum(power @ triangles(), FLOOR)), np.float32)


def without_mean(heard: Array) -> Array:
    """The bands as speaker nets want them: how a microphone colours them is taken out."""
    return np.asarray(heard - heard.mean(axis=0, keepdims=True))


def transform() -> Array:
    """Cosine and sine of every bin, ``(514, 600)``: windowed, with each frame's mean and the emphasis worked in."""
    time = np.arange(WINDOW)
    window = (0.5 - 0.5 * np.cos(2 * np.pi * time / (WINDOW - 1))) ** 0.85
    waves = np.exp(-2j * np.pi * np.outer(np.arange(_BINS), time) / _SPECTRUM) * window
    waves -= waves.mean(axis=1, keepdims=True)
    bins_hz = np.arange(_BINS) * RATE / _SPECTRUM
    emphasis = np.abs(1 - _EMPHASIS * np.exp(-2j * np.pi * bins_hz / 16_000))
    waves *= emphasis[:, None] * 32_768.0 * (16_000 / RATE)
    return np.asarray(np.concatenate([waves.real, waves.imag]), np.float32)


def triangles() -> Array:
    """Kaldi's triangles on the mel scale, ``(257, 80)``."""

    def mel(hertz: Any) -> Any:
        return 1127.0 * np.log(1.0 + np.asarray(hertz) / 700.0)

    edges = np.linspace(mel(_LOWEST_HZ), mel(_HIGHEST_HZ), BANDS + 2)
    at = mel(np.arange(_BINS) * RATE / _SPECTRUM)[:, None]
    rise = (at - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - at) / (edges[2:] - edges[1:-1])
    return np.asarray(np.maximum(0.0, np.minimum(rise, fall)), np.float32)
