"""Clips for tests of twins: pieces of the test videos, made small, put together, and covered with things."""

from __future__ import annotations

from functools import cache
from itertools import islice
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.video.films import FilmWriter
from avatarium.engine.video.frames import read_frames
from avatarium.engine.video.intake import Clip
from tests.conftest import MEDIA

Image = NDArray[np.uint8]
Cover = Literal["hand", "microphone", "mask"]


@cache
def piece(name: str, count: int, side: int = 480, start: int = 0) -> tuple[Image, ...]:
    """The middle square of a test video at 25 frames a second."""
    frames = islice(read_frames(MEDIA / "talking-videos" / name, fps=25), start, start + count)
    return tuple(_square(frame, side) for frame in frames)


def _square(frame: Image, side: int) -> Image:
    height, width = frame.shape[:2]
    least = min(height, width)
    left = (width - least) // 2
    square = frame[:least, left : left + least]
    return np.asarray(cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def film_of(frames: list[Image] | tuple[Image, ...], path: Path) -> Clip:
    """Frames as the clip that the intake would make of them."""
    height, width = frames[0].shape[:2]
    with FilmWriter(path, width, height) as writer:
        for frame in frames:
            writer.add_picture(frame)
    return Clip(
        path=path, sound=None, width=width, height=height, frames=len(frames), duration_s=len(frames) / 25, notes=()
    )


def covered(frame: Image, points: NDArray[np.float32], by: Cover) -> Image:
    """The frame with something over the mouth of the face whose mesh is ``points``."""
    unit = float(np.linalg.norm(points[263, :2] - points[33, :2]))
    x, y = (int(v) for v in (points[13, :2] + points[14, :2]) / 2)
    mask = np.zeros(frame.shape[:2], np.uint8)
    if by == "hand":
        cv2.ellipse(mask, (x, y), (int(0.55 * unit), int(0.4 * unit)), 12, 0, 360, (255,), -1)
        layer = _hand(frame, points, unit, (x, y))
    elif by == "microphone":
        cv2.circle(mask, (x, y + int(0.12 * unit)), int(0.3 * unit), (255,), -1)
        layer = np.full(frame.shape, 35.0)
    else:
        edge = [197, 118, 234, 132, 172, 136, 149, 152, 378, 365, 397, 361, 454, 347]
        hull = cv2.convexHull(points[edge, :2].astype(np.int32))
        cv2.fillConvexPoly(mask, np.asarray(hull, np.int32), (255,))
        layer = np.tile([150.0, 185.0, 205.0], (*frame.shape[:2], 1))
    share = cv2.GaussianBlur(mask, (0, 0), max(0.5, 0.01 * unit)).astype(float)[..., None] / 255
    return np.clip(frame * (1 - share) + layer * share, 0, 255).astype(np.uint8)


def _hand(frame: Image, points: NDArray[np.float32], unit: float, at: tuple[int, int]) -> NDArray[np.float64]:
    """The face's own skin, a little darker, with lines between the fingers."""
    cheeks = points[[50, 280, 118, 347, 9], :2].round().astype(int)
    skin = 0.92 * np.median(frame[cheeks[:, 1], cheeks[:, 0]], axis=0)
    layer = np.tile(skin, (*frame.shape[:2], 1))
    for offset in (-0.25, -0.08, 0.1, 0.27):
        left = at[0] - int(0.5 * unit), at[1] + int(offset * unit)
        right = at[0] + int(0.45 * unit), at[1] + int((offset - 0.06) * unit)
        cv2.line(layer, left, right, [float(c) * 0.6 for c in skin], max(1, int(0.02 * unit)))
    return np.asarray(layer, np.float64)
