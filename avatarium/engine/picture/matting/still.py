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
from avatarium.engine.picture.matting.unmixing import spread, unmix

os.environ.setdefault("GLOG_minloglevel", "3")

SIDE = 1024
"""Longer side at which alpha is solved; larger pictures take it over along their own edges."""
PERSON, GROUND = 0.93, 0.06
BAND = 0.006
"""Of the longer side: at least so far from the mask's edge nothing is sure."""
HAIR = 0.16
"""Of the head's height: how far out of the mask hair may reach."""
HELD = 0.02
"""Weight of the mask where the picture decides."""
LOW, HIGH = 0.05, 0.95


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
        shape = segmenter.within(work, None, mirrored=True)
        box = box_of(shape)
        if box is not None and area(box) < 0.85 * area((0, 0, work.shape[1], work.shape[0])):
            shape = _laid_over(shape, segmenter.within(work, box, mirrored=True), box)
        heads = list(_heads(work))
        for head in heads:
            near = _grown(head, work.shape, 0.9)
            shape = _laid_over(shape, segmenter.within(work, near, mirrored=True), near)
    finally:
        segmenter.close()
    return Kept(None).only(shape), heads


def _laid_over(shape: Alpha, nearer: Alpha, box: Box) -> Alpha:
    """A look from nearer counts more, but for its border, where the network sees the person cut off."""
    left, top, right, bottom = box
    inside = np.zeros(shape.shape, np.float32)
    inside[top:bottom, left:right] = 1
    for low, edge, at in ((left, 0, np.s_[:, left]), (top, 0, np.s_[top, :])):
        if low > edge:
            inside[at] = 0
    if right < shape.shape[1]:
        inside[:, right - 1] = 0
    if bottom < shape.shape[0]:
        inside[bottom - 1, :] = 0
    fade = max(4.0, 0.12 * min(right - left, bottom - top))
    padded = cv2.copyMakeBorder(inside, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    far = cv2.distanceTransform((padded > 0).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    weight = 0.75 * np.clip(far / fade, 0, 1) * inside
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
    person, ground = _trimap(shape, heads)
    prior = np.where(person, 1, np.where(ground, 0, _by_colour(work, shape, person, ground))).astype(np.float32)
    alpha = solve_alpha(work, prior, ~(person | ground), HELD)
    return np.asarray(np.clip((alpha - LOW) / (HIGH - LOW), 0, 1), np.float32)


def _trimap(shape: Alpha, heads: list[Box]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where surely the person is, and where surely nobody; a wide band about hair."""
    side = max(shape.shape)
    band = max(2, round(BAND * side))
    person = cv2.erode((shape > PERSON).astype(np.uint8), _disc(band)) > 0
    reach = cv2.dilate((shape > GROUND).astype(np.uint8), _disc(band))
    for left, top, right, bottom in heads:
        by = max(2, round(HAIR * (bottom - top)))
        zone = np.zeros_like(reach)
        middle = (left + right) // 2, (top + bottom) // 2
        axes = round((right - left) * 0.75), round((bottom - top) * 0.85)
        cv2.ellipse(zone, middle, axes, 0, 0, 360, 1, -1)
        reach |= cv2.dilate((shape > 0.35).astype(np.uint8) & zone, _disc(by))
    return person, np.asarray(reach == 0)


def _disc(radius: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)), np.uint8)


def _by_colour(work: Image, shape: Alpha, person: NDArray[np.bool_], ground: NDArray[np.bool_]) -> Alpha:
    """The mask, corrected where the colours on both sides of the band tell them apart."""
    picture = work.astype(np.float32)
    inner, outer = spread(picture, person.astype(np.float32)), spread(picture, ground.astype(np.float32))
    alpha = np.empty_like(shape)
    band = (~(person | ground)).astype(np.float32)
    unmix(picture, inner, outer, np.zeros_like(shape), shape, band, alpha)
    return alpha


def _at_full_size(picture: Image, work: Image, alpha: Alpha) -> Alpha:
    height, width = picture.shape[:2]
    if (width, height) == (work.shape[1], work.shape[0]):
        return alpha
    plain = np.asarray(cv2.resize(alpha, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    if max(height, width) <= SIDE:
        return np.asarray(cv2.resize(alpha, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    lines = fit_lines(work.astype(np.float32), alpha, 2, (0.008 * 255) ** 2)
    near = np.clip(np.minimum(plain / 0.02, (1 - plain) / 0.02), 0, 1)
    return np.asarray(plain + (apply_lines(picture, lines) - plain) * near, np.float32)
