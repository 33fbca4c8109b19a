"""From a pose to the places of all vertices of one face."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.expression import Fields, fields
from avatarium.engine.face.frame import FaceFrame, Points
from avatarium.engine.face.pose import Mouth, Pose

OPEN_GAP = 0.03
"""A photo whose inner lips stand further apart than this (IOD) has an open mouth."""
NEUTRAL_WIDTH = 0.60
"""Mouths wider than this (IOD) smile."""
NEUTRAL_CORNER, SMILE_RISE = 0.015, 0.08
"""Where the corners rest below the middle of the lips, and how far a full smile lifts them (IOD)."""
SMILE_KEPT = 0.5
"""Share of a photo's smile that stays while it speaks."""
LID_MEET = 0.04
"""Where closing lids meet, as a share of the eye's opening above the lower lid."""

_CREASE, _SOCKET = 0.45, 0.10
_LOWER_SHARE, _UPPER_SHARE = 0.6, 0.4
"""A jaw opens the lower lip more than the upper."""
_RING_FADE = (0.15, 0.45, 0.75)
"""How far the lip rows from the skin inwards follow the inner lips."""
_PRESS_FADE = (0.4, 0.8, 1.0)
_TUCK_FADE = (0.35, 0.8, 1.0)
_THINNEST = 0.002
_USUAL_WIDTH = 0.54
"""A wider mouth (IOD) has further to go to a round one."""
_ROUNDING = (1.2, 1.45)
"""Bounds of how much further. Lips that are warped narrower look less round than lips that pout."""
_POUT, _UNSMILED = 0.09, 0.8
"""Lips as round as this (IOD) can hardly smile: so much of the smile that is kept goes."""
_UNEVEN_GAP = 0.12
"""At this opening (IOD) a photo's own lips show as they are."""


def _plain_line() -> Points:
    """The matrix that replaces eleven points by a plain curve: half the cubic through them, half the straight line."""
    at = np.linspace(-1, 1, 11)
    cubic, straight = (np.vander(at, n) for n in (4, 2))
    fit: Points = (cubic @ np.linalg.pinv(cubic) + straight @ np.linalg.pinv(straight)) / 2
    return fit


_PLAIN_LINE = _plain_line()
"""Lips of an open photo are no mirror of each other; the line on which they meet must still be a plain curve."""


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


def lip_profile() -> Points:
    """Share of the gap along the lips from corner to corner, shape ``(11,)``."""
    profile: Points = np.clip(1 - np.abs(np.linspace(-1, 1, 11)) ** 2.2, 0, 1)
    return profile


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
        self._profile = lip_profile()
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
        # Summed by hand: a matrix product of this size wakes BLAS's threads, which then spin for nothing.
        local = np.asarray(self._rest + (weights[:, None] * self._stacked).sum(0).reshape(-1, 3))
        self._close_gap(local, float(pose.mouth[Mouth.OPEN]))
        self._press(local, max(0.0, -float(pose.mouth[Mouth.OPEN])))
        self._tuck(local, float(pose.mouth[Mouth.TUCK]))
        self._keep_order(local)
        self._shut_lids(local, pose.blink)
        return local

    def _close_gap(self, local: Points, opening: float) -> None:
        """Set the inner lips exactly the wanted gap apart; the regression alone never quite shuts an open photo."""
        upper, lower = list(mesh.LIP_INNER_UPPER), list(mesh.LIP_INNER_LOWER)
        error = max(0.0, opening) * self._profile - (local[lower, 1] - local[upper, 1])
        error[[0, -1]] = 0
        self._meet(local, 1 - np.clip(opening / max(self.resting.opening, OPEN_GAP), 0, 1))
        rise: Points = -_UPPER_SHARE * error
        fall: Points = _LOWER_SHARE * error
        if self.resting.is_open:
            line = local[upper, 1] + rise
            level: Points = (_PLAIN_LINE @ line - line) * (1 - min(max(opening / _UNEVEN_GAP, 0.0), 1.0))
            rise, fall = rise + level, fall + level
        self._move_lips(local, rise, fall, _RING_FADE)
        local[upper, 1] += rise
        local[lower[1:-1], 1] += fall[1:-1]  # the corners belong to both rows

    def _meet(self, local: Points, share: float) -> None:
        """Bring upper and lower lip to the same places along and across the mouth, as they are when shut."""
        upper, lower = list(mesh.LIP_INNER_UPPER), list(mesh.LIP_INNER_LOWER)
        half = (local[lower] - local[upper]) * [0.5 * share, 0, 0.5 * share]
        local[upper] += half
        local[lower] -= half

    def _press(self, local: Points, depth: float) -> None:
        """Roll the lips in, as in p, b and m."""
        if depth > 0:
            self._move_lips(local, 0.7 * depth * self._profile, -depth * self._profile, _PRESS_FADE)

    def _tuck(self, local: Points, rise: float) -> None:
        """Lift the lower lip to the upper teeth, as in f and v."""
        if rise > 0:
            self._move_lips(local, np.zeros(11), -rise * self._profile, _TUCK_FADE)
            local[list(mesh.LIP_INNER_LOWER), 1] -= 0.6 * rise * self._profile

    def _move_lips(self, local: Points, upper: Points, lower: Points, fade: tuple[float, float, float]) -> None:
        for share, over, under in zip(fade, mesh.LIP_RINGS_UPPER, mesh.LIP_RINGS_LOWER, strict=True):
            local[list(over[1:-1]), 1] += share * upper[1:-1]
            local[list(under[1:-1]), 1] += share * lower[1:-1]

    def _keep_order(self, local: Points) -> None:
        """Let no row of a lip pass the next one inwards: skin that folded over itself would show as a notch."""
        upper, lower = (local[list(row), 1] for row in (mesh.LIP_INNER_UPPER, mesh.LIP_INNER_LOWER))
        for over, under in zip(mesh.LIP_RINGS_UPPER[::-1], mesh.LIP_RINGS_LOWER[::-1], strict=True):
            above, below = list(over[1:-1]), list(under[1:-1])
            local[above, 1] = np.minimum(local[above, 1], upper[1:-1] - _THINNEST)
            local[below, 1] = np.maximum(local[below, 1], lower[1:-1] + _THINNEST)
            upper, lower = local[list(over), 1], local[list(under), 1]

    def _shut_lids(self, local: Points, blink: float) -> None:
        """Slide the upper lid over the eye; skin above follows less and less."""
        if blink <= 0:
            return
        for eye in mesh.EYES:
            up, low = list(eye.upper[1:-1]), list(eye.lower[1:-1])
            meet = local[low] + (local[up] - local[low]) * LID_MEET
            slide = (meet - local[up]) * blink
            local[low] += (meet - local[low]) * blink
            local[up] += slide
            local[list(eye.crease)] += slide * _CREASE
            local[list(eye.socket)] += slide * _SOCKET


def rotation(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    """Turn of the head in the picture's space (x right, y down, z away); radians; yaw, then pitch, then roll."""
    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, pitch, roll) for f in (np.cos, np.sin))
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    turn: NDArray[np.float64] = about_z @ about_x @ about_y
    return turn
