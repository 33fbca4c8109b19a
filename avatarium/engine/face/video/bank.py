"""The library of a person's own mouths: crops of a clip's frames, and what is known of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.pose import Floats, Mouth
from avatarium.engine.face.raster import draw_map
from avatarium.engine.face.video.measures import Measures
from avatarium.engine.face.video.tracking import Track
from avatarium.engine.face.video.warping import TEXTURE_HALF, OwnFace, near_mouth, texture_triangles
from avatarium.engine.face.visemes import TARGETS, Target

Image = NDArray[np.uint8]

MOST_FRAMES, MOST_BYTES = 400, 60_000_000
FINEST_PX = 190.0
"""Eye distance beyond which crops are made smaller."""
BLOCK = 25
"""Frames that are taken together: mouths move on as they moved."""
MOST_TURN = 0.75
"""Radians of yaw beyond which half of the mouth is not seen."""
NEAR_ENOUGH = 4.0
"""Of :func:`unlikeness`: closer mouths may stand for each other."""
_MARGIN_PX = 4
_TEXTURE = (32, 24)
"""Columns and rows at which looks are compared."""
_REFERENCE = np.array([0.10, 0.0, 0.04, -0.02, 0, 0], np.float32)
"""The mouth in whose shape looks are compared: open, so that teeth count."""
LIPS = (
    61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146,
)  # fmt: skip
"""Outline of the lips."""
_ALIKE = 41
"""Mouths that sharpness is compared with."""
_HOLE = (*mesh.LIP_INNER_UPPER, *mesh.LIP_INNER_LOWER[-2:0:-1])
_OPEN_BY, _WIDE_BY, _UP_BY, _CHIN_BY = 0.025, 0.05, 0.03, 0.06
"""Differences (IOD) that count as one."""


def unlikeness(controls: Floats, mouth: Floats) -> Floats:
    """How far mouths are from a wanted one, ``(n,)``; of ``controls`` ``(n, 6)`` and ``mouth`` ``(6,)``."""
    apart = controls - mouth
    apart[:, Mouth.OPEN] = controls[:, Mouth.OPEN] - max(0.0, float(mouth[Mouth.OPEN]))
    far = (
        (apart[:, Mouth.OPEN] / _OPEN_BY) ** 2
        + (apart[:, Mouth.WIDTH] / _WIDE_BY) ** 2
        + 0.4 * (apart[:, Mouth.UP] / _UP_BY) ** 2
        + 0.3 * (apart[:, Mouth.CHIN] / _CHIN_BY) ** 2
    )
    return np.asarray(far, np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """Mouths of one person. Threads may share it."""

    crops: Image
    """RGB, ``(n, height, width, 3)``."""
    points: Floats
    """Mesh in pixels of the crop, ``(n, 468, 2)``."""
    frames: NDArray[np.int32]
    """Numbers of the clip's frames, rising, ``(n,)``."""
    controls: Floats
    """``(n, 6)``."""
    pose: Floats
    """Yaw, pitch and roll in radians, ``(n, 3)``."""
    lips: Floats
    """Mean RGB of the lips, ``(n, 3)``."""
    blur: Floats
    """0 as sharp as usual to 3 smeared, ``(n,)``."""
    apart: Floats
    """How different two mouths look, shape left aside, ``(n, n)``."""
    light: Floats
    """Slowly changing RGB of the lips in every frame of the clip, ``(clip frames, 3)``."""
    unit: Floats
    """Eye distance of the clip in pixels of the crops, shape ``(1,)``."""

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def coverage(self) -> float:
        """Share of the sounds' mouths that this person was seen to make, 0..1."""
        if not len(self):
            return 0.0
        near = [float(unlikeness(self.controls, _controls(target)).min()) < NEAR_ENOUGH for target in TARGETS.values()]
        return float(np.mean(near))

    @property
    def widest(self) -> float:
        """Opening (IOD) beyond which this mouth was hardly seen."""
        return float(np.percentile(self.controls[:, Mouth.OPEN], 98)) if len(self) else 0.0

    def arrays(self) -> dict[str, NDArray[Any]]:
        """For a file; every name begins with ``bank_``."""
        return {f"bank_{field.name}": getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """What :meth:`arrays` gave. Nothing is believed: compiled loops read what the shapes promise.

        Raises:
            KeyError: one is missing.
            ValueError: one is not what it must be.
        """
        bank = cls(**{field.name: np.ascontiguousarray(arrays[f"bank_{field.name}"]) for field in fields(cls)})
        bank._check()
        return bank

    def _check(self) -> None:
        count = len(self.frames)
        shapes = {
            "points": (count, mesh.VERTICES, 2),
            "frames": (count,),
            "controls": (count, len(Mouth)),
            "pose": (count, 3),
            "lips": (count, 3),
            "blur": (count,),
            "apart": (count, count),
            "light": (len(self.light), 3),
            "unit": (1,),
        }
        for name, shape in shapes.items():
            array, kind = getattr(self, name), np.int32 if name == "frames" else np.float32
            if array.shape != shape or array.dtype != kind or not np.isfinite(array).all():
                raise ValueError(name)
        whole = self.crops.dtype == np.uint8 and self.crops.ndim == 4 and self.crops.shape[::3] == (count, 3)
        if not whole or count > MOST_FRAMES or min(self.crops.shape[1:3]) < 2 or self.unit[0] <= 0:
            raise ValueError("crops")

    def scaled(self, share: float) -> Self:
        """Smaller crops, for a smaller picture; the same where they would hardly be smaller."""
        if share > 0.8 or not len(self):
            return self
        height, width = self.crops.shape[1:3]
        size = max(8, round(width * share)), max(8, round(height * share))
        crops = np.stack([cv2.resize(crop, size, interpolation=cv2.INTER_AREA) for crop in self.crops])
        factor = np.array([size[0] / width, size[1] / height])
        points = (self.points + 0.5) * factor - 0.5
        return replace(self, crops=crops, points=points.astype(np.float32), unit=self.unit * np.float32(factor.mean()))


def build_bank(frames: Iterable[Image], track: Track, measures: Measures, shown: Floats) -> Bank:
    """Collect mouths out of a clip in one pass.

    Args:
        frames: all of the clip, RGB, in its order.
        track: the face in them.
        measures: of that track.
        shown: how far the mouth is free of hands and the like, 0..1 for each frame.
    """
    chosen = choose_frames(measures, _usable(track, measures, shown))
    height, width, scale = _crop_size(track, chosen, measures.iod)
    made = _Collected(chosen=set(chosen.tolist()), size=(width, height), scale=scale, track=track)
    for number, frame in enumerate(frames):
        if number < len(track.points):
            made.add(number, frame)
    return made.bank(measures, chosen)


def choose_frames(measures: Measures, usable: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Numbers of the frames to keep: all, or of a long clip the stretches that show most mouths."""
    numbers = np.flatnonzero(usable).astype(np.int32)
    if len(numbers) <= MOST_FRAMES:
        return numbers
    blocks = [b for k in range(0, len(usable), BLOCK) if len(b := numbers[(numbers >= k) & (numbers < k + BLOCK)]) > 5]
    wanted = np.array([_controls(target) for target in TARGETS.values()])
    reach = np.array([[unlikeness(measures.controls[b], w).min() for w in wanted] for b in blocks])
    best, taken = np.full(len(wanted), 30.0), list[int]()
    while len(taken) < min(MOST_FRAMES // BLOCK, len(blocks)):
        gain = np.maximum(best - reach, 0).sum(1) + 0.2 * _apart_in_time(len(blocks), taken)
        gain[taken] = -1
        taken.append(int(gain.argmax()))
        best = np.minimum(best, reach[taken[-1]])
    return np.sort(np.concatenate([blocks[k] for k in taken])).astype(np.int32)[:MOST_FRAMES]


def _apart_in_time(count: int, taken: list[int]) -> NDArray[np.float64]:
    """Distance of every block to the nearest that is taken, 0..1: light and turn change over a clip."""
    if not taken:
        return np.zeros(count)
    away: NDArray[np.float64] = np.abs(np.arange(count)[:, None] - np.array(taken)).min(1) / count
    return away


def _controls(target: Target) -> Floats:
    wanted = (target.open, target.width, target.chin, target.up, target.tuck, target.tongue)
    return np.array(wanted, np.float32)


def _usable(track: Track, measures: Measures, shown: Floats) -> NDArray[np.bool_]:
    """Frames whose mouth is whole, free and inside the picture."""
    points = track.points[:, np.flatnonzero(near_mouth(TEXTURE_HALF) < 1), :2]
    inside = ((points >= 0) & (points <= [track.width - 1, track.height - 1])).all((1, 2))
    ahead = np.abs(measures.pose[:, 0]) < MOST_TURN
    return np.asarray(track.seen & (shown > 0.99) & inside & ahead)


def _crop_size(track: Track, chosen: NDArray[np.int32], iod: float) -> tuple[int, int, float]:
    """Height and width of a crop in pixels of the clip, and how much smaller it is kept."""
    if not len(chosen):
        return 8, 8, 1.0
    points = track.points[chosen][:, np.flatnonzero(near_mouth(TEXTURE_HALF) < 1), :2]
    width, height = (np.ceil((points.max(1) - points.min(1)).max(0)).astype(int) + 2 * _MARGIN_PX).tolist()
    width, height = min(width, track.width), min(height, track.height)
    room = MOST_BYTES / (3 * len(chosen) * width * height)
    return height, width, min(1.0, FINEST_PX / max(iod, 1.0), float(np.sqrt(room)))


class _Collected:
    """A bank in the making."""

    def __init__(self, *, chosen: set[int], size: tuple[int, int], scale: float, track: Track) -> None:
        self._chosen, self._size, self._scale, self._track = chosen, size, scale, track
        self._crops: list[Image] = []
        self._points: list[Floats] = []
        self._light = np.full((len(track.points), 3), np.nan, np.float32)

    def add(self, number: int, frame: Image) -> None:
        if self._track.seen[number]:
            self._light[number] = lips_colour(frame, self._track.points[number, :, :2])
        if number in self._chosen:
            crop, points = self._cut(frame, self._track.points[number, : mesh.VERTICES, :2])
            self._crops.append(crop)
            self._points.append(points)

    def _cut(self, frame: Image, points: Floats) -> tuple[Image, Floats]:
        width, height = self._size
        near = points[near_mouth(TEXTURE_HALF) < 1]
        corner = np.round((near.min(0) + near.max(0)) / 2 - [width / 2, height / 2]).astype(int)
        corner = np.clip(corner, 0, [frame.shape[1] - width, frame.shape[0] - height])
        crop = frame[corner[1] : corner[1] + height, corner[0] : corner[0] + width]
        moved = points - corner
        if self._scale >= 1:
            return crop.copy(), moved.astype(np.float32)
        size = max(8, round(width * self._scale)), max(8, round(height * self._scale))
        small = np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), np.uint8)
        factor = np.array([size[0] / width, size[1] / height])
        return small, ((moved + 0.5) * factor - 0.5).astype(np.float32)

    def bank(self, measures: Measures, chosen: NDArray[np.int32]) -> Bank:
        chosen = chosen[: len(self._crops)]
        if not len(chosen):
            return _empty(self._light)
        crops, points = np.stack(self._crops), np.stack(self._points)
        return Bank(
            crops=crops,
            points=points,
            frames=chosen,
            controls=measures.controls[chosen].astype(np.float32),
            pose=measures.pose[chosen].astype(np.float32),
            lips=self._light[chosen],
            blur=_blur(crops, points, measures.controls[chosen, Mouth.OPEN]),
            apart=_apart(crops, points, measures.neutral),
            light=_slow(self._light),
            unit=np.array([measures.iod * crops.shape[2] / self._size[0]], np.float32),
        )


def _empty(light: Floats) -> Bank:
    none = np.zeros((0, 3), np.float32)
    return Bank(
        crops=np.zeros((0, 8, 8, 3), np.uint8),
        points=np.zeros((0, mesh.VERTICES, 2), np.float32),
        frames=np.zeros(0, np.int32),
        controls=np.zeros((0, len(Mouth)), np.float32),
        pose=none,
        lips=none,
        blur=np.zeros(0, np.float32),
        apart=np.zeros((0, 0), np.float32),
        light=_slow(light),
        unit=np.ones(1, np.float32),
    )


def lips_colour(frame: Image, points: Floats) -> Floats:
    """Mean RGB of the lips without what is between them, ``(3,)``; NaN where none of it is in the picture."""
    height, width = frame.shape[:2]
    outline = points[list(LIPS)]
    low = np.clip(np.floor(outline.min(0)).astype(int), 0, [width, height])
    high = np.clip(np.ceil(outline.max(0)).astype(int) + 1, 0, [width, height])
    if (high <= low).any():
        return np.full(3, np.nan, np.float32)
    part = frame[low[1] : high[1], low[0] : high[0]]
    mask = np.zeros(part.shape[:2], np.uint8)
    cv2.fillPoly(mask, [(outline - low).round().astype(np.int32)], (255,))
    cv2.fillPoly(mask, [(points[list(_HOLE)] - low).round().astype(np.int32)], (0,))
    return np.asarray(cv2.mean(part, mask)[:3] if mask.any() else [np.nan] * 3, np.float32)


def _slow(light: Floats) -> Floats:
    """Colours low-passed over a quarter of a second, gaps bridged."""
    from scipy.ndimage import gaussian_filter1d

    known = np.isfinite(light[:, 0])
    if not known.any():
        return np.full_like(light, 128.0)
    at = np.arange(len(light))
    whole = np.stack([np.interp(at, at[known], light[known, k]) for k in range(3)], axis=1)
    return np.asarray(gaussian_filter1d(whole, 6.0, axis=0, mode="nearest"), np.float32)


def _blur(crops: Image, points: Floats, opening: Floats) -> Floats:
    """Penalty of mouths that moved while the shutter was open: their edges against those of mouths as far open."""
    edges = []
    for crop, at in zip(crops, points, strict=True):
        low = np.maximum(at[list(LIPS)].min(0).astype(int), 0)
        high = at[list(LIPS)].max(0).astype(int) + 1
        grey = cv2.cvtColor(crop[low[1] : high[1], low[0] : high[0]], cv2.COLOR_RGB2GRAY)
        edges.append(float(cv2.Laplacian(grey, cv2.CV_32F).var()))
    sharp = np.array(edges)
    alike = np.argsort(np.abs(opening[:, None] - opening), axis=1)[:, :_ALIKE]
    usual = np.median(sharp[alike], axis=1)
    return np.asarray(np.clip(usual / np.maximum(sharp, 1e-3) - 1, 0, 3), np.float32)


def _apart(crops: Image, points: Floats, neutral: NDArray[Any]) -> Floats:
    """Root mean square difference of mouths that were brought to one shape and brightness."""
    columns, rows = _TEXTURE
    shape = OwnFace(neutral).shape(_REFERENCE)
    centre = shape[[mesh.LIP_UPPER_INNER, mesh.LIP_LOWER_INNER], :2].mean(0)
    target = ((shape[:, :2] - centre) / 0.36 * (columns / 2) + [columns / 2, rows / 2]).astype(np.float32)
    looks = []
    for crop, at in zip(crops, points, strict=True):
        grid = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
        map_x, map_y = (np.ascontiguousarray(g) for g in grid)
        draw_map(texture_triangles(), target, at, map_x, map_y)
        small = cv2.remap(crop, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
        looks.append((small - small.mean((0, 1))).ravel())
    flat = np.stack(looks)
    flat /= flat.std() + 1e-6
    square = (flat**2).mean(1)
    apart = np.sqrt(np.maximum(square[:, None] + square - 2 * flat @ flat.T / flat.shape[1], 0))
    return np.asarray(apart, np.float32)
