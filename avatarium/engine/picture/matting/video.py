"""Alpha of a person in a video, frame after frame, steady where nothing moves and without lag where it does."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.picture.matting.foregrounds import foreground
from avatarium.engine.picture.matting.islands import Kept, without_holes
from avatarium.engine.picture.matting.kinds import Alpha, Box, Colour, Colours, Image
from avatarium.engine.picture.matting.lines import apply_lines, fit_lines
from avatarium.engine.picture.matting.motion import Follower, Step
from avatarium.engine.picture.matting.plate import GivenPlate, Plate
from avatarium.engine.picture.matting.plugin import MattingPlugin
from avatarium.engine.picture.matting.screen import Screen, find_screen, key_screen
from avatarium.engine.picture.matting.segmentation import CLOSE, Segmenter, area, box_of
from avatarium.engine.picture.matting.steadying import ramp, settle, steady
from avatarium.engine.picture.matting.unmixing import spread, unmix

ENGINE = "avatarium-matte"
WORK_PIXELS = 640 * 360
"""At which alpha is worked out; the last step carries it to the frame's own size."""
LOOK_ROUND = 12
"""Frames after which the whole frame is looked at again, for what came in outside of the crop."""
KEEP = 0.84
"""Share of the network's answer that comes from the frames before, where nothing changed."""
KEEP_ALPHA = 0.6
"""The same of the finished alpha."""
SURPRISE = 0.35
"""A change of the mask that is larger than this is believed sooner."""
CALM = 0.9
"""Share of the outline that shows what it showed up to which nothing has moved that the network need be asked about."""
PLAIN_LOW, PLAIN_HIGH = 0.40, 0.74
"""The network's mask between these becomes alpha from 0 to 1: things nearby get a third, the person nearly all."""
PERSON, GROUND = 0.95, 0.05
BAND, BAND_KNOWN = 0.035, 0.09
"""Of the person's height: how far from the outline colours decide, and how far where the ground was given."""
RADIUS = 2
"""At half the working size."""
EDGE = (0.012 * 255) ** 2
LOW, HIGH = 0.06, 0.94
FaceAt = Callable[[int], tuple[float, float, float, float] | None]


@dataclass(slots=True)
class _Shot:
    """What is known of the shot that is shown."""

    plate: Plate | GivenPlate
    kept: Kept
    screen: Screen | None
    box: Box | None = None
    """What the network looks at, in pixels of the working size."""
    shape: Alpha | None = None
    alpha: Alpha | None = None
    count: int = 0
    looks: int = 0
    """Of the network."""


