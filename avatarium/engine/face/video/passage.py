"""How the last frames of a loop become those before its first, so that nothing jumps where it begins again.

The loop ends at a moment that is like the one before its first frame. Over its last frames the picture is drawn from
the one to the other along the movement between them, and mixed by the same share: a dissolve in which every edge lies
upon itself (Schödl et al. 2000, section 3.3; the movement is DIS optical flow).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Flow = NDArray[np.float32]

FRAMES = 10
_FLOW_SIDE = 480
"""Longer side of the pictures in which movement is looked for."""
_SOFT = 4.0
"""Deviation by which movement is smoothed: what differs by light alone must not wobble."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """The last frames of a loop that runs from ``first`` to ``last``."""

    first: int
    last: int
    frames: int = 0
    """How many are drawn over; 0 for a loop that goes on by itself."""

    @property
    def begins(self) -> int:
        """The first frame of the clip that is drawn over."""
        return self.last - self.frames + 1

    @property
    def needs(self) -> int:
        """The first frame of the clip that has a part in the loop."""
        return self.first - self.frames

    def partner(self, number: int) -> int | None:
        """Which frame of the clip another one becomes; None where it stays as it is."""
        return self.needs + number - self.begins if self.frames and number >= self.begins else None

    def share(self, number: int) -> float:
        """How far it becomes that."""
        return (number - self.begins + 1) / (self.frames + 1)

    def drawn(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Numbers of the clip's frames, ``(clip frames, ...)``, as those of the loop's."""
        loop = np.array(rows[self.first : self.last + 1])
        for number in range(self.begins, self.last + 1) if self.frames else ():
            share = self.share(number)
            loop[number - self.first] = (1 - share) * rows[number] + share * rows[self.needs + number - self.begins]
        return loop


def glance(picture: Image) -> Image:
    """A small grey picture of an RGB one, to look for movement in."""
    scale = min(1.0, _FLOW_SIDE / max(picture.shape[:2]))
    size = max(16, round(picture.shape[1] * scale)), max(16, round(picture.shape[0] * scale))
    return np.asarray(cv2.cvtColor(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY))


def movement(one: Image, other: Image) -> Flow:
    """Where each place of one :func:`glance` is in another, in shares of its sides, ``(h, w, 2)``."""
    still = np.zeros((*one.shape, 2), np.float32)
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(one, other, still)
    sides = np.array([one.shape[1], one.shape[0]], np.float32)
    return np.asarray(cv2.GaussianBlur(flow, (0, 0), _SOFT) / sides, np.float32)


def between(one: Image, other: Image, flow: Flow, share: float) -> Image:
    """What lies between two pictures or planes of one size, by the :func:`movement` between them."""
    height, width = one.shape[:2]
    wide = cv2.resize(flow * np.array([width, height], np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    drawn = [
        cv2.remap(
            picture,
            columns + np.float32(by) * wide[..., 0],
            rows + np.float32(by) * wide[..., 1],
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        for picture, by in ((one, -share), (other, 1 - share))
    ]
    return np.asarray(cv2.addWeighted(drawn[0], 1 - share, drawn[1], share, 0), np.uint8)
