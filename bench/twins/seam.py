"""Whether a changed mouth shows where it was changed: gradients of the blend band, and pixels outside of it.

All functions take frames before encoding, RGB, and landmarks of dlib, in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.likeness.clip import Picture
from bench.likeness.landmarks import Points
from bench.likeness.stillness import face_frame

Mask = NDArray[np.bool_]

TOP, BESIDE, BELOW = 0.1, 0.35, 0.6
"""IOD: what may change begins so far below the corners of the eyes, and reaches so far beyond jaw and chin."""
LIPS_GROWN, NEAR_GROWN = 1.18, 1.9
"""Between these multiples of the lips' outline lie the edges of what is laid on."""
LEAST_BAND = 200
_TINY = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Seam:
    """Gradients of a band about the lips, over those of the source at the very same pixels."""

    texture: float
    """Of the medians: below 1 where skin is smeared."""
    edges: float
    """Of the 99th percentiles: above 1 where an edge was drawn."""


def region(points: Points, shape: tuple[int, ...]) -> Mask:
    """Mouth and jaw: the part of a frame that may differ from the source."""
    frame = face_frame(points)
    to_face = np.linalg.inv(np.vstack([frame, [0, 0, 1]]))
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    x = to_face[0, 0] * columns + to_face[0, 1] * rows + to_face[0, 2]
    y = to_face[1, 0] * columns + to_face[1, 1] * rows + to_face[1, 2]
    jaw = to_face @ np.vstack([points[:17].T, np.ones(17)])
    left, right, bottom = jaw[0].min() - BESIDE, jaw[0].max() + BESIDE, jaw[1].max() + BELOW
    return np.asarray((x >= left) & (x <= right) & (y >= TOP) & (y <= bottom))


def changed(base: Picture, result: Picture) -> Mask:
    """Pixels that differ at all."""
    return np.asarray((base != result).any(axis=2))


def outside_share(base: Picture, result: Picture, points: Points) -> float:
    """Share of the pixels outside the region that differ from the source: 0 where every one is the very same."""
    outside = ~region(points, base.shape)
    return float(changed(base, result)[outside].mean())


def seam(base: Picture, result: Picture, before: Points, after: Points) -> Seam | None:
    """Compare the band's gradients; None where next to nothing was changed.

    Args:
        before: landmarks of ``base``.
        after: landmarks of ``result``: both frames' lips are left out.
    """
    lips = _lips(before, base.shape, LIPS_GROWN) | _lips(after, base.shape, LIPS_GROWN)
    band = changed(base, result) & _lips(after, base.shape, NEAR_GROWN) & ~lips
    if band.sum() < LEAST_BAND:
        return None
    old, new = _steepness(base)[band], _steepness(result)[band]
    return Seam(
        texture=float((np.median(new) + _TINY) / (np.median(old) + _TINY)),
        edges=float((np.percentile(new, 99) + _TINY) / (np.percentile(old, 99) + _TINY)),
    )


def _lips(points: Points, shape: tuple[int, ...], times: float) -> Mask:
    outline = points[48:60]
    grown = outline.mean(0) + times * (outline - outline.mean(0))
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.round(grown).astype(np.int32)), (1,))
    return np.asarray(mask > 0)


def _steepness(picture: Picture) -> NDArray[np.float32]:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    return np.asarray(np.hypot(across, down) / 8, np.float32)
