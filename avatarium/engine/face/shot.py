"""How close the camera is: which part of a photo a video shows."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.landmarks import Face
from avatarium.engine.video.framing import Box, Fit, Placement, Size, place
from avatarium.errors import OptionError


class Shot(StrEnum):
    """How much of the photo is shown."""

    AUTO = "auto"
    """The whole photo, or the bust where the face would be too small to see it speak."""
    WHOLE = "whole"
    """As much of the photo as the video's shape allows."""
    BUST = "bust"
    """Head, shoulders and chest."""
    HEAD = "head"
    """Head and shoulders."""


SMALLEST_EYES = 0.085
"""AUTO comes closer when the eyes are nearer than this share of the video's shorter side."""
_HALF_HEIGHT = {Shot.HEAD: 1.75, Shot.BUST: 2.9}
"""Half of what is shown from top to bottom, in eye distances."""
_FACE_AT = {Shot.HEAD: 0.46, Shot.BUST: 0.36}
"""Where the middle of the face stands from the top."""


class Portrayed(Protocol):
    """Somebody in a picture, or in the frames of a video."""

    @property
    def picture(self) -> NDArray[np.uint8]:
        """RGB, ``(H, W, 3)``."""

    @property
    def face(self) -> Face:
        """Where the face is in it, usually."""


def frame_shot(actor: Portrayed, size: Size, shot: Shot = Shot.AUTO, fit: Fit = Fit.CROP) -> Placement:
    """Where a photo goes in a video of a size. Never shows more than there is in the photo but with PAD and BLUR.

    Raises:
        OptionError: ``shot_and_fit``: a closer shot with PAD or BLUR, which show the whole photo.
    """
    if shot in _HALF_HEIGHT and fit is not Fit.CROP:
        raise OptionError(
            f"A {shot.value} shot cuts the photo and --fit {fit.value} shows all of it. Choose one of the two.",
            code="shot_and_fit",
        )
    height, width = actor.picture.shape[:2]
    whole = place(width, height, size, fit, face=face_box(actor))
    if shot is Shot.WHOLE:
        return whole
    seen = actor.face.frame.scale * whole.scale[0] / min(size.width, size.height)
    if shot is Shot.AUTO and (seen >= SMALLEST_EYES or fit is not Fit.CROP):
        return whole
    return _closer(actor, size, Shot.BUST if shot is Shot.AUTO else shot)


def face_box(actor: Portrayed) -> Box:
    """The face's outline in pixels of the photo."""
    outline = actor.face.points[list(mesh.OVAL), :2]
    (left, top), (right, bottom) = outline.min(0), outline.max(0)
    return Box(left=float(left), top=float(top), right=float(right), bottom=float(bottom))


def _closer(actor: Portrayed, size: Size, shot: Shot) -> Placement:
    height, width = actor.picture.shape[:2]
    shape = size.width / size.height
    unit = actor.face.frame.scale
    tall = min(2 * _HALF_HEIGHT[shot] * unit / min(1.0, shape), height, width / shape)
    wide = tall * shape
    x, y = actor.face.points[[mesh.FOREHEAD, mesh.CHIN], :2].mean(0)
    left = min(max(x - wide / 2, 0), width - wide)
    top = min(max(y - _FACE_AT[shot] * tall, 0), height - tall)
    return Placement(
        source_x=round(left),
        source_y=round(top),
        source_width=min(width - round(left), round(wide)),
        source_height=min(height - round(top), round(tall)),
        target_x=0,
        target_y=0,
        target_width=size.width,
        target_height=size.height,
    )
