"""Cutting a person out of a photo, down to the hair."""

from __future__ import annotations

import os
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.picture.matting.closedform import solve_alpha
from avatarium.engine.picture.matting.islands import Kept
from avatarium.engine.picture.matting.kinds import Alpha, Box, Image
from avatarium.engine.picture.matting.lines import apply_lines, fit_lines
from avatarium.engine.picture.matting.screen import find_screen, key_screen
from avatarium.engine.picture.matting.segmentation import Segmenter, area, box_of
from avatarium.engine.picture.matting.unmixing import APART, spread, unmix

os.environ.setdefault("GLOG_minloglevel", "3")

SIDE = 1024
"""Longer side at which alpha is solved; larger pictures take it over along their own edges."""
PLAIN_LOW, PLAIN_HIGH = 0.36, 0.84
"""The network's mask between these becomes alpha from 0 to 1: things nearby get a third, the person nearly all."""
RADIUS, EDGE = 10, (0.02 * 255) ** 2
BAND = 0.006
"""Of the longer side: so far from the mask's edge nothing is sure."""
HAIR = 0.11
"""Of the head's height: how far out of the mask hair may reach."""
EVEN = 13.0
"""Spread of the ground's colours, levels of 255, at which little of that reach is left."""
HELD, HELD_HAIR, HELD_FAR = 0.05, 0.006, 0.12
"""Weight of the mask where the picture decides: along the body, at hair, and as far out of it as hair may reach."""
LOW, HIGH = 0.05, 0.95
DETAIL = 0.05
"""Of the longer side: a look from nearer corrects the outline that far, and nothing beyond."""
SMALL = 0.3
"""A person who fills less of the picture is looked at from near in the first place."""


