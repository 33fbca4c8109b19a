"""The face's own coordinates: origin between the outer eye corners, x to the right, y down the face, z from the viewer.

One unit is the distance of the outer eye corners (IOD). Anything learnt on one face fits every other in these
coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh

Points = NDArray[np.float64]
"""Points in space, shape ``(n, 3)``, or in the picture, shape ``(n, 2)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceFrame:
    """Where a face stands in the picture."""

    origin: Points
    """Middle of the outer eye corners in pixels, shape ``(3,)``."""
    axes: Points
    """Rows are the face's x, y and z in the picture's space, shape ``(3, 3)``."""
    scale: float
    """Pixels a unit."""

    @classmethod
    def of(cls, points: Points) -> FaceFrame:
        """The frame of a mesh in pixels, shape ``(468 or more, 3)``."""
        left, right = points[mesh.EYE_OUTER_LEFT], points[mesh.EYE_OUTER_RIGHT]
        scale = float(np.linalg.norm(right - left))
        x = (right - left) / scale
        z = np.cross(x, points[mesh.CHIN] - points[mesh.FOREHEAD])
        z /= np.linalg.norm(z)
        return cls(origin=(left + right) / 2, axes=np.stack([x, np.cross(z, x), z]), scale=scale)

    def to_local(self, points: Points) -> Points:
        """Pixels to face units."""
        local: Points = (points - self.origin) @ self.axes.T / self.scale
        return local

    def to_picture(self, local: Points) -> Points:
        """Face units to pixels."""
        points: Points = local @ self.axes * self.scale + self.origin
        return points

    @property
    def yaw_deg(self) -> float:
        """Turn of the head about the vertical axis; positive shows more of the face's right half in the picture."""
        return float(np.degrees(np.arctan2(self.axes[2, 0], self.axes[2, 2])))

    @property
    def pitch_deg(self) -> float:
        """Nod; positive looks down."""
        return float(np.degrees(np.arcsin(np.clip(self.axes[2, 1], -1, 1))))

    @property
    def roll_deg(self) -> float:
        """Tilt; positive leans to the picture's right (clockwise)."""
        return float(np.degrees(np.arctan2(self.axes[0, 1], self.axes[0, 0])))


def align(points: Points, target: Points) -> Points:
    """Turn, shift and scale ``points`` onto ``target`` by the points that speech does not move (Umeyama 1991)."""
    rows = list(mesh.STABLE)
    source, goal = points[rows], target[rows]
    a, b = source - source.mean(0), goal - goal.mean(0)
    u, s, vt = np.linalg.svd(b.T @ a)
    flip = np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ flip @ vt
    scale = float((s * np.diag(flip)).sum() / (a**2).sum())
    moved: Points = scale * (points - source.mean(0)) @ rotation.T + goal.mean(0)
    return moved
