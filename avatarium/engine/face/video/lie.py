"""How a film lies in the frames of a view: what is cut, how it is scaled, and where its points go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.actor import resampled
from avatarium.engine.face.frame import Points
from avatarium.engine.video.framing import Placement, Size

Image = NDArray[np.uint8]

SHRUNK = 0.95
"""Films that are made smaller than this are scaled where they are decoded, which is four times as fast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lie:
    """A placement, worked out."""

    placement: Placement
    """Of what the player gives."""
    size: Size
    """Of the frames."""
    smaller: tuple[int, int] | None
    """Width and height that the player shall give; None for the film as it is."""
    scale: float
    shift: Points
    """Pixels of the film times ``scale`` plus ``shift`` are pixels of the frame, ``(2,)``."""

    @classmethod
    def of(cls, placement: Placement, film: tuple[int, int], size: Size) -> Self:
        """How a film of ``film`` pixels lies by a placement in frames of ``size``."""
        across, down = placement.scale
        smaller = None
        if max(across, down) < SHRUNK:
            smaller = max(1, round(film[0] * across)), max(1, round(film[1] * down))
            across, down = smaller[0] / film[0], smaller[1] / film[1]
            placement = _scaled(placement, smaller, (across, down))
        corner = np.array([placement.source_x, placement.source_y], float)
        factor = np.array([across, down])
        target = np.array([placement.target_x, placement.target_y], float)
        begin = corner if smaller else corner * factor
        shift = target - begin + 0.5 * factor - 0.5
        return cls(placement=placement, size=size, smaller=smaller, scale=float(factor.mean()), shift=shift)

    def placed(self, picture: Image, canvas: Image) -> Image:
        """A frame of the film, or a plane, at its place on a canvas; always a new array."""
        left, top, right, bottom = seen = self.placement.seen(self.size)
        part = self._cut(picture, seen) if self.smaller else resampled(picture, self.placement, seen)
        if (right - left, bottom - top) == (self.size.width, self.size.height):
            return np.array(part, np.uint8)
        frame: Image = canvas.copy()
        frame[top:bottom, left:right] = part
        return frame

    def _cut(self, picture: Image, seen: tuple[int, int, int, int]) -> Image:
        x = self.placement.source_x - self.placement.target_x
        y = self.placement.source_y - self.placement.target_y
        left, top, right, bottom = seen
        return picture[top + y : bottom + y, left + x : right + x]


def _scaled(placement: Placement, film: tuple[int, int], scale: tuple[float, float]) -> Placement:
    """The same placement of a film that was made smaller: what is cut out is not scaled any more."""
    width, height = placement.target_width, placement.target_height
    return Placement(
        source_x=min(round(placement.source_x * scale[0]), max(0, film[0] - width)),
        source_y=min(round(placement.source_y * scale[1]), max(0, film[1] - height)),
        source_width=width,
        source_height=height,
        target_x=placement.target_x,
        target_y=placement.target_y,
        target_width=width,
        target_height=height,
    )
