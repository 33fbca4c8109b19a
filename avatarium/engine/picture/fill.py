"""Fill holes in a picture smoothly from around them: the ground that a person stood before."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def fill(picture: Image, known: NDArray[np.float32]) -> Image:
    """Fill what is not known by push-pull over an image pyramid (Gortler, Grzeszczuk, Szeliski and Cohen 1996).

    Args:
        picture: RGB, ``(H, W, 3)``.
        known: 1 where the picture is to be kept, 0 in the holes, between at soft edges; shape ``(H, W)``.

    Returns:
        RGB ``(H, W, 3)``; where ``known`` is 1, the picture itself.
    """
    weight = known.astype(np.float32)
    colour = _fill_level(picture.astype(np.float32) * weight[..., None], weight)
    mixed = picture * weight[..., None] + colour * (1 - weight[..., None])
    return np.clip(mixed.round(), 0, 255).astype(np.uint8)


def _fill_level(weighted: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Colour everywhere from colours premultiplied by weight: this level where it knows, the coarser one elsewhere."""
    height, width = weight.shape
    sure = np.clip(weight, 0, 1)[..., None]
    here: NDArray[np.float32] = weighted / np.maximum(weight, 1e-4)[..., None]
    if min(height, width) <= 2 or sure.min() > 0.999:
        return here
    below = _fill_level(_halved(weighted), _halved(weight))
    coarse = cv2.pyrUp(below, dstsize=(width, height))
    return np.asarray(here * sure + np.asarray(coarse) * (1 - sure), dtype=np.float32)


def _halved(level: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.pyrDown(level), dtype=np.float32)
