"""Whether a microphone hears the avatar itself: what came in is compared with what went out.

Browsers cancel echo (``echoCancellation``, on unless a page switches it off), and rooms need that: this is the second
line, for what is left over. The patterns of both sounds over 16 bands of the voice are correlated at every delay that
loudspeakers and networks cause; a loud echo of the same words is alike, another person's voice is not.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.speech import Samples
from avatarium.engine.speech.activity import FRAME

BANDS = 16
WINDOW = 16
"""Frames that are compared: half a second."""
LONGEST_DELAY = 40
"""Frames, 1.3 s: jitter buffers, the way there and back, slow loudspeakers."""
ALIKE = 0.6
"""Correlation of a whole window from which it is an echo. Measured where speech begins: 98 % of echoes have more, and
96 % of other voices less."""
UNLIKE = 0.4
"""Correlation below which a shorter window is none, nor one after an echo was found."""
_LOWEST_HZ, _HIGHEST_HZ = 150.0, 5000.0
_FLOOR = 1e-7

Pattern = NDArray[np.float32]


class EchoGuard:
    """Compares one microphone with one avatar. One thread at a time."""

    def __init__(self) -> None:
        silence = _pattern(np.zeros(FRAME, np.float32))
        self._played: deque[Pattern] = deque([silence] * (WINDOW + LONGEST_DELAY), WINDOW + LONGEST_DELAY)
        self._heard: deque[Pattern] = deque([silence] * WINDOW, WINDOW)
        self._rest = np.zeros(0, np.float32)

    def played(self, sound: Samples) -> None:
        """What the avatar says now, at 16 kHz; silence too."""
        samples = np.concatenate([self._rest, sound])
        count = len(samples) // FRAME
        self._played.extend(_pattern(samples[i * FRAME : (i + 1) * FRAME]) for i in range(count))
        self._rest = samples[count * FRAME :]

    def heard(self, frame: Samples) -> None:
        """What the microphone hears now: 512 samples."""
        self._heard.append(_pattern(frame))

    def likeness(self, count: int) -> float:
        """The best correlation of the last ``count`` frames heard, over all delays: -1 to 1.

        Only frames of speech should be among them: the step out of silence is alike in all voices.
        """
        heard = _centred(np.stack(self._heard)[None, -count:])[0]
        windows = np.lib.stride_tricks.sliding_window_view(np.stack(self._played), count, axis=0).transpose(0, 2, 1)
        played = _centred(windows)
        norms = np.linalg.norm(played, axis=1) * np.linalg.norm(heard)
        return float(np.max(played @ heard / np.maximum(norms, 1e-6)))


def _pattern(frame: Samples) -> Pattern:
    """Logarithms of the power in the bands of a frame."""
    power = np.square(np.abs(np.fft.rfft(frame * _WINDOW)))
    bands: Pattern = np.log(_FILTERS @ power + _FLOOR).astype(np.float32)
    return bands


def _centred(windows: Pattern) -> Pattern:
    """Without the mean of each band, which is the colour of room and microphone; one row for each window."""
    centred: Pattern = (windows - windows.mean(axis=1, keepdims=True)).reshape(len(windows), -1)
    return centred


def _filters() -> NDArray[np.float32]:
    """Triangles of equal width on the mel scale."""
    edges = np.linspace(_mel(_LOWEST_HZ), _mel(_HIGHEST_HZ), BANDS + 2)
    at = _mel(np.fft.rfftfreq(FRAME, 1 / 16_000))
    rising = (at[None] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - at[None]) / (edges[2:] - edges[1:-1])[:, None]
    triangles: NDArray[np.float32] = np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)
    return triangles


def _mel(hertz: NDArray[np.float64] | float) -> NDArray[np.float64]:
    return np.asarray(1127.0 * np.log1p(np.asarray(hertz) / 700.0))


_WINDOW = np.hanning(FRAME).astype(np.float32)
_FILTERS = _filters()
