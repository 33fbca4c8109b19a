"""A twin's view that is watched while it renders: its CPU time, and every few frames what it changed in the source."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.pose import Pose
from avatarium.engine.face.video.actor import VideoActor
from avatarium.engine.face.video.playing import Player
from avatarium.engine.production import Renderer
from bench.likeness.clip import Picture
from bench.likeness.landmarks import Points, find_face, fit_points
from bench.twins.seam import Seam, outside_share, seam

LOOK_EVERY = 4
"""Frames; a look takes far longer than a frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What was seen."""

    render_ms: tuple[float, ...]
    """CPU of each frame."""
    outside_share: float
    """Largest share of pixels outside mouth and jaw that differ from the source, over all looks."""
    texture: float | None
    edges: float | None


class Watch:
    """Stands before a view of the size of its film and hands its frames on."""

    in_order = True

    def __init__(self, view: Renderer, actor: VideoActor) -> None:
        if (view.size.width, view.size.height) != (actor.width, actor.height):
            raise ValueError("the view must have the size of the film, or no pixel is the same")
        self.size = view.size
        self._view, self._actor = view, actor
        self._film = Player(actor.films.base, actor.frames)
        self._ms: list[float] = []
        self._outside: list[float] = []
        self._seams: list[Seam] = []

    def render(self, pose: Pose) -> Picture:
        """The view's frame."""
        began = time.thread_time()
        frame = self._view.render(pose)
        self._ms.append(1000 * (time.thread_time() - began))
        if pose.tick % LOOK_EVERY == 0:
            self._look(frame, self._film.frame(pose.tick % self._actor.frames))
        return frame

    def render_cutout(self, pose: Pose) -> NDArray[np.uint8]:
        """The view's frame with alpha; not looked at."""
        return self._view.render_cutout(pose)

    def close(self) -> None:
        """Let go of the view and of the film."""
        self._view.close()
        self._film.close()

    def seen(self) -> Watched:
        """Sum up; medians over the looks but for the pixels outside, of which the worst look counts."""
        return Watched(
            render_ms=tuple(self._ms),
            outside_share=max(self._outside, default=0.0),
            texture=float(np.median([one.texture for one in self._seams])) if self._seams else None,
            edges=float(np.median([one.edges for one in self._seams])) if self._seams else None,
        )

    def _look(self, frame: Picture, source: Picture) -> None:
        before, after = _landmarks(source), _landmarks(frame)
        if before is None or after is None:
            return
        self._outside.append(outside_share(source, frame, before))
        found = seam(source, frame, before, after)
        if found is not None:
            self._seams.append(found)


def _landmarks(frame: Picture) -> Points | None:
    """Found anew in every look: between two looks a head moves too far to be followed."""
    box = find_face(frame)
    return None if box is None else fit_points(frame, box)
