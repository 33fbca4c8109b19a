"""The inside of a mouth for people whose video does not show it: painted as for photos, between their own lips."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.frame import FaceFrame, Points
from avatarium.engine.face.look import read_look
from avatarium.engine.face.mouth import paint_mouth, paint_seam, placed_mouth, stomion
from avatarium.engine.face.pose import Floats, Mouth
from avatarium.engine.face.video.warping import Warping

Image = NDArray[np.uint8]

LEAST_COVERAGE = 0.45
"""Share of the sounds' mouths that a video must show for its own pictures to do."""
_OPEN = (0.03, 0.07)
"""Openings (IOD) of the video's own mouth between which a shut one needs its line drawn."""
_SEAM = 0.55
_TOUCHING = 0.05
_LIGHT = (np.float32(0.35), np.float32(2.2))
"""What light does to a face within one clip; more is a hand, or no face."""


class Interior:
    """A painter of mouths in the frames of one view.

    Args:
        picture: a frame of the view with the mouth shut, RGB.
        points: its mesh in pixels, ``(468, 3)``.
        warping: of the person.
    """

    def __init__(self, picture: Image, points: Points, warping: Warping) -> None:
        self._look = read_look(picture, points, FaceFrame.of(points))
        self._warping = warping

    def paint(
        self,
        frame: Image,
        number: int,
        local: Points,
        tongue: float,
        scale: float,
        shift: Points,
        light: Floats | None = None,
    ) -> None:
        """Paint into an RGB frame, in place.

        Args:
            frame: whose lips stand where they should.
            number: of the loop's frame.
            local: the face in its own coordinates, ``(468, 3)``.
            tongue: 0..1.
            scale: pixels of the frame for one of the clip.
            shift: added to the scaled pixels of the clip, ``(2,)``.
            light: RGB of this frame's light against that of the picture the painter was made from, ``(3,)``.
        """
        tracked = self._warping.tracked
        rest = self._warping.at_rest(number)
        turn, unit = tracked.turn[number], float(tracked.scale[number])
        at = unit * turn @ stomion(rest) + tracked.shift[number]
        axes = (turn.T * unit)[:, :2] * scale
        placed = placed_mouth(local, rest, (at[:2] * scale + shift).astype(np.float32), axes.astype(np.float32), tongue)
        was_open = float(np.interp(tracked.controls[number, Mouth.OPEN], _OPEN, (0.0, 1.0)))
        gap = float(placed.lower[5, 1] - placed.upper[5, 1])
        paint_seam(frame, placed, _SEAM * was_open * float(np.clip(1 - gap / _TOUCHING, 0, 1)))
        paint_mouth(frame, placed, self._look, None if light is None else np.clip(light, *_LIGHT))
