"""Whose voice it is: CAM++ (Wang et al. 2023) turns speech into 192 numbers that are alike where the person is.

Measured with this code on clips of 5 to 20 s: halves of one clip 0.65 to 0.86, one person in two clips 0.92, different
people 0.05 on average and 0.42 at most. Below 3 s these move together: halves of 0.42 to 0.68, others up to 0.55. What
is said, and in which language, hardly matters; music, noise and silence do.
"""

from __future__ import annotations

import functools

import numpy as np
import onnxruntime
import soxr
from numpy.typing import NDArray

from avatarium.engine.assets import default_store
from avatarium.engine.speech.models.sessions import open_session
from avatarium.engine.speech.records import Samples
from avatarium.errors import AudioError

RATE = 16_000
DIMENSIONS = 192
SHORTEST_S = 0.4
"""Speech that can be told at all; from 2 s on it is told well."""
WINDOW_S = 20.0
"""Longer speech is heard in equal windows of at most so much, whose vectors are averaged."""

_FRAME, _HOP, _SPECTRUM = 400, 160, 512
"""Samples: 25 ms, 10 ms, and the length of the transform."""
_BANDS = 80
_LOWEST_HZ = 20.0
_PRE_EMPHASIS = 0.97
_FULL_SCALE = 32_768.0
"""Kaldi counts samples as 16-bit integers."""
_FLOOR = float(np.finfo(np.float32).eps)

Vector = NDArray[np.float32]


def embed(samples: Samples, rate: int, *, threads: int = 1) -> Vector:
    """The voice of a recording as a vector of length one, shape ``(192,)``; 20 to 30 ms of CPU a second of sound.

    Give speech of one person: pauses of a second or more and other people's words draw the vector away. The level does
    not matter.

    Args:
        samples: ``float32`` mono, or ``(samples, channels)``, which are averaged.
        rate: samples a second.
        threads: of the CPU.

    Raises:
        AudioError: ``voice_too_short``, less than 0.4 s; ``empty_audio``, nothing but digital silence.
    """
    mono = np.asarray(samples, np.float32)
    mono = mono.mean(axis=1, dtype=np.float32) if mono.ndim == 2 else mono
    if len(mono) < SHORTEST_S * rate:
        raise AudioError(
            f"A voice cannot be told from less than {SHORTEST_S} s of speech; give more.", code="voice_too_short"
        )
    if not mono.any():
        raise AudioError("The recording is silent; give one with somebody speaking.", code="empty_audio")
    sound = mono if rate == RATE else soxr.resample(mono, rate, RATE)
    pieces = np.array_split(sound, max(1, int(np.ceil(len(sound) / (WINDOW_S * RATE)))))
    return unit(np.sum([_vector(piece, threads) for piece in pieces], axis=0))


def likeness(a: Vector, b: Vector) -> float:
    """Cosine of two vectors: 1 for the same voice, about 0 for two that have nothing in common."""
    return float(np.dot(unit(a), unit(b)))


def unit(vector: Vector) -> Vector:
    """The vector of length one in the same direction."""
    scaled: Vector = (vector / max(float(np.linalg.norm(vector)), 1e-9)).astype(np.float32)
    return scaled


def features(sound: Samples) -> NDArray[np.float32]:
    """Kaldi's log mel energies of sound at 16 kHz, ``(frames, 80)``, 100 a second, each band's mean taken out."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, _FRAME)[::_HOP].astype(np.float64) * _FULL_SCALE
    frames -= frames.mean(axis=1, keepdims=True)
    frames[:, 1:] -= _PRE_EMPHASIS * frames[:, :-1]
    frames[:, 0] *= 1.0 - _PRE_EMPHASIS
    window, bands = _filters()
    power = np.square(np.abs(np.fft.rfft(frames * window, _SPECTRUM)))
    energies = np.log(np.maximum(power @ bands, _FLOOR))
    levelled: NDArray[np.float32] = (energies - energies.mean(axis=0)).astype(np.float32)
    return levelled


def _vector(sound: Samples, threads: int) -> Vector:
    found: Vector = _session(threads).run(None, {"features": features(sound)[None]})[0][0]
    return unit(found)


@functools.cache
def _session(threads: int) -> onnxruntime.InferenceSession:
    return open_session(default_store().path("speakers") / "campplus.onnx", threads=threads)


@functools.cache
def _filters() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Povey's window, and the triangles on the mel scale as ``(257, 80)``."""
    window = np.hanning(_FRAME) ** 0.85
    edges = np.linspace(_mel(np.array(_LOWEST_HZ)), _mel(np.array(RATE / 2)), _BANDS + 2)
    bins = _mel(np.arange(_SPECTRUM // 2 + 1) * RATE / _SPECTRUM)[:, None]
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    bands = np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle))
    return window, np.maximum(bands, 0.0)


def _mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    mel: NDArray[np.float64] = 1127.0 * np.log1p(hertz / 700.0)
    return mel
