"""From a pose to the places of all vertices of one face."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.expression import Fields, fields
from avatarium.engine.face.frame import FaceFrame, Points
from avatarium.engine.face.pose import Mouth, Pose
from avatarium.engine.face.shaping import expressed

OPEN_GAP = 0.03
"""A photo whose inner lips stand further apart than this (IOD) has an open mouth."""
NEUTRAL_WIDTH = 0.60
"""Mouths wider than this (IOD) smile."""
NEUTRAL_CORNER, SMILE_RISE = 0.015, 0.08
"""Where the corners rest below the middle of the lips, and how far a full smile lifts them (IOD)."""
SMILE_KEPT = 0.5
"""Share of a photo's smile that stays while it speaks."""
_USUAL_WIDTH = 0.54
"""A wider mouth (IOD) has further to go to a round one."""
_ROUNDING = (1.2, 1.45)
"""Bounds of how much further. Lips that are warped narrower look less round than lips that pout."""
_POUT, _UNSMILED = 0.09, 0.8
"""Lips as round as this (IOD) can hardly smile: so much of the smile that is kept goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resting:
    """What the photo's own face does, to be taken out before anything is put in."""

    opening: float
    """Gap of the inner lips (IOD), 0 for a shut mouth."""
    width: float
    """Widening by a smile (IOD)."""
    smile: float
    """Lift of the corners, 0 none to 1 full."""

    @classmethod
    def of(cls, local: Points) -> Resting:
        """Measure a mesh in face coordinates."""
        upper, lower = local[mesh.LIP_UPPER_INNER], local[mesh.LIP_LOWER_INNER]
        left, right = local[mesh.MOUTH_LEFT], local[mesh.MOUTH_RIGHT]
        corner = float((left[1] + right[1] - upper[1] - lower[1]) / 2)
        width = float(np.linalg.norm((right - left)[:2]))
        smile = float(np.clip((NEUTRAL_CORNER - corner) / SMILE_RISE, 0, 1))
        return cls(
            opening=max(0.0, float(lower[1] - upper[1])),
            width=max(0.0, width - NEUTRAL_WIDTH) * 0.6 * (smile > 0.15),
            smile=smile if smile > 0.25 else 0.0,
        )

    @property
    def is_open(self) -> bool:
        """Whether the photo shows the inside of the mouth."""
        return self.opening > OPEN_GAP


class Rig:
    """One face, ready to move.

    Args:
        points: its mesh in pixels, shape ``(468 or more, 3)``.
        at_rest: whether this is how the person looks at rest, as a video tells; then no smile is taken out, and lips
            go as narrow as they are told, since they pout in the person's own pictures.
        mouth: the person's own fields of movement, as :attr:`Fields.mouth`.
    """

    def __init__(self, points: Points, *, at_rest: bool = False, mouth: Points | None = None) -> None:
        self.frame = FaceFrame.of(points)
        self.local = self.frame.to_local(points[: mesh.VERTICES])
        self.resting = Resting.of(self.local)
        if at_rest:
            self.resting = replace(self.resting, width=0.0, smile=0.0)
        self._fields: Fields = fields()
        found = self._fields
        learnt = found.mouth if mouth is None else mouth
        stacked = np.concatenate([learnt, found.feelings, [found.brow, found.smile]])
        self._stacked = stacked.reshape(len(stacked), -1)
        self._rest = self.local - self._fields.smile * self.resting.smile * (1 - SMILE_KEPT)
        self._offset = np.array([self.resting.opening, self.resting.width, 0.0, 0.0])
        span = np.linalg.norm((self.local[mesh.MOUTH_RIGHT] - self.local[mesh.MOUTH_LEFT])[:2])
        self._rounding = 1.0 if at_rest else float(np.clip((span / _USUAL_WIDTH) ** 1.5, *_ROUNDING))

    def shape(self, pose: Pose) -> Points:
        """The face in its own coordinates with the expression of a pose, shape ``(468, 3)``."""
        mouth = pose.mouth[:4].astype(float)
        mouth[Mouth.WIDTH] *= self._rounding if mouth[Mouth.WIDTH] < 0 else 1.0
        pout = -_UNSMILED * self.resting.smile * SMILE_KEPT * min(1.0, max(0.0, -mouth[Mouth.WIDTH] / _POUT))
        weights = np.concatenate([mouth - self._offset, pose.emotion, [pose.brow, pout]])
        return np.asarray(
            expressed(
                self._rest,
                self._stacked,
                weights,
                float(pose.mouth[Mouth.OPEN]),
                float(pose.mouth[Mouth.TUCK]),
                float(pose.blink),
                max(self.resting.opening, OPEN_GAP),
                self.resting.is_open,
            )
        )


def rotation(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    """Turn of the head in the picture's space (x right, y down, z away); radians; yaw, then pitch, then roll."""
    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, pitch, roll) for f in (np.cos, np.sin))
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    turn: NDArray[np.float64] = about_z @ about_x @ about_y
    return turn
