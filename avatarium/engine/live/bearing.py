"""Bearing: what of a pose is carried over from one movement to the next, as one vector; not the mouth, not the lids.

The eyes are held as their own movement alone. The turn against the head that keeps them on the viewer is added when a
pose is made, so that it fits the head however that came to stand there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.life import EYEBALL_IOD, GAZE_LIMIT_IOD
from avatarium.engine.face.pose import FEELINGS, Floats, Performance, Pose

Bearing = NDArray[np.float64]
"""Shape ``(13,)``, or ``(frames, 13)`` for a stretch."""

HEAD, GAZE, BROW, BREATH, FEELING = slice(0, 5), slice(5, 7), 7, 8, slice(9, 9 + len(FEELINGS))
CHANNELS = FEELING.stop
YAW, PITCH, ROLL, RIGHT, DOWN = range(5)


def bearings(performance: Performance) -> Bearing:
    """Of every frame, shape ``(frames, 13)``."""
    made = np.zeros((len(performance), CHANNELS))
    made[:, HEAD] = performance.head
    made[:, GAZE] = performance.gaze - counter_turn(made)
    made[:, BROW] = performance.brow
    made[:, BREATH] = performance.breath
    made[:, FEELING] = performance.emotion
    return made


def counter_turn(bearing: Bearing) -> Bearing:
    """How far the eyes turn against the head to stay on the viewer, shape ``(..., 2)``."""
    turn: Bearing = np.stack([np.sin(bearing[..., YAW]), -np.sin(bearing[..., PITCH])], axis=-1)
    return turn * EYEBALL_IOD


def pose_of(bearing: Bearing, mouth: Floats, blink: float, *, tick: int = 0, coming: Floats | None = None) -> Pose:
    """The whole pose; ``coming`` are the mouths of the ticks after it, as far as they are known."""
    gaze = np.clip(bearing[GAZE] + counter_turn(bearing), -GAZE_LIMIT_IOD, GAZE_LIMIT_IOD)
    return Pose(
        mouth=mouth,
        emotion=bearing[FEELING].clip(0.0, 1.0).astype(np.float32),
        head=bearing[HEAD].astype(np.float32),
        blink=blink,
        gaze=gaze.astype(np.float32),
        brow=float(bearing[BROW]),
        breath=float(bearing[BREATH]),
        tick=tick,
        **({} if coming is None else {"coming": coming}),
    )