class VideoMatte:
    """Mattes one stream of frames; feed them in order. Not for two threads at once; close it, or use ``with``.

    A green or blue screen is found by itself and keyed. Else the network's mask, smoothed along the motion, is
    sharpened by the colours on both sides of the outline, by the ground where it was seen uncovered while the camera
    stood still, and by the picture's own edges. A cut begins anew; after a flash it goes on.

    Args:
        width: of the frames.
        height: of the frames.
        ground: the ground without the person, a picture of any size with the frames' framing, or its colour.
        face_at: asked at the first frame of every shot, by its number, for left, top, right, bottom of the face of
            the person to keep; others are left out as long as they do not touch. Where it answers None, everybody is
            kept in that shot.
        plugin: a network that takes the place of the mask and of the colours; it is closed with this.
    """

    def __init__(
        self,
        width: int,
        height: int,
        *,
        ground: Image | Colour | None = None,
        face_at: FaceAt | None = None,
        plugin: MattingPlugin | None = None,
    ) -> None:
        shrink = min(1.0, math.sqrt(WORK_PIXELS / (width * height)))
        self._size = max(16, round(width * shrink)), max(16, round(height * shrink))
        self._segmenter = Segmenter()
        self._follower = Follower(*self._size)
        self._given = None if ground is None else GivenPlate(ground, *self._size)
        self._given_screen = Screen.of_colour(ground) if isinstance(ground, tuple) else None
        self._face_at, self._shrink = face_at, shrink
        self._plugin = plugin
        self._shot = self._before = self._new_shot()
        self._pure: Image | None = None
        self._number = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give the network's threads and memory back."""
        self._segmenter.close()
        if self._plugin is not None:
            self._plugin.close()

    @property
    def screen(self) -> Screen | None:
        """The green or blue screen of the shot, if there is one."""
        return self._shot.screen

    def next(self, frame: Image) -> Alpha:
        """Alpha of the next frame, RGB of the size told; ``(H, W)`` float32, 0..1."""
        self._number += 1
        work = np.asarray(cv2.resize(frame, self._size, interpolation=cv2.INTER_AREA), np.uint8)
        step = self._follower.step(np.asarray(cv2.cvtColor(work, cv2.COLOR_RGB2GRAY), np.uint8))
        if step is None:
            self._begin(work)
        elif step.returned:
            self._shot = self._before
        self._pure = None
        shot = self._shot
        if self._plugin is not None and shot.screen is None:
            return self._asked(self._plugin, frame, step)
        shape = self._steady_shape(work, step)
        if shot.screen is not None:
            keyed, self._pure = key_screen(frame, shot.screen, shape=_enlarged(shape, frame))
            return keyed
        picture = work.astype(np.float32)
        small = _halved(picture)
        alpha = self._settled(self._sharpened(picture, small, shape), step)
        shot.plate.watch(picture, np.maximum(alpha, shape), None if step is None else step.flow)
        lines = fit_lines(small, _halved(alpha), RADIUS, EDGE)
        return apply_lines(frame, lines, alpha, low=LOW, high=HIGH)

    def _asked(self, plugin: MattingPlugin, frame: Image, step: Step | None) -> Alpha:
        if step is None or step.returned:
            plugin.forget()
        found = plugin.alpha(frame)
        kept = self._shot.kept.only(np.asarray(cv2.resize(found, self._size, interpolation=cv2.INTER_AREA), np.float32))
        return np.minimum(found, _enlarged(kept, frame)) if kept.min() < kept.max() else found

    def foreground(self, frame: Image, alpha: Alpha) -> Image:
        """The person's own colours in the frame that was matted last, free of the ground and of a screen's light."""
        return foreground(frame, alpha) if self._pure is None else self._pure

    def _new_shot(self) -> _Shot:
        plate = self._given or Plate(*self._size)
        return _Shot(plate=plate, kept=Kept(), screen=self._given_screen)

    def _begin(self, work: Image) -> None:
        """The first frame of a shot: nothing of what was known holds, unless it turns out to be a flash."""
        self._before, self._shot = self._shot, self._new_shot()
        face = self._face_at(self._number) if self._face_at else None
        self._shot.kept.begin(None if face is None else [side * self._shrink for side in face])
        if self._given is None:
            self._shot.screen = find_screen([work])

    def _steady_shape(self, work: Image, step: Step | None) -> Alpha:
        """The network's mask of the person, carried along the motion and averaged with what it was."""
        shot = self._shot
        was = None if step is None or shot.shape is None else step.carry(shot.shape)
        if step is None or was is None:
            found = shot.kept.only(self._looked(work))
        elif shot.count % 2 and _calm(was, step):
            found = was  # the network's word counts for so little there that every second one is enough
        else:
            found = shot.kept.only(self._looked(work))
            steady(found, was, step.same, KEEP, SURPRISE)
        shot.shape = found
        shot.count += 1
        return without_holes(ramp(found, PLAIN_LOW, PLAIN_HIGH))

    def _looked(self, work: Image) -> Alpha:
        shot = self._shot
        if shot.box is None or shot.count % LOOK_ROUND == 0:
            whole = self._segmenter.within(work, None)
            shot.box = _tighter(box_of(np.maximum(whole, 0 if shot.shape is None else shot.shape)), work)
            if shot.box is None:
                return whole
        if shot.count == 0:
            found = (self._segmenter.within(work, shot.box, mirrored=True) + self._segmenter.within(work, None)) / 2
        else:
            found = self._segmenter.within(work, shot.box, flipped=shot.looks % 2 == 1)
        shot.looks += 1
        self._follow(found, work)
        return found

    def _follow(self, found: Alpha, work: Image) -> None:
        """Move the crop when the person nears its edge; a crop that always moves would make the mask tremble."""
        tight = box_of(found, margin=0.03)
        roomy = box_of(found)
        shot = self._shot
        if tight is None or roomy is None or shot.box is None:
            shot.box = None
            return
        box, edge = shot.box, (0, 0, work.shape[1], work.shape[0])
        out = any(
            (mine > theirs if low else mine < theirs) and theirs_edge != mine
            for mine, theirs, theirs_edge, low in zip(box, tight, edge, (True, True, False, False), strict=True)
        )
        if out or area(roomy) < 0.6 * area(box):
            shot.box = _tighter(roomy, work)

    def _sharpened(self, picture: Colours, small: Colours, shape: Alpha) -> Alpha:
        """Alpha by the colours on both sides of the outline; ``small`` is the picture at half its size."""
        person = _spread(small, _sure((shape - PERSON) / (1 - PERSON)))
        around = _spread(small, _sure((GROUND - shape) / GROUND))
        band = self._band(shape)
        alpha = np.empty_like(shape)
        plate = self._shot.plate
        unmix(picture, person, around, plate.colours, plate.trust, shape, band, alpha)
        return alpha

    def _band(self, shape: Alpha) -> Alpha:
        """Along the outline, where colour may overrule shape; inside of a coat it may not."""
        box = self._shot.box or (0, 0, *self._size)
        band = BAND_KNOWN if self._given else BAND
        radius = max(2, round(band * min(box[3] - box[1], 1.5 * (box[2] - box[0])) / 2))
        person = (_halved(shape) > 0.5).astype(np.uint8)
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        edge = cv2.morphologyEx(person, cv2.MORPH_GRADIENT, disc).astype(np.float32)
        soft = cv2.blur(edge, (2 * (radius // 2) + 1,) * 2)
        return np.asarray(cv2.resize(soft, self._size, interpolation=cv2.INTER_LINEAR), np.float32)

    def _settled(self, alpha: Alpha, step: Step | None) -> Alpha:
        shot = self._shot
        if step is not None and shot.alpha is not None:
            settle(alpha, step.carry(shot.alpha), step.same, KEEP_ALPHA)
        shot.alpha = alpha
        return alpha


def _calm(was: Alpha, step: Step) -> bool:
    """Whether the person's outline, as it was carried along, shows what it showed."""
    edge = step.same[(was > GROUND) & (was < PERSON)]
    return len(edge) == 0 or float(edge.mean()) > CALM


def _tighter(box: Box | None, work: Image) -> Box | None:
    whole = 0, 0, work.shape[1], work.shape[0]
    return whole if box is not None and area(box) > CLOSE * area(whole) else box


def _enlarged(layer: Alpha, frame: Image) -> Alpha:
    size = frame.shape[1], frame.shape[0]
    return np.asarray(cv2.resize(layer, size, interpolation=cv2.INTER_LINEAR), np.float32)


def _sure(margin: Alpha) -> Alpha:
    """Weight of pixels that belong to one side beyond doubt, a pixel away from the others."""
    return np.asarray(cv2.erode(np.clip(2 * margin, 0, 1), np.ones((3, 3), np.uint8)), np.float32)


def _halved(layer: NDArray[np.float32]) -> NDArray[np.float32]:
    size = max(1, layer.shape[1] // 2), max(1, layer.shape[0] // 2)
    return np.asarray(cv2.resize(layer, size, interpolation=cv2.INTER_AREA), np.float32)


def _spread(picture: Colours, weight: Alpha) -> Colours:
    """Neighbouring colours change slowly, so half the size tells them."""
    size = weight.shape[1], weight.shape[0]
    return np.asarray(cv2.resize(spread(picture, _halved(weight)), size, interpolation=cv2.INTER_LINEAR), np.float32)
