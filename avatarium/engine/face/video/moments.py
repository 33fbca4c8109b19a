"""How unlike any two moments of a clip are, outside the mouth."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.video.tracking import Track

Image = NDArray[np.uint8]
Float32 = NDArray[np.float32]

LONG_SIDE = 160
_COARSE = 48
_AROUND = 2
"""Frames before and after a joint that are compared too."""
_LOWER_FACE = (2, 98, 327, 205, 425, 172, 397, 136, 365, 149, 378, 152, 148, 377, 176, 400, 58, 288)
_SWOLLEN = 1.12
_FACE_WEIGHT = 0.6
_OFTEN = 95


def small_grey(frame: Image) -> Image:
    """A frame, RGB, as a small grey picture, 160 pixels on the long side."""
    height, width = frame.shape[:2]
    scale = LONG_SIDE / max(height, width)
    size = max(8, round(width * scale)), max(8, round(height * scale))
    return np.asarray(cv2.cvtColor(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY), np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Pictures and faces of one stretch of a clip; numbers count from its first frame."""

    pictures: NDArray[np.uint8]
    """Grey, ``(frames, h, w)``."""
    outside: NDArray[np.bool_]
    """What is not mouth and jaw, same shape."""
    faces: Float32
    """Points of the upper face in IOD, ``(frames, points * 2)``."""
    steps: Float32
    """Difference of each frame to the next outside the mouth, in levels of grey, ``(frames - 1,)``."""
    usual: float
    """What 95 of 100 steps keep below."""
    whole: Float32
    """Steps of the whole picture, mouth and all, over what 95 of 100 of them keep below, ``(frames - 1,)``."""
    usual_face_step: float
    """The same of the face, in IOD."""

    @classmethod
    def of(cls, track: Track, appearance: NDArray[np.uint8], stretch: slice) -> Self:
        """Of a stretch of a track; ``appearance`` is that of the whole clip."""
        pictures = appearance[stretch]
        points = track.points[stretch]
        unit = float(np.median(np.linalg.norm(points[:, 263, :2] - points[:, 33, :2], axis=1)))
        faces = points[:, list(mesh.STABLE), :2].reshape(len(points), -1) / max(unit, 1.0)
        outside = _outside(points, pictures.shape, track.width)
        steps = [_difference(pictures, outside, n, n + 1) for n in range(len(pictures) - 1)] or [0.0]
        walked = [_far(faces, n, n + 1) for n in range(len(faces) - 1)] or [0.0]
        return cls(
            pictures=pictures,
            outside=outside,
            faces=faces.astype(np.float32),
            steps=np.array(steps, np.float32),
            usual=float(np.percentile(steps, _OFTEN)),
            whole=_whole_steps(pictures),
            usual_face_step=float(np.percentile(walked, _OFTEN)),
        )

    def __len__(self) -> int:
        return len(self.pictures)

    def difference(self, one: int, other: int) -> float:
        """Mean difference of two moments outside both mouths, in levels of grey."""
        return _difference(self.pictures, self.outside, one, other)

    def face_step(self, one: int, other: int) -> float:
        """How far the points of the upper face lie apart, in IOD."""
        return _far(self.faces, one, other)

    def near(self, frame: int) -> float:
        """The mean step within a fifth of a second of a frame."""
        steps = self.steps[max(0, frame - 5) : frame + 5]
        return float(steps.mean()) if len(steps) else 0.0

    def joints(self) -> Float32:
        """What a viewer would notice if frame ``b`` was followed by frame ``a``: ``[b, a]``, 1 is a usual step.

        It compares what follows ``b`` in the clip with ``a``, and their neighbours with each other.
        """
        apart = self._apart()
        summed, weights = np.zeros_like(apart), np.zeros_like(apart)
        count = len(self)
        for k in range(-_AROUND, _AROUND + 1):
            # [b, a] looks at the pair (b + 1 + k, a + k), as far as both are there.
            b = np.arange(max(0, -1 - k), min(count, count - 1 - k))
            a = np.arange(max(0, -k), min(count, count - k))
            weight = np.float32(1 / (1 + abs(k)))
            summed[np.ix_(b, a)] += weight * apart[np.ix_(b + 1 + k, a + k)]
            weights[np.ix_(b, a)] += weight
        whole = np.ones_like(apart, dtype=bool)
        whole[-1], whole[:, 0] = False, False  # what follows the last frame, or came before the first, is not known
        return np.where(whole, summed / np.maximum(weights, 1e-6), np.float32(np.inf)).astype(np.float32)

    def speed(self) -> Float32:
        """How fast everything moves at each moment, 1 is a usual step; over five frames."""
        apart = self._apart()
        steps = np.diagonal(apart, 1) if len(self) > 1 else np.zeros(1, np.float32)
        padded = np.pad(steps, (_AROUND + 1, _AROUND), mode="edge")
        return np.asarray(
            np.lib.stride_tricks.sliding_window_view(padded, 2 * _AROUND + 1).mean(1)[: len(self)], np.float32
        )

    def at_turns(self) -> tuple[Float32, Float32]:
        """What is seen, the mouth too, where play turns at each frame: from before it, and from behind it. 1 is usual.

        Turning repeats a step the other way, so that both directions of it are shown within 80 ms.
        """
        if len(self) < 2:
            return np.zeros(1, np.float32), np.zeros(1, np.float32)
        return np.append(self.whole[:1], self.whole), np.append(self.whole, self.whole[-1:])

    def _apart(self) -> Float32:
        """Of all pairs, ``(frames, frames)``: pictures and faces, each in usual steps."""
        pictures, outside = self._coarse()
        seen = (pictures - pictures.mean(0)) * outside
        squares = (seen**2) @ outside.T
        both = np.maximum(outside @ outside.T, 1)
        apart = np.sqrt(np.maximum(squares + squares.T - 2 * seen @ seen.T, 0) / both)
        steps = np.diagonal(apart, 1)
        unit = max(float(np.percentile(steps, _OFTEN)) if len(steps) else 1.0, 0.05)
        faces = self.faces - self.faces.mean(0)
        norms = (faces**2).sum(1)
        walked = np.sqrt(np.maximum(norms[:, None] + norms[None] - 2 * faces @ faces.T, 0) / (faces.shape[1] / 2))
        face_unit = max(self.usual_face_step, 0.002)
        return np.asarray(apart / unit + _FACE_WEIGHT * walked / face_unit, np.float32)

    def _coarse(self) -> tuple[Float32, Float32]:
        height, width = self.pictures.shape[1:]
        scale = min(1.0, _COARSE / max(height, width))
        size = max(4, round(width * scale)), max(4, round(height * scale))
        pictures = [cv2.resize(p, size, interpolation=cv2.INTER_AREA).ravel() for p in self.pictures]
        outside = [cv2.resize(o.astype(np.float32), size, interpolation=cv2.INTER_AREA).ravel() for o in self.outside]
        return np.array(pictures, np.float32), (np.array(outside) > 0.99).astype(np.float32)


