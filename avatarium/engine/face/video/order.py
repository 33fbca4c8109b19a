"""Which frame of a twin's film is shown when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.video.actor import VideoActor
from avatarium.engine.face.video.playing import Player
from avatarium.engine.face.video.tracking import TWIN_FPS

Floats = NDArray[np.float32]

LEAST_S, LEAST_SHARE = 4.0, 0.5
"""What is played forwards lasts so long, and is so much of what there is."""
SIDE = 64
"""Longer side of the pictures that are compared."""
AROUND = 2
"""Frames before and after a joint that are compared too, so that the movement goes on."""
FACE_WEIGHT = 0.6
"""Of how far the head jumps against how far the picture does, both in usual steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A stretch of a film that is played round and round."""

    first: int
    count: int
    """Of frames."""

    @classmethod
    def whole(cls, actor: VideoActor) -> Self:
        """As the film was laid out: on from its end to its beginning, which may be the way back."""
        return cls(first=0, count=actor.frames)

    def number(self, tick: int, fps: float) -> int:
        """The frame of the film that is shown with a pose, ``tick`` poses after the first at ``fps``."""
        return self.first + int(tick * TWIN_FPS / fps + 1e-6) % self.count


def onward(actor: VideoActor) -> Order:
    """The order in which nothing is played backwards, with the joint that shows least.

    Of a film that was laid out to and fro only the way there is played, from one moment of it to the one that is most
    like what would come next. Nowhere else is a joint as good as none, or it would not have been laid out so: a small
    jump may be seen. Reads the film once, small.

    Raises:
        InputError: ``twin_unreadable``.
    """
    turned = np.flatnonzero(np.diff(actor.loop.order) < 0)
    if not len(turned):
        return Order.whole(actor)
    there = int(turned[0]) + 1
    cost = _joints(_pictures(actor, there), _heads(actor, there))
    least = max(2, min(there, round(max(LEAST_S * TWIN_FPS, LEAST_SHARE * there))))
    last, first = np.meshgrid(np.arange(there), np.arange(there), indexing="ij")
    cost[last - first + 1 < least] = np.inf
    end, begin = np.unravel_index(int(cost.argmin()), cost.shape)
    return Order(first=int(begin), count=int(end) - int(begin) + 1)


def _pictures(actor: VideoActor, frames: int) -> Floats:
    """Small grey pictures, ``(frames, pixels)``."""
    scale = SIDE / max(actor.width, actor.height)
    size = max(8, round(actor.width * scale)), max(8, round(actor.height * scale))
    player = Player(actor.films.base, actor.frames, grey=True)
    try:
        small = [cv2.resize(player.frame(n), size, interpolation=cv2.INTER_AREA).ravel() for n in range(frames)]
    finally:
        player.close()
    return np.array(small, np.float32)


def _heads(actor: VideoActor, frames: int) -> Floats:
    """Where the upper face is, in distances of the eyes, ``(frames, points * 2)``."""
    points = actor.loop.tracked.points[:frames, list(mesh.STABLE), :2]
    return np.asarray(points.reshape(frames, -1) / max(actor.iod, 1.0), np.float32)


def _joints(pictures: Floats, heads: Floats) -> Floats:
    """What a viewer would notice if frame ``b`` was followed by frame ``a``: ``[b, a]``, 1 is a usual step."""
    apart = _apart(pictures) + FACE_WEIGHT * _apart(heads)
    count = len(apart)
    summed, weights = np.zeros_like(apart), np.zeros_like(apart)
    for k in range(-AROUND, AROUND + 1):
        b = np.arange(max(0, -1 - k), min(count, count - 1 - k))
        a = np.arange(max(0, -k), min(count, count - k))
        weight = np.float32(1 / (1 + abs(k)))
        summed[np.ix_(b, a)] += weight * apart[np.ix_(b + 1 + k, a + k)]
        weights[np.ix_(b, a)] += weight
    summed /= np.maximum(weights, 1e-6)
    summed[-1], summed[:, 0] = (
        np.inf,
        np.inf,
    )  # what would follow the last frame, or came before the first, is not known
    return summed


def _apart(values: Floats) -> Floats:
    """Distances of all pairs in usual steps."""
    centred = values - values.mean(0)
    norms = (centred**2).sum(1)
    far = np.sqrt(np.maximum(norms[:, None] + norms[None] - 2 * centred @ centred.T, 0))
    steps = np.diagonal(far, 1)
    usual = float(np.percentile(steps, 95)) if len(steps) else 1.0
    return np.asarray(far / max(usual, 1e-3), np.float32)
