"""A person cut out and standing anywhere on a canvas, also over its edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.actor import View
from avatarium.engine.face.pose import Pose
from avatarium.engine.face.shot import Portrayed, face_box
from avatarium.engine.video.canvas import PixelBox, frame_box
from avatarium.engine.video.framing import Placement, Size

if TYPE_CHECKING:
    from avatarium.engine.production import Renderer

Image = NDArray[np.uint8]

_ROOM = 0.6
"""Around the face, in its heights, that is rendered even outside the canvas: what is seen may move with it."""


class Stage:
    """An actor over a ground, the actor's whole picture filling a box of the frame. Use it as the view that it shows.

    Only what is seen, and the face with some room around it, is rendered: a small person costs little.

    Args:
        actor: whom to show.
        size: of the frames.
        box: where the picture lies, in pixels of the frame; it may hang over the edges.
        ground: RGB ``(height, width, 3)``; None for the person alone, by :meth:`render_cutout`.
        show: makes the actor's view, as :class:`View` does that of a photo.

    Raises:
        PictureError: ``person_not_found``: the person cannot be told from the ground.
    """

    def __init__(
        self,
        actor: Portrayed,
        size: Size,
        box: PixelBox,
        ground: Image | None,
        show: Callable[..., Renderer] = View,
    ) -> None:
        self.size = size
        window = _window(actor, box, frame_box(size))
        self._seen = box.meeting(frame_box(size))
        self._part = self._seen.moved(-window.left, -window.top)
        self._ground = ground
        self._view = show(
            actor,
            Size(window.width, window.height),
            _placed(actor, box.moved(-window.left, -window.top)),
            background=None if ground is None else _behind(ground, window),
            cutout=ground is None,
        )
        self.in_order = self._view.in_order

    def render(self, pose: Pose) -> Image:
        """One frame, RGB ``(height, width, 3)``."""
        if self._ground is None:
            raise ValueError("this stage was made without a ground")
        frame = self._ground.copy()
        frame[self._seen.rows, self._seen.columns] = self._view.render(pose)[self._part.rows, self._part.columns]
        return frame

    def render_cutout(self, pose: Pose) -> Image:
        """One frame of the person alone, RGBA with straight alpha, ``(height, width, 4)``."""
        frame = np.zeros((self.size.height, self.size.width, 4), np.uint8)
        person = self._view.render_cutout(pose)
        frame[self._seen.rows, self._seen.columns] = person[self._part.rows, self._part.columns]
        return frame

    def close(self) -> None:
        """Close the view."""
        self._view.close()


def _window(actor: Portrayed, box: PixelBox, frame: PixelBox) -> PixelBox:
    """What has to be rendered: the part of the box that is seen, and the face."""
    height, width = actor.picture.shape[:2]
    face, across, down = face_box(actor), box.width / width, box.height / height
    room = _ROOM * (face.bottom - face.top)
    around = PixelBox(
        left=box.left + int((face.left - room) * across),
        top=box.top + int((face.top - room) * down),
        right=box.left + int((face.right + room) * across) + 1,
        bottom=box.top + int((face.bottom + room) * down) + 1,
    )
    return box.meeting(frame).around(around.meeting(box))


def _placed(actor: Portrayed, target: PixelBox) -> Placement:
    """The placement that fills a box with the whole picture."""
    height, width = actor.picture.shape[:2]
    return Placement(
        source_x=0,
        source_y=0,
        source_width=width,
        source_height=height,
        target_x=target.left,
        target_y=target.top,
        target_width=target.width,
        target_height=target.height,
    )


def _behind(ground: Image, window: PixelBox) -> Image:
    """The ground in a window, its border drawn on where the window hangs over."""
    height, width = ground.shape[:2]
    inside = window.meeting(PixelBox(left=0, top=0, right=width, bottom=height))
    part = ground[inside.rows, inside.columns]
    margins = (
        inside.top - window.top,
        window.bottom - inside.bottom,
        inside.left - window.left,
        window.right - inside.right,
    )
    return np.asarray(cv2.copyMakeBorder(part, *margins, cv2.BORDER_REPLICATE), np.uint8)
