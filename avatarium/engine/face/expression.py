"""Fields of movement: how far each vertex of the mesh goes for one unit of a control.

Mouth fields are learnt from real speech (``tools/make_motion_basis.py``). Feelings are sculpted: each is a few handles,
a handle pulls a vertex and, fading with distance, the skin around it (after Ekman and Friesen's action units, 1978).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.frame import Points
from avatarium.engine.face.pose import FEELINGS, Emotion

Triangles = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Handle:
    """Pull ``vertex`` by ``(right, down)`` and the skin around it, down to 61 % at ``radius``. All in IOD.

    ``right`` is for the vertex in the left half of the picture; its mirror twin goes the other way.
    """

    vertex: int
    right: float
    down: float
    radius: float


_CORNER, _CHEEK, _LOWER_LID, _INNER_BROW, _OUTER_BROW, _MID_BROW = 61, 50, 145, 107, 70, 105
_UPPER_LID, _LIP_DIP = 159, 17

SMILE = (
    Handle(_CORNER, -0.045, -0.062, 0.15),
    Handle(_CHEEK, -0.008, -0.030, 0.20),
    Handle(_LOWER_LID, 0.0, -0.014, 0.12),
)
"""AU 12 with AU 6: corners out and up, cheeks and lower lids up."""

_HANDLES: dict[Emotion, tuple[Handle, ...]] = {
    Emotion.HAPPY: (*SMILE, Handle(_MID_BROW, 0.0, -0.012, 0.15)),
    Emotion.SERIOUS: (
        Handle(_INNER_BROW, 0.012, 0.030, 0.11),
        Handle(_MID_BROW, 0.0, 0.016, 0.12),
        Handle(_CORNER, 0.008, 0.010, 0.12),
        Handle(_LOWER_LID, 0.0, -0.010, 0.10),
    ),
    Emotion.SURPRISED: (
        Handle(_INNER_BROW, 0.0, -0.055, 0.14),
        Handle(_MID_BROW, 0.0, -0.060, 0.15),
        Handle(_OUTER_BROW, 0.0, -0.045, 0.13),
        Handle(_UPPER_LID, 0.0, -0.024, 0.08),
    ),
    Emotion.SAD: (
        Handle(_INNER_BROW, 0.010, -0.045, 0.09),
        Handle(_OUTER_BROW, 0.0, 0.014, 0.12),
        Handle(_CORNER, 0.006, 0.036, 0.13),
        Handle(_UPPER_LID, 0.0, 0.010, 0.07),
        Handle(_LIP_DIP, 0.0, -0.008, 0.15),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """Movement fields in face coordinates; shapes are ``(fields, 468, 3)`` unless said otherwise."""

    mouth: Points
    """Open, width, chin, up; each per IOD of its control."""
    feelings: Points
    """One for each of :data:`FEELINGS`, at full strength."""
    smile: Points
    """Shape ``(468, 3)``: a full smile, used backwards to relax a smiling photo."""
    brow: Points
    """Shape ``(468, 3)``: both brows up by one IOD."""
    triangles: Triangles
    """The mesh, shape ``(n, 3)``."""


@cache
def fields() -> Fields:
    """The fields that ship with the package."""
    with np.load(str(files("avatarium.engine.face") / "data/motion.npz")) as data:
        mouth, face, triangles = data["fields"].astype(float), data["face"].astype(float), data["triangles"]
    return Fields(
        mouth=mouth,
        feelings=np.stack([_sculpt(face, _HANDLES[e]) for e in FEELINGS]),
        smile=_sculpt(face, SMILE),
        brow=_sculpt(face, tuple(Handle(i, 0.0, -1.0, 0.14) for i in (_INNER_BROW, _MID_BROW, _OUTER_BROW))),
        triangles=triangles.astype(np.int32),
    )


def _sculpt(face: Points, handles: tuple[Handle, ...]) -> Points:
    """Sum of handles; where handles of one direction overlap, the strongest counts, so that no skin goes twice."""
    moved = np.zeros((2, *face.shape))
    for handle in handles:
        for vertex, side in ((handle.vertex, 1.0), (_twin(face, handle.vertex), -1.0)):
            reach = np.exp(-((face[:, :2] - face[vertex, :2]) ** 2).sum(1) / (2 * handle.radius**2))
            pull = reach[:, None] * np.array([handle.right * side, handle.down, 0.0])
            moved[0] = np.maximum(moved[0], pull)
            moved[1] = np.minimum(moved[1], pull)
    total: Points = moved.sum(0)
    total[list(_held())] = 0
    return total


def _twin(face: Points, vertex: int) -> int:
    return int(np.linalg.norm(face[: mesh.VERTICES] * [-1, 1, 1] - face[vertex], axis=1).argmin())


def _held() -> set[int]:
    """Nose tip and base do not follow a feeling."""
    return {mesh.NOSE_TIP, *mesh.NOSE_BASE, 4, 5, 195, 197, 168}