def person_alpha(picture: Image) -> Alpha:
    """Soft mask of the people in an RGB picture, shape ``(H, W)``, 0..1.

    The network's mask, looked at from near and far, gives a band in which nothing is sure; closed-form matting solves
    it, hair by hair where the ground is plain. A green or blue screen is keyed instead. Up to three seconds of CPU.
    """
    height, width = picture.shape[:2]
    shrink = SIDE / max(height, width)
    size = max(8, round(width * shrink)), max(8, round(height * shrink))
    work = np.asarray(cv2.resize(picture, size, interpolation=_way(shrink)), np.uint8)
    shape, heads = _shape_of(work)
    if (screen := find_screen([work])) is not None:
        wide = np.asarray(cv2.resize(shape, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
        return key_screen(picture, screen, shape=wide)[0]
    alpha = _solved(work, shape, heads)
    return _at_full_size(picture, work, alpha)


def _way(shrink: float) -> int:
    return cv2.INTER_AREA if shrink < 1 else cv2.INTER_LINEAR


def _shape_of(work: Image) -> tuple[Alpha, list[Box]]:
    """The network's mask from several looks, and where heads are."""
    segmenter = Segmenter()
    try:
        shape = segmenter.within(work, None)
        box, whole = box_of(shape), area((0, 0, work.shape[1], work.shape[0]))
        if box is not None and area(box) < SMALL * whole:
            shape = segmenter.within(work, box)
        heads = list(_heads(work))
        for head in heads:
            near = _grown(head, work.shape, 0.9)
            if area(near) < 0.6 * whole:
                shape = _corrected(shape, segmenter.within(work, near, mirrored=True), near)
    finally:
        segmenter.close()
    return Kept().only(shape), heads


def _corrected(shape: Alpha, nearer: Alpha, box: Box) -> Alpha:
    """The outline as a look from nearer has it, but for the border, where the network sees the person cut off."""
    left, top, right, bottom = box
    inside = np.zeros((shape.shape[0] + 2, shape.shape[1] + 2), np.uint8)
    inside[top + 1 : bottom + 1, left + 1 : right + 1] = 1
    # A border of the crop that is the picture's own cuts nobody off.
    inside[0, :], inside[-1, :] = inside[1, :], inside[-2, :]
    inside[:, 0], inside[:, -1] = inside[:, 1], inside[:, -2]
    far = cv2.distanceTransform(inside, cv2.DIST_L2, 3)[1:-1, 1:-1]
    person = (shape > 0.5).astype(np.uint8)
    reach = DETAIL * max(shape.shape)
    edge = cv2.distanceTransform(person, cv2.DIST_L2, 3) + cv2.distanceTransform(1 - person, cv2.DIST_L2, 3)
    fade = max(4.0, 0.15 * min(right - left, bottom - top))
    weight = 0.7 * np.clip(far / fade, 0, 1) * np.clip(2 - edge / (reach / 2), 0, 1)
    return np.asarray(shape + (nearer - shape) * weight, np.float32)


def _heads(work: Image) -> Iterator[Box]:
    """Boxes about whole heads, hair included."""
    import mediapipe as mp

    height, width = work.shape[:2]
    with mp.solutions.face_detection.FaceDetection(model_selection=1, min_detection_confidence=0.5) as detector:
        found = detector.process(work).detections or []
    for face in found:
        box = face.location_data.relative_bounding_box
        middle = (box.xmin + box.width / 2) * width
        side = max(box.width * width, box.height * height)
        brow = box.ymin * height
        yield _grown(
            (int(middle - 0.8 * side), int(brow - 0.6 * side), int(middle + 0.8 * side), int(brow + side)), work.shape
        )


def _grown(box: Box, shape: tuple[int, ...], by: float = 0.0) -> Box:
    left, top, right, bottom = box
    across, down = round((right - left) * by / 2), round((bottom - top) * by / 2)
    return max(0, left - across), max(0, top - down), min(shape[1], right + across), min(shape[0], bottom + down)


def _solved(work: Image, shape: Alpha, heads: list[Box]) -> Alpha:
    filtered = cv2.ximgproc.guidedFilter(work, shape, RADIUS, EDGE)
    plain = np.clip((filtered - PLAIN_LOW) / (PLAIN_HIGH - PLAIN_LOW), 0, 1).astype(np.float32)
    out = _outside(work, plain, heads)
    unknown, hair = _band(plain, heads)
    unknown &= ~hair | (out < 1)
    by_colour, told = _by_colour(work, plain, unknown)
    # A strand outside of the mask must show plainly; what is like both sides is left to the mask.
    strand = np.maximum(plain, np.clip((by_colour - 0.3) / 0.6, 0, 1))
    coloured = np.where(by_colour > plain, plain + (strand - plain) * (1 - out) * told**3, by_colour)
    prior = np.where(unknown & hair, coloured, plain).astype(np.float32)
    free = HELD_HAIR + (HELD_FAR - HELD_HAIR) * out + 4 * HELD * (1 - told) ** 2
    held = np.where(hair, free, HELD).astype(np.float32)
    alpha = solve_alpha(work, prior, unknown, held)
    return np.asarray(np.clip((alpha - LOW) / (HIGH - LOW), 0, 1), np.float32)


Where = NDArray[np.bool_]


def _band(plain: Alpha, heads: list[Box]) -> tuple[Where, Where]:
    """Where nothing is sure: along the outline, far out of it about hair; and which of it may be hair."""
    band = max(2, round(BAND * max(plain.shape)))
    person = (plain > 0.5).astype(np.uint8)
    unknown = _dilated(person, band) & ~_eroded(person, band)
    hair = np.zeros(plain.shape, bool)
    for left, top, right, bottom in heads:
        zone = np.zeros(plain.shape, np.uint8)
        middle = (left + right) // 2, round(0.55 * top + 0.45 * bottom)
        axes = round((right - left) * 0.72), round((bottom - top) * 0.62)
        zone = np.asarray(cv2.ellipse(zone, middle, axes, 0, 0, 360, (1,), -1), np.uint8)
        reach = max(2, round(HAIR * (bottom - top)))
        unknown |= (zone > 0) & _dilated(person & zone, reach) & ~_eroded(person, max(2, reach // 2))
        hair |= zone > 0
    return unknown, hair


def _outside(work: Image, plain: Alpha, heads: list[Box]) -> Alpha:
    """How far out of the mask a pixel lies: 1 where no hair is looked for any more.

    Before a plain wall single hairs are told from it far out; before shelves and leaves they are not, and to try would
    bring the shelves along.
    """
    reach = max(2.0, HAIR * max((bottom - top for _, top, _, bottom in heads), default=1))
    near = 1.2 * BAND * max(plain.shape)
    evenness = np.exp(-np.square(_unevenness(work, plain, round(reach)) / EVEN))
    far = cv2.distanceTransform((plain < 0.5).astype(np.uint8), cv2.DIST_L2, 3)
    return np.asarray(np.square(np.clip(far / (near + reach * evenness), 0, 1)), np.float32)


def _unevenness(work: Image, plain: Alpha, radius: int) -> Alpha:
    """Spread of the ground's colours about each pixel, levels of 255."""
    size = (2 * radius + 1, 2 * radius + 1)
    picture = work.astype(np.float32)
    ground = _eroded((plain < 0.03).astype(np.uint8), max(2, radius // 3)).astype(np.float32)
    share = cv2.blur(ground, size)[..., None] + 1e-4
    mean = cv2.blur(picture * ground[..., None], size) / share
    square = cv2.blur(np.square(picture) * ground[..., None], size) / share
    return np.asarray(np.sqrt(np.maximum(square - np.square(mean), 0).max(2)), np.float32)


def _dilated(mask: NDArray[np.uint8], by: int) -> Where:
    return np.asarray(cv2.dilate(mask, _disc(by)) > 0)


def _eroded(mask: NDArray[np.uint8], by: int) -> Where:
    return np.asarray(cv2.erode(mask, _disc(by)) > 0)


def _disc(radius: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)), np.uint8)


def _by_colour(work: Image, plain: Alpha, unknown: Where) -> tuple[Alpha, Alpha]:
    """The mask, corrected where the colours on both sides of the band tell them apart; and how well they do, 0..1."""
    picture = work.astype(np.float32)
    inner = spread(picture, (~unknown & (plain > 0.95)).astype(np.float32))
    outer = spread(picture, (~unknown & (plain < 0.05)).astype(np.float32))
    alpha = np.empty_like(plain)
    unmix(picture, inner, outer, outer, np.zeros_like(plain), plain, unknown.astype(np.float32), alpha)
    apart = np.square(inner - outer).sum(2)
    return alpha, np.asarray(apart / (apart + APART), np.float32)


def _at_full_size(picture: Image, work: Image, alpha: Alpha) -> Alpha:
    height, width = picture.shape[:2]
    if (width, height) == (work.shape[1], work.shape[0]):
        return alpha
    if max(height, width) <= SIDE:
        return np.asarray(cv2.resize(alpha, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    lines = fit_lines(work.astype(np.float32), alpha, 2, (0.008 * 255) ** 2)
    return apply_lines(picture, lines, alpha)
