"""The edges of sound: no click when speech begins in the middle of a wave, stops, or is cut."""

from __future__ import annotations

import numpy as np

from avatarium.engine.live.clock import RATE, SILENCE, TICK_SAMPLES, Sound

CUT_S = 0.010
BEGIN_S, END_S = 0.002, 0.005
QUIET = 1e-4
"""A step of less is not heard."""


class Sounding:
    """The sound of one room, tick by tick."""

    def __init__(self) -> None:
        self._last = 0.0
        self._fading: Sound | None = None

    def fade(self, following: Sound) -> None:
        """The next tick fades out what would have followed."""
        self._fading = following

    def speech(self, sound: Sound) -> Sound:
        """A tick of speech."""
        fading, self._fading = self._fading, None
        if (self._last == 0 or fading is not None) and abs(float(sound[0])) > QUIET:
            sound = sound.copy()
            count = round(BEGIN_S * RATE)
            sound[:count] *= np.linspace(0, 1, count, dtype=np.float32)
        if fading is not None:
            sound = np.clip(sound + _faded(fading, CUT_S), -1, 1)
        self._last = float(sound[-1])
        return sound

    def silence(self) -> Sound:
        """A tick in which nobody speaks; the first of them ends what sounded."""
        fading, last = self._fading, self._last
        self._fading, self._last = None, 0.0
        if fading is not None:
            return _faded(fading, CUT_S)
        if abs(last) <= QUIET:
            return SILENCE
        ended = np.zeros(TICK_SAMPLES, np.float32)
        end_softly(ended, 0, last)
        return ended


def end_softly(sound: Sound, at: int, last: float) -> None:
    """Let what ended at a sample with the value ``last`` fade in the silence after it; in place."""
    count = min(round(END_S * RATE), len(sound) - at)
    sound[at : at + count] = last * _down(count)


def _faded(sound: Sound, length_s: float) -> Sound:
    count = round(length_s * RATE)
    faded = np.zeros(TICK_SAMPLES, np.float32)
    faded[:count] = sound[:count] * _down(count)
    return faded


def _down(count: int) -> Sound:
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * np.arange(1, count + 1) / count), np.float32)
