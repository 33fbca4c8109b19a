"""How the head turns: yaw, pitch and roll by solving a rigid skull against the landmarks that speech does not move."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.likeness.series import Track, eye_distance, smoothed

RIGID = (27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 39, 42, 45)
SKULL_MM = np.array(
    [
        (0, -2, -5), (0, 9, -11), (0, 20, -18), (0, 32, -26),
        (-15, 42, -6), (-8, 44, -10), (0, 45, -13), (8, 44, -10), (15, 42, -6),
        (-45, 0, 12), (-17, 2, 4), (17, 2, 4), (45, 0, 12),
    ],
    float,
)  # fmt: skip
"""The points of ``RIGID`` on an average adult head: x to the picture's right, y down, z away from the camera."""
CAMERA_IODS = 12.0
"""Assumed focal length in outer-eye distances: a head and shoulders seen from about a metre."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """Standard deviations over the clip, in degrees."""

    yaw: float
    pitch: float
    roll: float


def angles(track: Track) -> NDArray[np.float64]:
    """Yaw, pitch, roll in degrees, shape ``(frames, 3)``, NaN where no face was found."""
    found = np.full((len(track), 3), np.nan)
    focal = CAMERA_IODS * float(np.nanmedian(eye_distance(track)))
    for index, points in enumerate(smoothed(track)):
        if np.isfinite(points).all():
            found[index] = _solve(points[list(RIGID)], focal)
    return found


def _solve(points: NDArray[np.float64], focal: float) -> NDArray[np.float64]:
    # The face is put in the middle of the camera: its place in the picture must not read as a turn of the head.
    centred = points - points.mean(0)
    camera, straight = np.diag([focal, focal, 1.0]), np.zeros((5, 1))
    start = np.array([0.0, 0.0, CAMERA_IODS * 90.0]).reshape(3, 1)
    _, turn, _ = cv2.solvePnP(
        SKULL_MM, centred, camera, straight, np.zeros((3, 1)), start, True, flags=cv2.SOLVEPNP_ITERATIVE
    )
    r = cv2.Rodrigues(turn)[0]
    yaw = np.arctan2(-r[2, 0], np.hypot(r[0, 0], r[1, 0]))
    return np.asarray(np.degrees([yaw, np.arctan2(r[2, 1], r[2, 2]), np.arctan2(r[1, 0], r[0, 0])]))


def motion(track: Track) -> Motion | None:
    """Standard deviation of each angle; None where no face was found."""
    if not np.isfinite(track).any():
        return None
    yaw, pitch, roll = np.nanstd(angles(track), axis=0)
    return Motion(yaw=float(yaw), pitch=float(pitch), roll=float(roll))
