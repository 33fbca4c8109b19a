"""What the pictures of a clip are like for making an avatar: light, focus, grain, what covers the mouth, the ground."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.video import fitness
from avatarium.engine.face.video.hands import Hands
from avatarium.engine.face.video.skin import LIPS, LOWER, face_colours
from avatarium.engine.face.video.tracking import Track

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]

_LEFT_HALF = (50, 101, 118, 117, 205, 203, 206, 207, 216, 212, 69, 108)
"""Skin of one half of the face, without what beards, brows and hair cover."""
_RIGHT_HALF = (280, 330, 347, 346, 425, 423, 426, 427, 436, 432, 299, 337)
_SHARP_UNIT = 80.0
"""IOD in pixels at which focus is judged: finer is not shown by any avatar."""
_FOCUS_BOX = (-0.75, -0.35, 0.75, 1.35)
"""IOD from the middle of the eyes: brows to chin."""
_PATCH = 0.16
"""IOD; half the side of the piece of cheek on which grain is measured."""
_COVERED = 0.40
"""Share of the vertices round the mouth that look unlike themselves when something lies over them."""
_EDGE = 6
"""Pixels of the small mask on each side of the outline that are compared."""
_GROUND_SIDE = 256
_GROUND_LOOKS = 4
_TOLD_APART = 14.0
"""Lab distance above which a piece of outline is told from what is behind it."""


def face_facts(sample: Mapping[int, Image], track: Track) -> dict[str, float]:
    """Light, focus and grain, medians over the sample; light is luma 0..255, grain is its spread in a frame."""
    rows = []
    for number, frame in sample.items():
        if not track.seen[number]:
            continue
        points = track.points[number]
        luma = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.float32)
        left, right = (_values(luma, points[list(half), :2]) for half in (_LEFT_HALF, _RIGHT_HALF))
        skin = np.concatenate([left, right])
        rows.append(
            (
                float(np.median(skin)),
                float(np.median(left) / max(float(np.median(right)), 1.0)),
                float((skin > 250).mean()),
                _focus(luma, points),
                _grain(luma, points),
            )
        )
    table = np.array(rows)
    light, ratio, burnt, focus, grain = np.median(table, axis=0)
    even = float(min(ratio, 1 / max(ratio, 1e-3)))
    shaky = float((table[:, 3] < 0.62 * focus).mean())
    return {
        "light": float(light),
        "light_evenness": even,
        "burnt": float(np.mean(table[:, 2])) if burnt or table[:, 2].any() else 0.0,
        "focus": float(focus),
        "motion_blur": shaky,
        "grain": float(grain),
    }


def _values(luma: NDArray[np.float32], at: NDArray[np.float32]) -> NDArray[np.float32]:
    soft = cv2.blur(luma, (3, 3))
    across, down = np.ascontiguousarray(at[None, :, 0]), np.ascontiguousarray(at[None, :, 1])
    return np.asarray(cv2.remap(soft, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0], np.float32)


def _unit(points: NDArray[np.float32]) -> float:
    return max(4.0, float(np.linalg.norm(points[mesh.EYE_OUTER_RIGHT, :2] - points[mesh.EYE_OUTER_LEFT, :2])))


def _focus(luma: NDArray[np.float32], points: NDArray[np.float32]) -> float:
    """The steepest edges between brows and chin against the contrast there, a pixel; .5 is as sharp as pixels are."""
    unit = _unit(points)
    middle = points[[mesh.EYE_OUTER_LEFT, mesh.EYE_OUTER_RIGHT], :2].mean(0)
    box = (np.array(_FOCUS_BOX).reshape(2, 2) * unit + middle).round().astype(int)
    (left, top), (right, bottom) = np.clip(box, 0, [luma.shape[1], luma.shape[0]])
    part = luma[top:bottom, left:right]
    if min(part.shape) < 8:
        return 0.0
    if unit > _SHARP_UNIT:
        size = round(part.shape[1] * _SHARP_UNIT / unit), round(part.shape[0] * _SHARP_UNIT / unit)
        part = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.float32)
    steep = np.hypot(cv2.Sobel(part, cv2.CV_32F, 1, 0, ksize=3), cv2.Sobel(part, cv2.CV_32F, 0, 1, ksize=3)) / 8
    low, high = np.percentile(part, [2, 98])
    return float(np.percentile(steep, 99) / max(high - low, 8.0))


def _grain(luma: NDArray[np.float32], points: NDArray[np.float32]) -> float:
    """Spread of the grain on the cheeks (Immerkaer 1996, its median form: pores and hairs do not count)."""
    reach = max(3, round(_PATCH * _unit(points)))
    found = []
    for vertex in (50, 280, 151):
        x, y = points[vertex, :2].round().astype(int)
        patch = luma[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1]
        if min(patch.shape) >= 5:
            second = cv2.filter2D(patch, cv2.CV_32F, _IMMERKAER, borderType=cv2.BORDER_REFLECT)[1:-1, 1:-1]
            found.append(float(np.median(np.abs(second))) / 0.6745 / 6)
    return float(np.median(found)) if found else 0.0


_IMMERKAER = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


def covered_share(sample: Mapping[int, Image], track: Track) -> float:
    """Share of the sample in which something lies over the mouth, or the mouth is out of the picture."""
    numbers = [number for number in sample if track.seen[number]]
    colours = np.array([face_colours(sample[number], track.points[number]) for number in numbers])
    odd = _unlike_usual(colours)
    hands = Hands()
    try:
        covered = [
            odd[row] > _COVERED or _outside(track, number) or hands.cover(sample[number], track.points[number])
            for row, number in enumerate(numbers)
        ]
    finally:
        hands.close()
    return float(np.mean(covered))


def _unlike_usual(colours: NDArray[np.float32]) -> Floats:
    """Share of the vertices round the mouth that look unlike the sample's median, light taken out."""
    lower = colours[:, : len(LOWER), :3]
    upper = colours[:, len(LOWER) :, :1]
    lit = lower.copy()
    lit[..., :1] -= upper.mean(1, keepdims=True)
    usual = np.median(lit, axis=0)
    spread = np.maximum(1.4826 * np.median(np.abs(lit - usual), axis=0), [5.0, 2.5, 2.5])
    return np.asarray(((((lit - usual) / spread) ** 2).sum(-1) > 3.0**2 * 1.6).mean(1), np.float64)


