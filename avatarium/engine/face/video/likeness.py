"""Telling the people of one clip apart: what a face looks like when its eyes are brought to the same place.

Good enough to find somebody again after a cut among the few who are in one video; it does not recognise strangers.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.frame import FaceFrame, Points

Image = NDArray[np.uint8]
Float32 = NDArray[np.float32]

SIDE = 32
_ABOVE, _WIDE = 0.8, 2.0
"""What is looked at, in IOD: from above the eyes, and the side of the square."""
_LIGHT, _HUE, _SHAPE = 0.35, 0.06, 6.0
"""Weights: of evened brightness, of the two colours in Lab, and of the proportions in IOD."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How somebody looks."""

    picture: Float32
    """Lab with the brightness evened, ``(SIDE, SIDE, 3)``, weighted."""
    shape: Float32
    """Points that speech does not move, in the face's own coordinates, weighted."""

    @classmethod
    def of(cls, frame: Image, points: Points) -> Look:
        """Of the face under a mesh in pixels, shape ``(468 or more, 3)``; the frame is RGB."""
        face = FaceFrame.of(np.asarray(points, np.float64))
        local = face.to_local(points[list(mesh.STABLE)])
        return cls(picture=_picture(frame, face), shape=(local * [_SHAPE, _SHAPE, 0]).astype(np.float32))

    def distance(self, other: Look) -> float:
        """0 for the same picture."""
        apart = np.abs(self.picture - other.picture).mean() + np.abs(self.shape - other.shape).mean()
        return float(apart)

    def mixed(self, other: Look, share: float) -> Look:
        """With a share of another look of the same person: light and hair may change slowly."""
        part = np.float32(share)
        return Look(
            picture=self.picture + part * (other.picture - self.picture),
            shape=self.shape + part * (other.shape - self.shape),
        )


def _picture(frame: Image, face: FaceFrame) -> Float32:
    scale = SIDE / (_WIDE * face.scale)
    turn = np.radians(face.roll_deg)
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    x, y = face.origin[:2]
    to_small = np.array(
        [[cos, sin, SIDE / 2 - cos * x - sin * y], [-sin, cos, SIDE * _ABOVE / _WIDE + sin * x - cos * y]]
    )
    small = _shrunk(frame, to_small, scale)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float32)
    light = lab[..., 0]
    even = (light - light.mean()) / (light.std() + 8)
    return np.dstack([_LIGHT * even, _HUE * (lab[..., 1] - 128), _HUE * (lab[..., 2] - 128)])


def _shrunk(frame: Image, to_small: NDArray[np.float64], scale: float) -> Image:
    """As ``warpAffine``, at a double size where much is left out, so that nothing is skipped."""
    finer = 4 if scale < 0.5 else 1
    big = cv2.warpAffine(
        frame, to_small * finer, (SIDE * finer, SIDE * finer), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(cv2.resize(big, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
