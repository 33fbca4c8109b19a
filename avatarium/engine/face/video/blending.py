"""Another frame's mouth laid into this one: brought to the same place, its light matched, its edge faded.

Lips take the colour that this frame's lips have; whatever difference is left at the seam is spread smoothly inwards,
so that no edge shows and nothing flickers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.pose import Floats
from avatarium.engine.face.raster import draw_map
from avatarium.engine.face.video.bank import LIPS
from avatarium.engine.face.video.warping import texture_triangles

Image = NDArray[np.uint8]

GROWN = (1.22, 1.38)
"""What is replaced, against the outline of the lips across and down."""
FEATHER, LIP_SOFT, SPREAD = 0.03, 0.012, 0.10
"""Deviations (IOD) of the seam, of the lips' outline, and of the seam's colours inwards."""
_LEAST_GAIN, _MOST_GAIN = 0.75, 1.35
_HIGHEST, _LOWEST = LIPS.index(0), LIPS.index(17)
_UPPER, _LOWER = list(mesh.LIP_INNER_UPPER[1:-1]), list(mesh.LIP_INNER_LOWER[1:-1])
_MOUTH_WIDTH = 0.5
"""Of a usual mouth (IOD)."""
_SHADE = 0.75
_MOST_OFFSET = 30.0
"""Levels that light may differ by; what differs more at the seam is no light."""
_INSET = 0.55
"""How far into the lips their inner edge is taken where an open mouth stands for a shut one."""
_COARSE_PX = 24.0
"""Eye distance at which colours are compared: finer than that they do not change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A mouth that is shown."""

    crop: Image
    points: Floats
    """Its mesh in pixels of the crop, ``(468, 2)``."""
    share: float
    gain: Floats
    """What its lips' RGB is multiplied with, ``(3,)``."""


def lips_gain(wanted: Floats, own: Floats) -> Floats:
    """What brings one colour of lips to another, within what light does."""
    return np.asarray(np.clip(wanted / np.maximum(own, 1.0), _LEAST_GAIN, _MOST_GAIN), np.float32)


def lay_mouth(
    frame: Image, target: Floats, sources: Sequence[Source], unit: float, strength: float, below: float = 0.0
) -> None:
    """Lay mouths into an RGB frame, in place.

    Args:
        frame: what is spoken by.
        target: its mesh in pixels, ``(468, 2)``.
        sources: mouths whose shares sum to 1.
        unit: eye distance in pixels.
        strength: 0 leaves the frame, 1 replaces its mouth.
        below: how much further down than usual it is replaced (IOD), where the frame's own mouth was wider open.
    """
    lips = target[list(LIPS)]
    hull = _hull(lips, below * unit)
    box = _box(hull, 3 * FEATHER * unit, frame)
    if box is None:
        return
    left, top, right, bottom = box
    window = frame[top:bottom, left:right]
    corner = np.array([left, top], np.float32)
    mask = _mask(hull - corner, window.shape, unit)
    lip = _lip_mask(lips - corner, window.shape, unit)
    mouth = _mixed(target - corner, sources, lip)
    offset = _offset(window, mouth, mask, unit)
    _paste(window, mouth, offset, mask, lip, np.float32(strength))


def _hull(lips: Floats, below: float) -> Floats:
    centre = lips.mean(0)
    grown = centre + (lips - centre) * np.array(GROWN, np.float32)
    down = lips[_LOWEST] - lips[_HIGHEST]
    grown[_HIGHEST + len(LIPS) // 4 + 1 :] += down * (below / max(float(np.linalg.norm(down)), 1.0))
    return np.asarray(cv2.convexHull(grown.astype(np.float32)), np.float32).reshape(-1, 2)


def _box(hull: Floats, room: float, frame: Image) -> tuple[int, int, int, int] | None:
    left, top = np.maximum(np.floor(hull.min(0) - room).astype(int), 0)
    right, bottom = np.minimum(np.ceil(hull.max(0) + room).astype(int) + 1, [frame.shape[1], frame.shape[0]])
    return (int(left), int(top), int(right), int(bottom)) if left < right and top < bottom else None


def _filled(polygon: Floats, shape: tuple[int, ...]) -> Image:
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(polygon * 16).astype(np.int32)], (255,), cv2.LINE_AA, 4)
    return mask


def _mask(hull: Floats, shape: tuple[int, ...], unit: float) -> Floats:
    """1 on what is replaced, fading to 0 at its edge."""
    soft = FEATHER * unit
    inner = hull.mean(0) + (hull - hull.mean(0)) * max(0.5, 1 - 1.6 * soft / max(np.ptp(hull[:, 1]) / 2, 1.0))
    mask = cv2.GaussianBlur(_filled(inner, shape).astype(np.float32), (0, 0), max(soft, 0.6))
    return np.asarray(mask * np.float32(1 / 255), np.float32)


def _lip_mask(lips: Floats, shape: tuple[int, ...], unit: float) -> Floats:
    mask = cv2.GaussianBlur(_filled(lips, shape).astype(np.float32), (0, 0), max(LIP_SOFT * unit, 0.5))
    return np.asarray(mask * np.float32(1 / 255), np.float32)


