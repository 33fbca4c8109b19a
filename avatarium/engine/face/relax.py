"""Take the folds of a smile out of a photo whose mouth will relax to speak."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.frame import Points
from avatarium.engine.picture.fill import fill

Image = NDArray[np.uint8]

FOLDS = ((129, 203, 206, 216, 212), (358, 423, 426, 436, 432))
"""From the wings of the nose past the corners of the mouth."""
STRONGEST = 0.65
"""Share of the fold that goes at a full smile: skin without any looks ironed."""
_WIDTH, _EDGE, _PORES = 0.075, 0.035, 0.014


def soften_folds(photo: Image, points: Points, unit: float, smile: float) -> Image:
    """The photo with its nasolabial folds lessened; pores and stubble stay.

    Args:
        photo: RGB, ``(H, W, 3)``.
        points: the face's mesh in pixels.
        unit: eye distance in pixels.
        smile: 0 none to 1 full.
    """
    if smile <= 0:
        return photo
    lines = np.zeros(photo.shape[:2], np.uint8)
    for fold in FOLDS:
        at = points[list(fold), :2].round().astype(np.int32)
        cv2.polylines(lines, [at], False, (255,), max(1, round(_WIDTH * unit)), cv2.LINE_AA)
    mask = cv2.GaussianBlur(lines.astype(np.float32) / 255, (0, 0), _EDGE * unit)
    pores = photo.astype(np.float32) - cv2.GaussianBlur(photo.astype(np.float32), (0, 0), max(0.7, _PORES * unit))
    plain = fill(photo, np.asarray(1 - np.clip(1.6 * mask, 0, 1), np.float32)) + pores
    share = (STRONGEST * smile * mask)[..., None]
    softened = np.clip(photo * (1 - share) + plain * share, 0, 255)
    return np.asarray(softened.round(), dtype=np.uint8)
