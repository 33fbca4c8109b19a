"""Hands before a mouth, by MediaPipe's hand model."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh

Image = NDArray[np.uint8]

_SIDE = 256
_ROUND_FACE = 4.2
"""IOD; side of the square that is looked at: a hand is told by what of it is beside the face."""
_SCORE = 0.6
_HIT = 0.15
"""Share of the mouth's points that must lie under the hand."""
_MOUTH = (61, 291, 0, 17, 13, 14, 39, 269, 181, 405, 164, 18)
_SWELL = 0.06
"""IOD; fingers are thicker than the lines between their joints."""


class Hands:
    """Tells whether a hand covers the mouth. Tracks from call to call; not for several threads; close it."""

    def __init__(self) -> None:
        import mediapipe as mp

        self._network: Any = mp.solutions.hands.Hands(
            static_image_mode=False, max_num_hands=2, model_complexity=0, min_detection_confidence=_SCORE
        )

    def cover(self, frame: Image, points: NDArray[np.float32]) -> bool:
        """Whether a hand lies over the mouth of a face, mesh in pixels of the RGB frame."""
        unit = float(np.linalg.norm(points[mesh.EYE_OUTER_RIGHT, :2] - points[mesh.EYE_OUTER_LEFT, :2]))
        x, y = points[mesh.LIP_LOWER_INNER, :2]
        scale = _SIDE / (_ROUND_FACE * max(unit, 4.0))
        to_crop = np.array([[scale, 0, _SIDE / 2 - scale * x], [0, scale, _SIDE / 2 - scale * y]])
        crop = cv2.warpAffine(frame, to_crop, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR)
        found = self._network.process(crop).multi_hand_landmarks or []
        mouth = points[list(_MOUTH), :2] * scale + to_crop[:, 2]
        return any(_covers(hand, mouth, _SWELL * unit * scale) for hand in found)

    def close(self) -> None:
        """Give the network back."""
        self._network.close()


def _covers(hand: Any, mouth: NDArray[np.floating[Any]], swell: float) -> bool:
    joints = np.array([[p.x, p.y] for p in hand.landmark], np.float32) * _SIDE
    hull = cv2.convexHull(joints)
    inside = [cv2.pointPolygonTest(hull, (float(x), float(y)), True) > -swell for x, y in mouth]
    return float(np.mean(inside)) >= _HIT
