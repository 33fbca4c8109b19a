"""What moves or flickers in the picture itself: background, mouth box, colours of lips and skin."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.likeness.clip import Picture
from bench.likeness.landmarks import Points
from bench.likeness.series import Series, Track, eye_distance, resample, time_grid

Mask = NDArray[np.bool_]
"""Shape ``(height, width)``."""

BAND_IODS = 0.6
SMALLEST_SHARE = 0.01
HIGHEST_DB = 100.0
MOUTH_PX = (96, 72)
MOUTH_IODS = (0.96, 0.72)
MOTION_FLOOR = 0.25
"""Grey levels a frame: what coding leaves in a still picture, so that a ratio of two stills is not a ratio of noise."""
RIGID_POINTS = [0, 1, 2, 14, 15, 16, 27, 28, 29, 30, 31, 33, 35, 36, 39, 42, 45]
OUTER_LIPS, INNER_LIPS = slice(48, 60), slice(60, 68)


def background_mask(track: Track, shape: tuple[int, int]) -> Mask | None:
    """Pixels outside the head band: beside the face's columns grown by .6 IOD over the whole clip, and above its chin.

    None where that is less than 1 % of the picture or no face was found.
    """
    if not np.isfinite(track).any():
        return None
    margin = BAND_IODS * float(np.nanmedian(eye_distance(track)))
    left, right = np.nanmin(track[..., 0]) - margin, np.nanmax(track[..., 0]) + margin
    columns = np.arange(shape[1])
    mask = np.zeros(shape, bool)
    mask[: max(0, int(np.nanmax(track[:, 8, 1]))), (columns < left) | (columns > right)] = True
    return mask if mask.mean() >= SMALLEST_SHARE else None


def squared_change(one: Picture, other: Picture, mask: Mask) -> float:
    """Mean squared difference of two frames in ``mask``, all channels."""
    apart = one[mask].astype(np.int32) - other[mask]
    return float(np.mean(apart * apart))


def psnr(squared: NDArray[np.float64]) -> float | None:
    """Peak signal to noise ratio in dB of the mean of squared changes; frames that never change give 100."""
    if not squared.size:
        return None
    mean = float(squared.mean())
    return HIGHEST_DB if mean <= 0 else float(min(HIGHEST_DB, 10 * np.log10(255.0**2 / mean)))


def face_frame(points: Points) -> NDArray[np.float64]:
    """2x3 matrix from face coordinates (IOD; origin between the outer eye corners, x along them) to pixels."""
    x_axis = points[45] - points[36]
    y_axis = np.array([-x_axis[1], x_axis[0]])
    return np.column_stack([x_axis, y_axis, (points[36] + points[45]) / 2])


def face_shape(track: Track) -> Points:
    """Median of every landmark over the clip, in face coordinates."""
    shapes = []
    for points in track[np.isfinite(track).all((1, 2))]:
        frame = face_frame(points)
        shapes.append(np.linalg.solve(frame[:, :2], (points - frame[:, 2]).T).T)
    return np.asarray(np.median(shapes, axis=0))


def fitted_frame(points: Points, shape: Points) -> NDArray[np.float64]:
    """``face_frame`` by least squares over 17 points that speech does not move: far steadier than two eye corners."""
    model, seen = shape[RIGID_POINTS], points[RIGID_POINTS]
    from_mean, to_mean = model.mean(0), seen.mean(0)
    a, b = model - from_mean, seen - to_mean
    cos, sin = (a * b).sum(), (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()
    turn = np.array([[cos, -sin], [sin, cos]]) / (a * a).sum()
    return np.column_stack([turn, to_mean - turn @ from_mean])


def mouth_patch(picture: Picture, points: Points, shape: Points) -> NDArray[np.float32]:
    """The mouth box .96 x .72 IOD, upright and at a fixed size: grey levels, shape ``(72, 96)``.

    It lies about the median place of the lips and rides on the head alone, so that neither a moving head nor a falling
    jaw takes it along.
    """
    scale = MOUTH_IODS[0] / MOUTH_PX[0]
    corner = shape[OUTER_LIPS].mean(0) - np.array(MOUTH_IODS) / 2
    to_face = np.array([[scale, 0, corner[0]], [0, scale, corner[1]], [0, 0, 1]])
    matrix = fitted_frame(points, shape) @ to_face
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    patch = cv2.warpAffine(picture, matrix, MOUTH_PX, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.GaussianBlur(cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY), (0, 0), 1.0), np.float32)


def motion_ratio(changes: Series, speaking: Mask, silent: Mask) -> float | None:
    """Mean change of the mouth box while speaking over that in silence; None where either lasts under five frames."""
    known = np.isfinite(changes)
    if (speaking & known).sum() < 5 or (silent & known).sum() < 5:
        return None
    return float(changes[speaking & known].mean() / max(float(changes[silent & known].mean()), MOTION_FLOOR))


def lip_colour(picture: Picture, points: Points) -> NDArray[np.float64]:
    """Mean RGB between the outer and the inner outline of the lips."""
    return _polygon_mean(picture, points[OUTER_LIPS], points[INNER_LIPS])


def cheek_colour(picture: Picture, points: Points) -> NDArray[np.float64]:
    """Mean RGB of two squares of .16 IOD below the eyes."""
    frame = face_frame(points)
    half = 0.08 * float(np.linalg.norm(frame[:, 0]))
    colours = []
    for x in (-0.3, 0.3):
        cx, cy = frame @ np.array([x, 0.34, 1.0])
        box = picture[max(0, round(cy - half)) : round(cy + half) + 1, max(0, round(cx - half)) : round(cx + half) + 1]
        if box.size:
            colours.append(box.reshape(-1, 3).mean(0))
    return np.mean(colours, axis=0) if colours else np.full(3, np.nan)


def _polygon_mean(picture: Picture, outer: Points, hole: Points) -> NDArray[np.float64]:
    low = np.maximum(np.floor(outer.min(0)).astype(int), 0)
    high = np.ceil(outer.max(0)).astype(int) + 1
    patch = picture[low[1] : high[1], low[0] : high[0]]
    if not patch.size:
        return np.full(3, np.nan)
    inside = np.zeros(patch.shape[:2], np.uint8)
    cv2.fillPoly(inside, [_corners(outer - low)], [255])
    cv2.fillPoly(inside, [_corners(hole - low)], [0])
    return np.array(cv2.mean(patch, inside)[:3]) if inside.any() else np.full(3, np.nan)


def _corners(points: Points) -> NDArray[np.int32]:
    return np.asarray(np.round(points), np.int32)


def flicker(times_s: Series, colours: NDArray[np.float64]) -> float | None:
    """Mean absolute change of a colour from one frame of 40 ms to the next, in levels of 255."""
    if len(times_s) < 2:
        return None
    grid = time_grid(times_s)
    even = np.stack([resample(times_s, colours[:, channel], grid) for channel in range(3)], axis=1)
    steps = np.abs(np.diff(even, axis=0))
    steps = steps[np.isfinite(steps)]
    return float(steps.mean()) if steps.size else None
