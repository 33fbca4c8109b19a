"""The network's rough answer: MediaPipe's selfie segmentation, looked at from close by.

The network sees 256 x 256 pixels, whatever it is given. A crop about the person, and one about the head, spend those
pixels on the outline instead of on the wall.
"""

from __future__ import annotations

import os
from typing import Any

import cv2
import numpy as np

from avatarium.engine.picture.matting.kinds import Alpha, Box, Image

os.environ.setdefault("GLOG_minloglevel", "3")

NETWORK_SIDE = 256
MARGIN = 0.12
"""Of the person's box on each side, so that the network sees some ground too."""
SEEN = 0.5
MIN_SIDE = 0.15
"""Smallest crop, as a share of the picture's longer side."""
CLOSE = 0.85
"""A crop that is not smaller than this share of what was looked at before shows nothing more."""


class Segmenter:
    """The network with its memory of one stream. Not for two threads at once; close it."""

    def __init__(self) -> None:
        import mediapipe as mp

        self._network: Any = mp.solutions.selfie_segmentation.SelfieSegmentation(model_selection=0)

    def close(self) -> None:
        """Give the network's threads and memory back."""
        self._network.close()

    def mask(self, picture: Image, box: Box | None = None, *, flipped: bool = False) -> Alpha:
        """How much each pixel of a crop looks like a person, 0..1, shape of the crop.

        Args:
            picture: RGB.
            box: what to look at; the whole picture unless told.
            flipped: look at it in the mirror. The mean of both answers is steadier than either.
        """
        left, top, right, bottom = box or (0, 0, picture.shape[1], picture.shape[0])
        part = picture[top:bottom, left:right]
        seen = cv2.resize(part, (NETWORK_SIDE, NETWORK_SIDE), interpolation=_way(part))
        if flipped:
            seen = seen[:, ::-1]
        found = self._network.process(np.ascontiguousarray(seen)).segmentation_mask.astype(np.float32)
        if flipped:
            found = np.ascontiguousarray(found[:, ::-1])
        return np.asarray(cv2.resize(found, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR), np.float32)

    def within(self, picture: Image, box: Box | None, *, flipped: bool = False, mirrored: bool = False) -> Alpha:
        """As :meth:`mask`, laid into the whole picture, where nobody else is; ``mirrored`` is the mean of both."""
        if box is None:
            box = 0, 0, picture.shape[1], picture.shape[0]
        found = self.mask(picture, box, flipped=flipped)
        if mirrored:
            found = (found + self.mask(picture, box, flipped=not flipped)) / 2
        whole = np.zeros(picture.shape[:2], np.float32)
        left, top, right, bottom = box
        whole[top:bottom, left:right] = found
        return whole


def _way(part: Image) -> int:
    return cv2.INTER_AREA if min(part.shape[:2]) > NETWORK_SIDE else cv2.INTER_LINEAR


def box_of(mask: Alpha, margin: float = MARGIN) -> Box | None:
    """The box about a person with room to each side, inside the picture; None where nobody is."""
    height, width = mask.shape
    rows, columns = np.nonzero((mask > SEEN).any(1))[0], np.nonzero((mask > SEEN).any(0))[0]
    if not len(rows):
        return None
    low = np.array([columns[0], rows[0]], float)
    high = np.array([columns[-1] + 1, rows[-1] + 1], float)
    side = np.maximum(high - low, MIN_SIDE * max(height, width))
    middle = (low + high) / 2
    low, high = middle - side * (0.5 + margin), middle + side * (0.5 + margin)
    left, top = np.maximum(np.floor(low), 0).astype(int)
    right, bottom = np.minimum(np.ceil(high), [width, height]).astype(int)
    return int(left), int(top), int(right), int(bottom)


def area(box: Box) -> int:
    """In pixels."""
    return max(0, box[2] - box[0]) * max(0, box[3] - box[1])
