"""Where the person is: a soft mask of somebody in a picture.

MediaPipe's selfie segmentation (256 x 256) gives the shape; a guided filter (He, Sun and Tang 2010) carries it to the
picture's own edges, hair included. Good for stills of one person; hair against a busy ground stays soft.
"""

from __future__ import annotations

import os

import cv2
import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("GLOG_minloglevel", "3")

Image = NDArray[np.uint8]
Alpha = NDArray[np.float32]
"""Share of the person in each pixel, 0..1, shape ``(H, W)``."""

SIDE = 1024
RADIUS = 24
EDGE = (0.02 * 255) ** 2
LOW, HIGH = 0.3, 0.8
"""The filter spreads a thin veil over the ground; below LOW is nobody, above HIGH is nothing but the person."""


def person_alpha(picture: Image) -> Alpha:
    """Soft mask of the person in an RGB picture, shape ``(H, W)``, 0..1."""
    import mediapipe as mp

    height, width = picture.shape[:2]
    scale = SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    with mp.solutions.selfie_segmentation.SelfieSegmentation(model_selection=0) as segmentation:
        mask = segmentation.process(small).segmentation_mask
    filtered = cv2.ximgproc.guidedFilter(small, mask.astype(np.float32), RADIUS, EDGE)
    alpha = np.clip((filtered - LOW) / (HIGH - LOW), 0, 1).astype(np.float32)
    return np.asarray(cv2.resize(alpha, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def pure_foreground(picture: Image, alpha: Alpha) -> Image:
    """The person's own colours, also where the ground shines through.

    Pixels that are not wholly the person take the colour of the nearest that are, so that no rim of the old
    ground shows before a new one. RGB ``(H, W, 3)`` in and out.
    """
    from avatarium.engine.picture.fill import fill

    solid = fill(picture, (alpha > 0.95).astype(np.float32))
    mixed = picture * alpha[..., None] + solid * (1 - alpha[..., None])
    return mixed.round().astype(np.uint8)
