"""How one face moves otherwise than most: fields of movement fitted to a clip, towards the usual ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.expression import fields
from avatarium.engine.face.pose import Mouth
from avatarium.engine.face.style.record import OWN_STEP

if TYPE_CHECKING:  # tracking brings a detector along
    from avatarium.engine.face.video.measures import Measures

_DOUBT = 3.0
"""Ridge, in variances of the controls: about so much of a face's own ways is left out where a control hardly moves."""
_ABOVE, _BELOW = 0.62, 1.12
"""Heights, in those of the nose, between which movement fades in: eyes and brows are not the mouth's."""


def own_movement(measures: Measures, rows: NDArray[np.bool_]) -> bytes:
    """What :attr:`SpeakingStyle.own` holds, learnt from some frames of a clip."""
    neutral = measures.neutral.astype(np.float64)
    weights = measures.controls[rows, :4].astype(np.float64)
    weights[:, Mouth.OPEN] -= neutral[mesh.LIP_LOWER_INNER, 1] - neutral[mesh.LIP_UPPER_INNER, 1]
    usual = fields().mouth[..., :2].reshape(4, -1)
    moved = (measures.local[rows, :, :2] - neutral[:, :2]).reshape(len(weights), -1)
    ridge = _DOUBT * len(weights) * max(float(weights.var(0).mean()), 1e-9) * np.eye(4)
    own = np.linalg.solve(weights.T @ weights + ridge, weights.T @ (moved - weights @ usual))
    faded = own.reshape(4, mesh.VERTICES, 2) * _fading(neutral)[:, None]
    steps: NDArray[np.int8] = np.clip(np.round(faded / OWN_STEP), -127, 127).astype(np.int8)
    return steps.tobytes()


def _fading(neutral: NDArray[np.float64]) -> NDArray[np.float64]:
    height = neutral[:, 1] / neutral[mesh.NOSE_BASE[0], 1]
    share = np.clip((height - _ABOVE) / (_BELOW - _ABOVE), 0, 1)
    faded: NDArray[np.float64] = share * share * (3 - 2 * share)
    return faded
