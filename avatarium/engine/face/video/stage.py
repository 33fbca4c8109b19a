"""A twin cut out and standing anywhere on a canvas, also over its edges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.frame import Points
from avatarium.engine.face.pose import Pose
from avatarium.engine.face.stage import behind, placed_in, window_of
from avatarium.engine.face.video.actor import VideoActor
from avatarium.engine.face.video.tracking import TWIN_FPS
from avatarium.engine.face.video.view import VideoView
from avatarium.engine.video.canvas import PixelBox, frame_box
from avatarium.engine.video.framing import Size

Image = NDArray[np.uint8]


class VideoStage:
    """A twin over a ground, its film's frame filling a box. Stateful, as :class:`VideoView` is.

    Args:
        actor: whom to show; matted.
        size: of the frames.
        box: where the film lies, in pixels of the frame; it may hang over the edges.
        ground: RGB ``(height, width, 3)``; None for the person alone, by :meth:`render_cutout`.
        fps: of the poses.
        basis: the person's own fields of movement.

    Raises:
        PictureError: ``person_not_found``: the twin was made without cutting the person out.
    """

    in_order = True

    def __init__(
        self,
        actor: VideoActor,
        size: Size,
        box: PixelBox,
        ground: Image | None,
        *,
        fps: float = float(TWIN_FPS),
        basis: Points | None = None,
    ) -> None:
        self.size = size
        window = window_of(actor, box, frame_box(size))
        self._seen = box.meeting(frame_box(size))
        self._part = self._seen.moved(-window.left, -window.top)
        self._ground = ground
        self._view = VideoView(
            actor,
            Size(window.width, window.height),
            placed_in(actor, box.moved(-window.left, -window.top)),
            background=None if ground is None else behind(ground, window),
            cutout=ground is None,
            fps=fps,
            basis=basis,
        )

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
        """Let go of the film."""
        self._view.close()
