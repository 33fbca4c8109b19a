"""The course of the pitch of a voice, by normalised autocorrelation and the smoothest way through its peaks.

After Boersma, "Accurate short-term analysis of the fundamental frequency ..." (1993).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.speech.records import Samples

STEP_S = 0.0125
"""Kokoro's step: two for each frame of 25 ms."""
LOWEST_HZ, HIGHEST_HZ = 60.0, 500.0
_WINDOW_S = 0.04
_CANDIDATES = 4
_VOICED = 0.45
"""Correlation from which a moment is voiced."""
_OCTAVE_COST = 0.05
_JUMP_COST = 0.6
_CHANGE_COST = 0.2
_QUIET_DB = -40.0

Array = NDArray[np.float64]


def pitch_hz(samples: Samples, rate: int) -> NDArray[np.float32]:
    """Pitch every :data:`STEP_S`, 0 where no voice sounds."""
    frames, level = _frames(samples, rate)
    pitch, strength = _candidates(frames, rate)
    strength[level < _QUIET_DB] = 0.0
    path = _smoothest(pitch, strength)
    found = np.where(path < _CANDIDATES, pitch[np.arange(len(path)), np.minimum(path, _CANDIDATES - 1)], 0.0)
    return found.astype(np.float32)


def _frames(samples: Samples, rate: int) -> tuple[Array, Array]:
    size, step = round(2 * _WINDOW_S * rate), STEP_S * rate
    count = max(1, round(len(samples) / step))
    padded = np.pad(samples.astype(np.float64), (size // 2, size))
    starts = np.round((np.arange(count) + 0.5) * step).astype(int)
    frames = padded[starts[:, None] + np.arange(size)]
    frames -= frames.mean(axis=1, keepdims=True)
    power = np.square(frames).mean(axis=1)
    return frames, 10 * np.log10(power / max(float(power.max()), 1e-12) + 1e-12)


def _candidates(frames: Array, rate: int) -> tuple[Array, Array]:
    """The highest peaks of each frame's autocorrelation, refined by a parabola."""
    window = np.hanning(frames.shape[1])
    length = 1 << int(np.ceil(np.log2(2 * frames.shape[1])))
    own = np.fft.irfft(np.abs(np.fft.rfft(window, length)) ** 2)
    spectrum = np.abs(np.fft.rfft(frames * window, length)) ** 2
    curve = np.fft.irfft(spectrum, axis=1)
    low, high = int(rate / HIGHEST_HZ), int(rate / LOWEST_HZ) + 2
    curve = curve[:, : high + 1] / np.maximum(curve[:, :1], 1e-12) / (own[: high + 1] / own[0])
    inner = curve[:, low:high]
    peaks = (inner > curve[:, low - 1 : high - 1]) & (inner >= curve[:, low + 1 : high + 1])
    lags = np.arange(low, high)
    scored = np.where(peaks, inner - _OCTAVE_COST * np.log2(lags / low), -1.0)
    best = np.argsort(-scored, axis=1)[:, :_CANDIDATES]
    rows = np.arange(len(frames))[:, None]
    before, at, after = curve[rows, best + low - 1], curve[rows, best + low], curve[rows, best + low + 1]
    bend = before - 2 * at + after
    shift = np.where(np.abs(bend) > 1e-9, 0.5 * (before - after) / np.where(np.abs(bend) > 1e-9, bend, 1.0), 0.0)
    return rate / (best + low + np.clip(shift, -0.5, 0.5)), np.take_along_axis(scored, best, axis=1)


def _smoothest(pitch: Array, strength: Array) -> NDArray[np.int64]:
    """Viterbi over the candidates and, last, no voice."""
    gain = np.concatenate([strength, np.full((len(strength), 1), _VOICED)], axis=1)
    total, back = gain[0], np.zeros(gain.shape, np.int64)
    for i in range(1, len(gain)):
        jump = np.zeros((_CANDIDATES + 1, _CANDIDATES + 1))
        jump[:-1, :-1] = _JUMP_COST * np.abs(np.log2(pitch[i][None] / pitch[i - 1][:, None]))
        jump[-1, :-1] = jump[:-1, -1] = _CHANGE_COST
        ways = total[:, None] - jump
        back[i] = ways.argmax(axis=0)
        total = ways.max(axis=0) + gain[i]
    path = np.zeros(len(gain), np.int64)
    path[-1] = int(total.argmax())
    for i in range(len(gain) - 1, 0, -1):
        path[i - 1] = back[i, path[i]]
    return path