def _difference(pictures: NDArray[np.uint8], outside: NDArray[np.bool_], one: int, other: int) -> float:
    where = outside[one] & outside[other]
    return float(cv2.absdiff(pictures[one], pictures[other])[where].mean()) if where.any() else 0.0


def _whole_steps(pictures: NDArray[np.uint8]) -> Float32:
    steps = [float(cv2.absdiff(one, other).mean()) for one, other in pairwise(pictures)] or [0.0]
    return np.asarray(np.array(steps) / max(float(np.percentile(steps, _OFTEN)), 1e-3), np.float32)


def _far(faces: NDArray[np.float32], one: int, other: int) -> float:
    return float(np.linalg.norm((faces[one] - faces[other]).reshape(-1, 2), axis=1).mean())


def _outside(points: Float32, shape: tuple[int, ...], width: int) -> NDArray[np.bool_]:
    """False on mouth and jaw, ``(frames, h, w)``."""
    outside = np.ones(shape, np.uint8)
    scale = shape[2] / width
    for mask, face in zip(outside, points, strict=True):
        jaw = face[list(_LOWER_FACE), :2] * scale
        middle = jaw.mean(0)
        swollen = (middle + (jaw - middle) * _SWOLLEN).round().astype(np.int32)
        cv2.fillConvexPoly(mask, np.asarray(cv2.convexHull(swollen), np.int32), (0,))
    return outside.astype(bool)
