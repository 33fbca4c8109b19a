"""Find 68 landmarks in every frame with dlib, a detector that the renderer does not use.

Points are numbered as in iBUG 300-W: 0-16 outline, 17-26 brows, 27-35 nose, 36-47 eyes, 48-59 outer lips, 60-67 inner
lips. The frontal HOG detector looks every twelfth frame; between, the rectangle follows the landmarks.
Kazemi and Sullivan, One Millisecond Face Alignment with an Ensemble of Regression Trees, CVPR 2014.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from bench.likeness.clip import Picture

Points = NDArray[np.float64]
"""Pixels, shape ``(68, 2)``; a track of them is ``(frames, 68, 2)`` with NaN where no face was found."""

DETECT_EVERY = 12
FACE_PX = 200
"""Width at which a face is detected and fitted: small faces are enlarged, large ones shrunk. The predictor answers in
whole pixels of this size, so its noise, and with it the bar on jitter, belongs to this number."""
SEARCH_SIDES_PX = (640, 1280, 1920)
"""Longest sides of the picture at which a face is looked for, coarse first; the detector sees faces from 80 pixels."""
MOST_ENLARGED = 3.0
SETTLED_BY = 0.03


@cache
def model_path(name: str) -> str:
    """Path of a file of the package ``face_recognition_models``, found without importing it: that would warn."""
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("face_recognition_models is not installed; install requirements/dev.txt")
    return str(Path(spec.origin).parent / "models" / name)


@cache
def _detector() -> Any:
    return dlib.get_frontal_face_detector()


@cache
def _predictor() -> Any:
    return dlib.shape_predictor(model_path("shape_predictor_68_face_landmarks.dat"))


@dataclass(frozen=True, slots=True)
class Box:
    """A square around a face, in pixels of the frame."""

    x: float
    """Centre."""
    y: float
    size: float


def cut(picture: Picture, box: Box, reach: float, size_px: int) -> tuple[Picture, NDArray[np.float64], float]:
    """Cut ``box`` grown by ``reach`` and scale it so that the box itself is ``size_px`` wide.

    Returns:
        The patch, the frame position of its first pixel, and the scale from frame to patch. Parts outside the frame
        repeat its edge.
    """
    half = max(4, round(box.size * reach / 2))
    x0, y0 = round(box.x) - half, round(box.y) - half
    height, width = picture.shape[:2]
    inside = picture[max(0, y0) : y0 + 2 * half, max(0, x0) : x0 + 2 * half]
    if inside.shape[:2] != (2 * half, 2 * half):
        grown = (max(0, -y0), max(0, y0 + 2 * half - height), max(0, -x0), max(0, x0 + 2 * half - width))
        inside = np.asarray(cv2.copyMakeBorder(inside, *grown, cv2.BORDER_REPLICATE), np.uint8)
    side = round(reach * size_px)
    mode = cv2.INTER_AREA if side < 2 * half else cv2.INTER_CUBIC
    patch = np.asarray(cv2.resize(inside, (side, side), interpolation=mode), np.uint8)
    return patch, np.array([x0, y0], float), side / (2 * half)


def find_face(picture: Picture, sides_px: tuple[int, ...] = SEARCH_SIDES_PX) -> Box | None:
    """Find the largest frontal face of a picture, or None."""
    longest = max(picture.shape[:2])
    for side in sides_px:
        if side > MOST_ENLARGED * longest and side > sides_px[0]:
            break
        scale = min(side / longest, MOST_ENLARGED)
        mode = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        small = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=mode), np.uint8)
        found = _largest(small, threshold=0.0)
        if found is not None:
            # Pixel centres: resizing maps x to (x + .5) * scale - .5.
            return Box((found.x + 0.5) / scale - 0.5, (found.y + 0.5) / scale - 0.5, found.size / scale)
    return None


def _largest(picture: Picture, threshold: float) -> Box | None:
    rectangles, _, _ = _detector().run(picture, 0, threshold)
    if not rectangles:
        return None
    best = max(rectangles, key=lambda r: r.width() * r.height())
    return Box((best.left() + best.right()) / 2, (best.top() + best.bottom()) / 2, float(best.width()))


def _find_near(picture: Picture, box: Box) -> Box | None:
    patch, corner, scale = cut(picture, box, 2.0, FACE_PX)
    found = _largest(patch, threshold=-0.3)
    if found is None:
        return None
    x, y = corner + (np.array([found.x, found.y]) + 0.5) / scale - 0.5
    return Box(float(x), float(y), found.size / scale)


def fit_points(picture: Picture, box: Box) -> Points:
    """Fit the 68 landmarks inside ``box``."""
    patch, corner, scale = cut(picture, box, 1.6, FACE_PX)
    middle, half = patch.shape[0] / 2, FACE_PX / 2
    edges = (round(middle - half), round(middle - half), round(middle + half), round(middle + half))
    shape = _predictor()(patch, dlib.rectangle(*edges))
    points = np.array([(part.x, part.y) for part in shape.parts()], float)
    return np.asarray(corner + (points + 0.5) / scale - 0.5)


def fit_settled(picture: Picture, box: Box) -> Points:
    """Landmarks as most of five fits see them, their boxes a little apart: one alone takes a highlight for a lip."""
    step = SETTLED_BY * box.size
    shifts = ((0.0, 0.0), (step, 0.0), (-step, 0.0), (0.0, step), (0.0, -step))
    fits = [fit_points(picture, Box(box.x + dx, box.y + dy, box.size)) for dx, dy in shifts]
    return np.asarray(np.median(fits, axis=0))


class Tracker:
    """Landmarks of the same face from frame to frame."""

    def __init__(self) -> None:
        self._count = 0
        self._box: Box | None = None
        self._shape = np.zeros(3)  # offset of the box from the landmarks' centre and its size, in units of their spread

    @property
    def box(self) -> Box | None:
        """Where the face was located last."""
        return self._box

    def locate(self, picture: Picture) -> Points | None:
        """Landmarks of the next frame, or None where no face is seen."""
        looks = self._count % DETECT_EVERY == 0
        self._count += 1
        if self._box is None:
            self._box = find_face(picture, SEARCH_SIDES_PX if looks else SEARCH_SIDES_PX[:1])
            if self._box is None:
                return None
            return self._begin(picture)
        if looks:
            seen = _find_near(picture, self._box) or find_face(picture)
            if seen is None:
                self._box = None
                return None
            if _apart(seen, self._box):
                self._box = seen
                return self._begin(picture)
        points = fit_points(picture, self._box)
        self._follow(points)
        return points

    def _begin(self, picture: Picture) -> Points:
        assert self._box is not None
        points = fit_points(picture, self._box)
        centre, spread = _middle(points)
        offset = (np.array([self._box.x, self._box.y]) - centre) / spread
        self._shape = np.array([*offset, self._box.size / spread])
        return points

    def _follow(self, points: Points) -> None:
        centre, spread = _middle(points)
        x, y = centre + self._shape[:2] * spread
        self._box = Box(float(x), float(y), float(self._shape[2] * spread))


def _middle(points: Points) -> tuple[NDArray[np.float64], float]:
    """Centre and spread of the points that neither speech nor blinking moves."""
    still = points[np.r_[0:4, 13:17, 27:36, 36, 39, 42, 45]]
    centre = still.mean(0)
    return centre, float(np.sqrt(((still - centre) ** 2).sum(1).mean()))


def _apart(one: Box, other: Box) -> bool:
    """Whether two boxes differ by more than the detector's own coarse grid."""
    ratio = one.size / other.size
    return not 0.75 < ratio < 1.33 or np.hypot(one.x - other.x, one.y - other.y) > 0.2 * other.size
