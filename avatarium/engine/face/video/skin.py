"""The colours of a face at the vertices of its mesh: pose, size and the mouth's own movement are taken out."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh

Image = NDArray[np.uint8]
Float32 = NDArray[np.float32]

LIPS = tuple(
    dict.fromkeys(
        p for rows in (mesh.LIP_RINGS_UPPER, mesh.LIP_RINGS_LOWER) for row in (rows[0], rows[2]) for p in row[1:-1]
    )
)
ROUND_MOUTH = (
    2, 97, 326, 164, 165, 391, 92, 322, 206, 426, 203, 423, 205, 425, 207, 427, 216, 436, 212, 432, 202, 422, 214, 434,
    57, 287, 43, 273, 106, 335, 182, 406, 83, 313, 18, 200, 199, 201, 421, 208, 428, 204, 424, 194, 418, 210, 430, 211,
    431, 175, 171, 396, 140, 369, 32, 262, 135, 364,
)  # fmt: skip
"""Upper lip, cheeks beside the mouth, chin."""
LOWER = (*LIPS, *ROUND_MOUTH)
FOREHEAD = (9, 8, 151, 108, 337, 69, 299)
"""What a mask leaves free."""
UPPER = (*FOREHEAD, 6, 197, 195, 5, 4, 50, 280, 101, 330, 118, 347, 119, 348, 117, 346, 66, 296)
"""Forehead, nose, cheeks below the eyes."""
VERTICES = (*LOWER, *UPPER)

_UNIT = 40.0
"""Pixels an IOD in the picture that is looked at: finer is grain and pores."""
_BLUR = 1.2


def face_colours(frame: Image, points: NDArray[np.float32]) -> Float32:
    """Lab and roughness at :data:`VERTICES`, ``(vertices, 4)``: L 0..100, a and b about 0, roughness in L.

    Args:
        frame: RGB.
        points: mesh in pixels of the frame.
    """
    unit = max(4.0, float(np.linalg.norm(points[263, :2] - points[33, :2])))
    at = points[list(VERTICES), :2]
    left, top = np.floor(at.min(0) - unit * 0.2)
    right, bottom = np.ceil(at.max(0) + unit * 0.2)
    scale = _UNIT / unit
    size = max(8, round((right - left) * scale)), max(8, round((bottom - top) * scale))
    small = _cut(frame, left, top, size, scale)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    soft = cv2.GaussianBlur(lab, (0, 0), _BLUR)
    rough = cv2.GaussianBlur(np.abs(lab[..., 0] - soft[..., 0]), (0, 0), 2 * _BLUR)
    where = ((at - [left, top]) * scale).astype(np.float32)
    sampled = cv2.remap(np.dstack([soft, rough]), where[None, :, 0], where[None, :, 1], cv2.INTER_LINEAR)
    return np.asarray(sampled[0], np.float32)


def _cut(frame: Image, left: float, top: float, size: tuple[int, int], scale: float) -> Image:
    finer = max(1, min(4, int(1 / scale)))
    to_small = np.array([[scale * finer, 0, -left * scale * finer], [0, scale * finer, -top * scale * finer]])
    big = cv2.warpAffine(
        frame, to_small, (size[0] * finer, size[1] * finer), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(cv2.resize(big, size, interpolation=cv2.INTER_AREA) if finer > 1 else big, np.uint8)
