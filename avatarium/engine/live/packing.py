"""Packed alpha: a person on a clear ground as an opaque picture of double height, colours above and the mask below.

Browsers decode no alpha in a live stream. The colours go on beyond the person's edge, so that neither the coarse chroma
of I420 nor the blocks of a codec carry a rim of something else inside.
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
_Floats: TypeAlias = NDArray[np.float32]

SURE = 245
"""Colours of pixels with so much alpha are taken as they are; below :data:`UNSURE` those of their neighbours."""
UNSURE = 150
COARSE = 4
"""The colours beyond the edge are made in so many times smaller pictures."""
_LIMITED = (16 + np.arange(256) * 219 / 255).round().astype(np.uint8)
"""Alpha as luma of limited range."""
_GREY = 128


def pack(cutout: Image) -> Image:
    """I420 planes of double height, ``(3 * height, width)``, of RGBA with straight alpha and even sides.

    Above are the colours, below the alpha as luma: 16 is nobody, 235 the person.
    """
    height, width = cutout.shape[:2]
    colours = cv2.cvtColor(extended(cutout), cv2.COLOR_RGB2YUV_I420)
    packed = np.empty((3 * height, width), np.uint8)
    packed[:height] = colours[:height]
    packed[height : 2 * height] = cv2.LUT(cutout[..., 3], _LIMITED)
    planes, chroma, quarter = packed[2 * height :].reshape(4, -1), colours[height:].reshape(2, -1), _GREY
    planes[0], planes[1], planes[2], planes[3] = chroma[0], quarter, chroma[1], quarter
    return packed


def extended(cutout: Image) -> Image:
    """The colours of a cutout, carried on smoothly where there is nobody, RGB ``(H, W, 3)``."""
    height, width = cutout.shape[:2]
    small = max(1, width // COARSE), max(1, height // COARSE)
    weighed = cv2.resize(_weighed(cutout), small, interpolation=cv2.INTER_AREA).astype(np.float32)
    around = cv2.resize(_spread(weighed).clip(0, 255).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(_mixed(cutout, around), np.uint8)


def _spread(weighed: _Floats) -> _Floats:
    """Push and pull (Gortler and others, "The Lumigraph", 1996): holes take their colours from coarser pictures.

    ``weighed`` has colours times weight, and the weight (255 is 1).
    """
    height, width = weighed.shape[:2]
    share = np.minimum(weighed[..., 3:] / 255, 1)
    if min(height, width) <= 2:
        total = weighed.reshape(-1, 4).sum(0)
        return np.broadcast_to(total[:3] / max(float(total[3]) / 255, 1e-3), (height, width, 3)).astype(np.float32)
    half = cv2.resize(weighed, (-(-width // 2), -(-height // 2)), interpolation=cv2.INTER_AREA)
    # What is known even in part counts wholly in the next coarser picture, so that the nearest colours win.
    coarser = half * np.minimum(255 / np.maximum(half[..., 3:], 1), 4)
    behind = cv2.resize(_spread(np.asarray(coarser, np.float32)), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(weighed[..., :3] + (1 - share) * behind, np.float32)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _weighed(cutout: Image) -> Image:
    """Colours times how sure they are, and that."""
    height, width = cutout.shape[:2]
    out = np.zeros((height, width, 4), np.uint8)
    for y in range(height):
        for x in range(width):
            alpha = np.int32(cutout[y, x, 3])
            if alpha >= SURE:
                for k in range(3):
                    out[y, x, k] = cutout[y, x, k]
                out[y, x, 3] = 255
            elif alpha > UNSURE:
                weight = (alpha - UNSURE) * 255 // (SURE - UNSURE)
                for k in range(3):
                    out[y, x, k] = (np.int32(cutout[y, x, k]) * weight + 127) // 255
                out[y, x, 3] = weight
    return out


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _mixed(cutout: Image, around: Image) -> Image:
    """The cutout's colours where they are sure, else those around."""
    height, width = cutout.shape[:2]
    out = np.empty((height, width, 3), np.uint8)
    for y in range(height):
        for x in range(width):
            alpha = np.int32(cutout[y, x, 3])
            if alpha >= SURE:
                for k in range(3):
                    out[y, x, k] = cutout[y, x, k]
            elif alpha <= UNSURE:
                for k in range(3):
                    out[y, x, k] = around[y, x, k]
            else:
                weight = (alpha - UNSURE) * 255 // (SURE - UNSURE)
                for k in range(3):
                    mixed = np.int32(cutout[y, x, k]) * weight + np.int32(around[y, x, k]) * (255 - weight)
                    out[y, x, k] = (mixed + 127) // 255
    return out
