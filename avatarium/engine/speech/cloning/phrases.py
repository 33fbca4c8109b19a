"""What somebody said, as Kokoro's decoder would have to be told to say it: sounds, their times, pitch and loudness.

The recogniser writes the words of each phrase down, a ready voice says them, and where its bands match those of the
recording (dynamic time warping; Sakoe and Chiba 1978) the sounds are moved to. Pitch and loudness are measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.speech.cloning.ear import BANDS, HOP, bands
from avatarium.engine.speech.cloning.network import FRAME, RATE, frames_heard
from avatarium.engine.speech.cloning.pitch import pitch_hz
from avatarium.engine.speech.cloning.speaking import Plan
from avatarium.engine.speech.records import Samples

Array = NDArray[np.float32]

_SPECTRUM, _WINDOW, _HOP, _MELS = 2048, 1200, 300, 80
_QUIET_DB = -35.0
_QUIET_TRUST = 0.1
_EDGE = 2
"""Frames of silence that a sentence keeps at either end."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Phrase:
    """One phrase, ready for the decoder; ``n`` frames of 25 ms."""

    text: Array
    """``[1, 512, n]``."""
    pitch: Array
    """Hz, ``[1, 1, 2 n]``; 0 where there is no voice."""
    loudness: Array
    """``[1, 1, 2 n]``."""
    bands: Array
    """Of the recording, ``[1, t, 80]``."""
    trust: Array
    """``[1, t, 1]``: which moments count; none where there is no recording."""

    @property
    def frames(self) -> int:
        """How many of 25 ms."""
        return self.text.shape[2]

    def part(self, start: int, frames: int) -> Phrase:
        """Some frames of it."""
        end = min(start + frames, self.frames)
        first, count = round(start * FRAME / HOP), frames_heard(end - start)
        return Phrase(
            text=self.text[:, :, start:end],
            pitch=self.pitch[:, :, 2 * start : 2 * end],
            loudness=self.loudness[:, :, 2 * start : 2 * end],
            bands=_moments(self.bands, first, count),
            trust=_moments(self.trust, first, count),
        )


def _moments(course: Array, first: int, count: int) -> Array:
    """Some moments, the last one repeated where rounding asks for one more."""
    return course[:, np.minimum(np.arange(first, first + count), course.shape[1] - 1)]


