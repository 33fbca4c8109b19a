"""How far the lips that the controls make are from the lips that were seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.expression import fields
from avatarium.engine.face.frame import Points
from avatarium.engine.face.pose import Floats, Mouth
from avatarium.engine.face.shaping import lip_profile

if TYPE_CHECKING:  # tracking brings a detector along
    from avatarium.engine.face.video.measures import Measures

UPPER_INNER, LOWER_INNER = mesh.LIP_INNER_UPPER, mesh.LIP_INNER_LOWER[1:-1]
UPPER_OUTER, LOWER_OUTER = mesh.LIP_RINGS_UPPER[0], mesh.LIP_RINGS_LOWER[0][1:-1]
LIPS = (*UPPER_INNER, *LOWER_INNER, *UPPER_OUTER, *LOWER_OUTER)
"""The inner and the outer edge of both lips, 40 vertices."""
_UPPER_SHARE, _LOWER_SHARE, _OUTER_SHARE = 0.4, 0.6, 0.15
"""As in :mod:`avatarium.engine.face.shaping`: how lips share a missing gap, and how far their outer edges follow."""


def landmark_error(
    measures: Measures, controls: Floats, frames: NDArray[np.int_] | Sequence[int], basis: Points | None = None
) -> float:
    """Mean distance of the 40 points of the lips' edges, seen and made, in IOD.

    In the plane of the face: the depth that a detector tells is not measured but guessed.

    Args:
        measures: of the clip; the lips are made from its neutral face.
        controls: of every frame of the clip, shape ``(frames, 4 or more)``.
        frames: which of them count.
        basis: the person's own fields of movement, shape ``(4, 468, 3)``; None for those of most people.
    """
    return float(np.mean(errors(measures, controls, frames, basis)))


def errors(
    measures: Measures, controls: Floats, frames: NDArray[np.int_] | Sequence[int], basis: Points | None = None
) -> NDArray[np.float64]:
    """The same frame by frame, shape ``(frames,)``."""
    rows = np.asarray(frames, int)
    seen = measures.local[rows][:, LIPS, :2].astype(np.float64)
    made = lips_of(measures.neutral.astype(np.float64), controls[rows].astype(np.float64), basis)
    distances: NDArray[np.float64] = np.linalg.norm(seen - made, axis=2).mean(1)
    return distances


def lips_of(neutral: Points, controls: NDArray[np.float64], basis: Points | None = None) -> NDArray[np.float64]:
    """The edges of the lips in face coordinates, shape ``(frames, 40, 2)``, ordered as :data:`LIPS`."""
    weights = controls[:, :4].copy()
    weights[:, Mouth.OPEN] -= neutral[mesh.LIP_LOWER_INNER, 1] - neutral[mesh.LIP_UPPER_INNER, 1]
    moved = (fields().mouth if basis is None else basis)[:, LIPS, :2]
    lips: NDArray[np.float64] = neutral[list(LIPS), :2] + np.tensordot(weights, moved, 1)
    _set_gap(lips, np.maximum(controls[:, Mouth.OPEN], 0))
    return lips


def _set_gap(lips: NDArray[np.float64], gap: NDArray[np.float64]) -> None:
    """The inner edges exactly the wanted gap apart, as the rig sets them. In place."""
    inner, lower = slice(1, 10), slice(11, 20)
    outer, outer_lower = slice(21, 30), slice(31, 40)
    error = gap[:, None] * lip_profile()[1:-1] - (lips[:, lower, 1] - lips[:, inner, 1])
    lips[:, inner, 1] -= _UPPER_SHARE * error
    lips[:, lower, 1] += _LOWER_SHARE * error
    lips[:, outer, 1] -= _UPPER_SHARE * _OUTER_SHARE * error
    lips[:, outer_lower, 1] += _LOWER_SHARE * _OUTER_SHARE * error
