"""The lips when speech stops: they close within two ticks and stay closed for a moment, as those of people do."""

from __future__ import annotations

import numpy as np

from avatarium.engine.face.coarticulation import CLOSED_GAP
from avatarium.engine.face.pose import Floats, Mouth
from avatarium.engine.live.idle import MOUTH_SHUT

_OPEN_LEFT = (0.4, 0.0)
_SHAPE_LEFT = (0.5, 0.25, 0.08)
"""Shares of the opening, and of width, chin and the rest, that are left after one tick, two, three."""
_PRESSED = (0.0, 1.0, 1.0, 0.75, 0.5, 0.25)
_PARTED = 0.004
"""Lips that stand less open need not be closed."""


class Lips:
    """The mouth of one room."""

    def __init__(self) -> None:
        self._last: Floats = MOUTH_SHUT
        self._since = len(_PRESSED)
        self._pressed = False

    def follow(self, mouth: Floats) -> Floats:
        """The mouth of speech, as it is."""
        self._last, self._since = mouth, 0
        self._pressed = bool(mouth[Mouth.OPEN] > _PARTED)
        return mouth

    def rest(self) -> Floats:
        """The mouth of the next tick without speech; :data:`MOUTH_SHUT` itself once it is that of idle frames."""
        tick = self._since
        self._since += 1
        if tick >= len(_PRESSED):
            return MOUTH_SHUT
        mouth = self._last * (_SHAPE_LEFT[tick] if tick < len(_SHAPE_LEFT) else 0.0)
        opening = float(self._last[Mouth.OPEN]) * (_OPEN_LEFT[tick] if tick < len(_OPEN_LEFT) else 0.0)
        mouth[Mouth.OPEN] = min(opening, CLOSED_GAP * _PRESSED[tick]) if self._pressed and _PRESSED[tick] else opening
        return np.asarray(mouth, np.float32)