def _mixed(target: Floats, sources: Sequence[Source], lip: Floats) -> Floats:
    """The mouths in their new shape, light of the lips matched, laid over each other."""
    height, width = lip.shape
    mouth = np.zeros((height, width, 3), np.float32)
    map_x, map_y = np.zeros((2, height, width), np.float32)
    for source in sources:
        draw_map(texture_triangles(), target, _shut(source.points, target), map_x, map_y)
        mapped = cv2.remap(source.crop, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        moved = np.asarray(mapped, np.uint8)
        _darken(moved, target, _drawn_out(source.points, target))
        _add(mouth, moved, lip, source.gain, np.float32(source.share))
    return mouth


def _gaps(points: Floats) -> Floats:
    """Gaps between the inner lips (IOD, about), ``(9,)``."""
    unit = float(np.linalg.norm(points[mesh.MOUTH_RIGHT] - points[mesh.MOUTH_LEFT])) / _MOUTH_WIDTH
    return np.asarray(np.linalg.norm(points[_LOWER] - points[_UPPER], axis=1) / max(unit, 1.0), np.float32)


def _drawn_out(points: Floats, target: Floats) -> float:
    """How far a shut mouth is pulled open, 0..1: what it shows between its lips is then nothing but their seam."""
    return float(np.clip((_gaps(target).max() - 2.5 * _gaps(points).max()) / 0.06, 0, 1))


def _darken(moved: Image, target: Floats, share: float) -> None:
    """Put a shadow between lips, in place."""
    if share < 0.05:
        return
    hole = np.concatenate([target[list(mesh.LIP_INNER_UPPER)], target[list(mesh.LIP_INNER_LOWER[-2:0:-1])]])
    low = np.maximum(np.floor(hole.min(0)).astype(int) - 2, 0)
    part = moved[low[1] : int(hole[:, 1].max()) + 3, low[0] : int(hole[:, 0].max()) + 3]
    if not part.size:
        return
    shade = cv2.GaussianBlur(_filled(hole - low, part.shape), (0, 0), 0.8).astype(np.float32) / 255
    part[:] = (part * (1 - share * _SHADE * shade[..., None])).astype(np.uint8)


def _shut(points: Floats, target: Floats) -> Floats:
    """Points of a mouth that is wider open than it shall be, its lips taken from inside: no tooth sticks to them."""
    was, wanted = _gaps(points), _gaps(target)
    share = _INSET * np.clip(1 - wanted / np.maximum(was, 1e-3), 0, 1) * np.clip((was - 0.01) / 0.03, 0, 1)
    if share.max() < 0.02:
        return points
    inset = points.copy()
    for row, ring in ((_UPPER, mesh.LIP_RINGS_UPPER[2]), (_LOWER, mesh.LIP_RINGS_LOWER[2])):
        inset[row] += (points[list(ring[1:-1])] - points[row]) * share[:, None]
    return inset


def _offset(window: Image, mouth: Floats, mask: Floats, unit: float) -> Floats:
    """What the mouth must change so that it meets the frame on the seam, ``(height, width, 3)``."""
    height, width = mask.shape
    coarse = max(1.0, unit / _COARSE_PX)
    size = max(2, round(width / coarse)), max(2, round(height / coarse))
    differing = cv2.resize(_difference(window, mouth, mask), size, interpolation=cv2.INTER_AREA)
    spread = SPREAD * unit / coarse
    soft = cv2.GaussianBlur(differing, (0, 0), spread)
    small = np.clip(soft[..., :3] / (soft[..., 3:] + 1e-4), -_MOST_OFFSET, _MOST_OFFSET)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator]
def _add(out: Floats, moved: Image, lip: Floats, gain: Floats, share: np.float32) -> None:
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            for k in range(3):
                out[y, x, k] += share * moved[y, x, k] * (1 + (gain[k] - 1) * lip[y, x])


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator]
def _difference(window: Image, mouth: Floats, mask: Floats) -> Floats:
    """Frame less mouth on the seam, and the seam itself in the fourth channel."""
    height, width = mask.shape
    out = np.zeros((height, width, 4), np.float32)
    for y in range(height):
        for x in range(width):
            if 0.04 < mask[y, x] < 0.60:
                for k in range(3):
                    out[y, x, k] = window[y, x, k] - mouth[y, x, k]
                out[y, x, 3] = 1
    return out


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator]
def _paste(window: Image, mouth: Floats, offset: Floats, mask: Floats, lip: Floats, strength: np.float32) -> None:
    for y in range(mask.shape[0]):
        for x in range(mask.shape[1]):
            share = mask[y, x] * strength
            if share < 0.003:
                continue
            for k in range(3):
                there = np.float32(window[y, x, k])
                wanted = mouth[y, x, k] + offset[y, x, k] * (1 - 0.6 * lip[y, x])
                mixed = there + (wanted - there) * share
                window[y, x, k] = np.uint8(min(255.0, max(0.0, mixed + 0.5)))
