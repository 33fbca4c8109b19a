"""How a film lies in the frames of a view: what is cut, how it is scaled, and where its points go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.actor import resampled
from avatarium.engine.face.frame import Points
from avatarium.engine.face.video.playing import Part
from avatarium.engine.video.framing import Placement, Size

Image = NDArray[np.uint8]

SHRUNK = 0.95
"""Films that are made smaller than this are scaled where they are decoded, which is four times as fast."""
_BESIDE = 4
"""Pixels of the film about what is shown of it, for the filter that makes it smaller to see."""


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
    part: Part | None = None
    """Of the film, what the player shall give; None for all of it."""

    @classmethod
    def of(cls, placement: Placement, film: tuple[int, int], size: Size) -> Self:
        """How a film of ``film`` pixels lies by a placement in frames of ``size``."""
        across, down = placement.scale
        smaller = part = None
        origin = np.zeros(2)
        if max(across, down) < SHRUNK:
            part = _part(placement, film)
            placement = replace(
                placement, source_x=placement.source_x - part.left, source_y=placement.source_y - part.top
            )
            smaller = max(1, round(part.width * across)), max(1, round(part.height * down))
            across, down = smaller[0] / part.width, smaller[1] / part.height
            placement = _scaled(placement, smaller, (across, down))
            origin = np.array([part.left, part.top], float)
        corner = np.array([placement.source_x, placement.source_y], float)
        factor = np.array([across, down])
        target = np.array([placement.target_x, placement.target_y], float)
        begin = corner if smaller else corner * factor
        shift = target - begin - origin * factor + 0.5 * factor - 0.5
        return cls(
            placement=placement, size=size, smaller=smaller, part=part, scale=float(factor.mean()), shift=shift
        )  # fmt: skip

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


def _part(placement: Placement, film: tuple[int, int]) -> Part:
    """What is shown of a film and a little beside it; even, as colours are kept for two pixels each way."""
    left, top = (max(0, at - _BESIDE) // 2 * 2 for at in (placement.source_x, placement.source_y))
    right = min(film[0], placement.source_x + placement.source_width + _BESIDE)
    bottom = min(film[1], placement.source_y + placement.source_height + _BESIDE)
    return Part(left=left, top=top, width=(right - left + 1) // 2 * 2, height=(bottom - top + 1) // 2 * 2)
