"""The edges of sound: no click when speech begins in the middle of a wave, stops, or is cut."""

from __future__ import annotations

import numpy as np

from avatarium.engine.live.clock import RATE, SILENCE, TICK_SAMPLES, Sound

CUT_S = 0.010
_BEGIN_S, _END_S = 0.002, 0.005
_QUIET = 1e-4
"""A step of less is not heard."""


class Sounding:
    """The sound of one room, tick by tick."""

    def __init__(self) -> None:
        self._last = 0.0
        self._fading: Sound | None = None
        self._silent = True

    def fade(self, following: Sound) -> None:
        """The next tick fades out what would have followed."""
        self._fading = following

    def speech(self, sound: Sound) -> Sound:
        """A tick of speech."""
        fading, self._fading = self._fading, None
        if (self._silent or fading is not None) and abs(float(sound[0])) > _QUIET:
            sound = sound.copy()
            count = round(_BEGIN_S * RATE)
            sound[:count] *= np.linspace(0, 1, count, dtype=np.float32)
        if fading is not None:
            sound = np.clip(sound + _faded(fading, CUT_S), -1, 1)
        self._silent, self._last = False, float(sound[-1])
        return sound

    def silence(self) -> Sound:
        """A tick in which nobody speaks; the first of them ends what sounded."""
        fading, last = self._fading, self._last
        self._fading, self._last, self._silent = None, 0.0, True
        if fading is not None:
            return _faded(fading, CUT_S)
        return _faded(np.full(TICK_SAMPLES, last, np.float32), _END_S) if abs(last) > _QUIET else SILENCE


def _faded(sound: Sound, length_s: float) -> Sound:
    count = round(length_s * RATE)
    faded = np.zeros(TICK_SAMPLES, np.float32)
    faded[:count] = sound[:count] * (0.5 + 0.5 * np.cos(np.pi * np.arange(count, dtype=np.float32) / count))
    return faded