def _outside(track: Track, number: int) -> bool:
    at = track.points[number, [*LIPS, mesh.CHIN], :2]
    return bool(((at < 0) | (at > [track.width - 1, track.height - 1])).any())


def masked(sample: Mapping[int, Image], track: Track) -> bool:
    """Whether a mask lies over the mouth in all of the clip."""
    rows = [face_colours(frame, track.points[n]) for n, frame in sample.items() if track.seen[n]]
    return fitness.masked(np.asarray(np.median(np.array(rows), axis=0), np.float32))


def ground_facts(sample: Mapping[int, Image]) -> dict[str, float | bool]:
    """How well the person is told from what is behind: share of the outline that differs in colour, and screens."""
    from avatarium.engine.picture.matting.screen import find_screen
    from avatarium.engine.picture.matting.segmentation import Segmenter

    numbers = sorted(sample)
    chosen = [sample[n] for n in numbers[:: max(1, len(numbers) // _GROUND_LOOKS)][:_GROUND_LOOKS]]
    segmenter = Segmenter()
    try:
        shares = [_outline_share(frame, segmenter) for frame in chosen]
    finally:
        segmenter.close()
    known = [share for share in shares if share is not None]
    return {
        "ground_told_apart": float(np.median(known)) if known else 1.0,
        "green_screen": find_screen(chosen) is not None,
    }


def _outline_share(frame: Image, segmenter: object) -> float | None:
    from avatarium.engine.picture.matting.segmentation import Segmenter

    assert isinstance(segmenter, Segmenter)
    scale = _GROUND_SIDE / max(frame.shape[:2])
    small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    person = (segmenter.mask(np.asarray(small, np.uint8)) > 0.5).astype(np.uint8)
    lab = np.asarray(cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _EDGE + 1, 2 * _EDGE + 1))
    core = cv2.erode(person, disc, borderType=cv2.BORDER_REPLICATE)
    reach = cv2.dilate(person, disc, borderType=cv2.BORDER_REPLICATE)
    inner, outer = (person - core).astype(np.float32), (reach - person).astype(np.float32)
    contour = (cv2.dilate(person, np.ones((3, 3), np.uint8)) - person).astype(bool)
    if contour.sum() < _GROUND_SIDE // 4:
        return None
    apart = np.linalg.norm(_near_mean(lab, inner) - _near_mean(lab, outer), axis=-1)
    return float((apart[contour] > _TOLD_APART).mean())


def _near_mean(lab: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    side = (4 * _EDGE + 1, 4 * _EDGE + 1)
    total = cv2.blur(lab * weight[..., None], side)
    return np.asarray(total / np.maximum(cv2.blur(weight, side), 1e-4)[..., None], np.float32)