def loudness(samples: Samples) -> Array:
    """As Kokoro knows it: the logarithm of the length of each mel spectrum, every 12.5 ms (StyleTTS 2)."""
    count = len(samples) // _HOP
    padded = np.pad(samples, (_SPECTRUM // 2, _SPECTRUM))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _SPECTRUM)[::_HOP][:count]
    window = np.zeros(_SPECTRUM, np.float32)
    start = (_SPECTRUM - _WINDOW) // 2
    window[start : start + _WINDOW] = np.hanning(_WINDOW + 1)[:-1]
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    mel = power @ _mels()
    return np.asarray(np.log(np.linalg.norm(mel + 1e-5, axis=1)), np.float32)


def _mels() -> NDArray[np.float64]:
    """The triangles of HTK's mel scale up to 12 kHz, as Kokoro was taught with."""
    top = 2595.0 * np.log10(1.0 + RATE / 2 / 700.0)
    edges = 700.0 * (10 ** (np.linspace(0.0, top, _MELS + 2) / 2595.0) - 1.0)
    at = np.linspace(0, RATE / 2, _SPECTRUM // 2 + 1)[:, None]
    rise = (at - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - at) / (edges[2:] - edges[1:-1])
    return np.asarray(np.maximum(0.0, np.minimum(rise, fall)))


def phrase(samples: Samples, plan: Plan, said: Samples) -> Phrase:
    """A stretch of the recording with what a ready voice made of its words.

    Args:
        samples: at 24 kHz; what is beyond whole frames is left out.
        plan: of the words, by the ready voice.
        said: the words as it says them.
    """
    count = len(samples) // FRAME
    samples = samples[: count * FRAME]
    heard = bands(samples)
    ends = np.round(_moved(heard, bands(said), plan.durations) * count).astype(int)
    level = heard.max(axis=1)
    trusted = np.where(level > level.max() + _QUIET_DB * np.log(10) / 10, 1.0, _QUIET_TRUST)[:, None]
    return Phrase(
        text=np.repeat(_columns(plan), np.diff(ends, prepend=0), axis=2),
        pitch=_resized(pitch_hz(samples, RATE), 2 * count),
        loudness=_resized(loudness(samples), 2 * count),
        bands=heard[None],
        trust=trusted.astype(np.float32)[None],
    )


def free_phrase(plan: Plan) -> Phrase:
    """A sentence as it was planned, without its silent ends and with no recording to be compared with."""
    frames = np.cumsum(plan.durations).astype(int)
    start, end = max(0, frames[0] - _EDGE), min(frames[-1], frames[-2] + _EDGE)
    heard = frames_heard(end - start)
    return Phrase(
        text=plan.text[:, :, start:end],
        pitch=plan.pitch[:, :, 2 * start : 2 * end],
        loudness=plan.loudness[:, :, 2 * start : 2 * end],
        bands=np.zeros((1, heard, BANDS), np.float32),
        trust=np.zeros((1, heard, 1), np.float32),
    )


def _resized(course: Array, size: int) -> Array:
    fitted = np.zeros((1, 1, size), np.float32)
    fitted[0, 0, : len(course)] = course[:size]
    return fitted


def _columns(plan: Plan) -> Array:
    """One column of sounds for each sign."""
    starts = (np.cumsum(plan.durations) - plan.durations).astype(int)
    return plan.text[:, :, np.minimum(starts, plan.text.shape[2] - 1)]


def _moved(heard: Array, said: Array, durations: Array) -> NDArray[np.float64]:
    """Where each sign ends in the recording, as a share of its length."""
    path = _warped(_shape(said), _shape(heard))
    ends = np.cumsum(durations.reshape(-1)) / durations.sum() * len(said)
    moved = np.interp(ends, np.arange(len(path)) + 0.5, path) / len(heard)
    moved[-1] = 1.0
    return np.maximum.accumulate(np.clip(moved, 0.0, 1.0))


def _shape(heard: Array) -> Array:
    """Bands of any two voices made comparable: coarse, each with its own mean and spread, and how they change."""
    coarse = heard.reshape(len(heard), -1, 4).mean(axis=2)
    level = (coarse - coarse.mean(axis=0)) / (coarse.std(axis=0) + 1e-3)
    change = np.gradient(level, axis=0)
    return np.asarray(np.concatenate([level, 2.0 * change], axis=1), np.float32)


def _warped(rows: Array, columns: Array) -> NDArray[np.float64]:
    """The column that each row fits best, in order."""
    cost = np.sqrt(np.maximum(_squares(rows)[:, None] + _squares(columns)[None] - 2 * rows @ columns.T, 0.0))
    total = np.full((len(rows) + 1, len(columns) + 1), np.inf)
    total[0, 0] = 0.0
    for diagonal in range(2, len(rows) + len(columns) + 1):
        i = np.arange(max(1, diagonal - len(columns)), min(len(rows), diagonal - 1) + 1)
        j = diagonal - i
        before = np.minimum(np.minimum(total[i - 1, j], total[i, j - 1]), total[i - 1, j - 1])
        total[i, j] = before + cost[i - 1, j - 1]
    return _traced(total)


def _squares(values: Array) -> Array:
    return np.asarray(np.square(values).sum(axis=1))


def _traced(total: NDArray[np.float64]) -> NDArray[np.float64]:
    i, j = total.shape[0] - 1, total.shape[1] - 1
    found: list[list[int]] = [[] for _ in range(i)]
    while i and j:
        found[i - 1].append(j - 1)
        ways = {(i - 1, j - 1): total[i - 1, j - 1], (i - 1, j): total[i - 1, j], (i, j - 1): total[i, j - 1]}
        i, j = min(ways, key=lambda way: ways[way])
    return np.array([np.mean(columns) if columns else 0.0 for columns in found])
