"""Whether the face stays the same person: distances of dlib's face embedding (same person below 0.6)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import dlib
import numpy as np
from numpy.typing import NDArray

from bench.likeness.clip import Picture
from bench.likeness.landmarks import Box, Points, cut, find_face, fit_points, model_path

Embedding = NDArray[np.float64]
"""Shape ``(128,)``."""

SAMPLES = 12
FACE_PX = 200


@cache
def _network() -> Any:
    return dlib.face_recognition_model_v1(model_path("dlib_face_recognition_resnet_model_v1.dat"))


def embed(picture: Picture, points: Points) -> Embedding:
    """Embedding of the face at ``points``."""
    low, high = points.min(0), points.max(0)
    x, y = (low + high) / 2
    box = Box(float(x), float(y), float((high - low).max()))
    patch, corner, scale = cut(picture, box, 2.0, FACE_PX)
    parts = [dlib.point(*map(round, xy)) for xy in (points - corner + 0.5) * scale - 0.5]
    side = patch.shape[0]
    shape = dlib.full_object_detection(dlib.rectangle(side // 4, side // 4, 3 * side // 4, 3 * side // 4), parts)
    return np.array(_network().compute_face_descriptor(patch, shape), float)


def embed_portrait(picture: Picture) -> Embedding | None:
    """Embedding of the largest face of a photo; None where the detector sees no face."""
    box = find_face(picture)
    return None if box is None else embed(picture, fit_points(picture, box))


def sampled(found: NDArray[np.bool_], count: int = SAMPLES) -> list[int]:
    """Indices of at most ``count`` frames with a face, spread evenly from the first to the last."""
    frames = np.flatnonzero(found)
    if not len(frames):
        return []
    return sorted({int(frames[k]) for k in np.linspace(0, len(frames) - 1, count).round().astype(int)})


def distances(source: Embedding, faces: Sequence[Embedding]) -> tuple[float, float] | None:
    """Mean and largest Euclidean distance of ``faces`` to ``source``; None where there are none."""
    if not faces:
        return None
    apart = np.linalg.norm(np.array(faces) - source, axis=1)
    return float(apart.mean()), float(apart.max())
