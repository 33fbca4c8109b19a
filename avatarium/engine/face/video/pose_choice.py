"""The frame that shows a person best: from the front, eyes open, mouth shut."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.pose import Mouth
from avatarium.engine.face.video.measures import Measures
from avatarium.engine.face.video.tracking import Track

Float32 = NDArray[np.float32]

_STEADY = 3
_TURNED, _OPEN, _LIDS, _MOVING = 1.0, 6.0, 4.0, 8.0
"""What a radian, an IOD of opening, of closed lids, and of movement each weigh."""


def best_portrait(track: Track, measures: Measures, shown: Float32, order: NDArray[np.int32]) -> int:
    """Number of the frame, out of those in ``order`` if any of them shows the face."""
    wanted = np.zeros(len(track), bool)
    wanted[order] = True
    able = wanted & track.seen & (shown > 0.9)
    if not able.any():
        able = track.seen
    cost = _TURNED * np.abs(measures.pose).sum(1)
    cost += _OPEN * np.maximum(measures.controls[:, Mouth.OPEN], 0)
    cost += _OPEN * np.abs(measures.controls[:, Mouth.WIDTH]) / 2
    cost += _LIDS * _closed(measures.local, able)
    cost += _MOVING * _movement(track) / measures.iod
    return int(np.flatnonzero(able)[cost[able].argmin()])


def _closed(local: Float32, able: NDArray[np.bool_]) -> Float32:
    """How much less than usual the eyes are open, in IOD; wider than usual counts as well."""
    gap = sum(local[:, eye.lower[4], 1] - local[:, eye.upper[4], 1] for eye in mesh.EYES)
    return np.asarray(np.abs(gap - np.quantile(np.asarray(gap)[able], 0.7)), np.float32)


def _movement(track: Track) -> Float32:
    """Pixels a frame: who moves is blurred."""
    middle = track.points[:, mesh.STABLE, :2].mean(1)
    step = np.linalg.norm(np.gradient(middle, axis=0), axis=1) if len(track) > 1 else np.zeros(1)
    return np.convolve(step, np.ones(_STEADY) / _STEADY, mode="same").astype(np.float32)
