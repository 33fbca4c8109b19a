"""Deliberate movements laid over whatever a face does: a nod, a shake of the head, a glance aside."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from avatarium.engine.live.bearing import BROW, CHANNELS, DOWN, GAZE, PITCH, RIGHT, ROLL, YAW, Bearing
from avatarium.engine.live.clock import FPS


class Gesture(StrEnum):
    """What can be asked for with an utterance."""

    NOD = "nod"
    SHAKE = "shake"
    TILT = "tilt"
    BROWS = "brows"
    LOOK_AWAY = "look_away"
    LEAN_IN = "lean_in"


_LENGTH_S = {
    Gesture.NOD: 1.28,
    Gesture.SHAKE: 1.72,
    Gesture.TILT: 2.0,
    Gesture.BROWS: 0.9,
    Gesture.LOOK_AWAY: 2.2,
    Gesture.LEAN_IN: 2.6,
}


def gesture_curve(gesture: Gesture, size: float = 1.0, side: int = 1) -> Bearing:
    """Offsets to the bearing tick by tick, which begin and end at rest, shape ``(ticks, channels)``.

    Args:
        size: factor on all of it.
        side: 1 to the picture's left, -1 to its right, where the gesture has a side.
    """
    ticks = round(_LENGTH_S[gesture] * FPS)
    u = np.linspace(0, 1, ticks + 2)[1:-1]
    curve = np.zeros((ticks, CHANNELS))
    match gesture:
        case Gesture.NOD:
            bobs = np.sin(2 * np.pi * u) ** 2 * np.where(u < 0.5, 1.0, 0.6)
            curve[:, PITCH], curve[:, DOWN] = np.radians(3.4) * bobs, 0.010 * bobs
        case Gesture.SHAKE:
            swing = np.sin(3 * np.pi * u) * np.sin(np.pi * u)
            curve[:, YAW], curve[:, RIGHT] = side * np.radians(3.6) * swing, side * -0.006 * swing
        case Gesture.TILT:
            held = _held(u, 0.35)
            curve[:, ROLL], curve[:, PITCH] = side * np.radians(4.0) * held, np.radians(0.6) * held
        case Gesture.BROWS:
            curve[:, BROW] = 0.034 * _held(u, 0.35)
        case Gesture.LOOK_AWAY:
            head, eyes = _held(u, 0.40), _held(u, 0.12)
            curve[:, YAW], curve[:, PITCH] = side * np.radians(3.2) * head, np.radians(-1.2) * head
            curve[:, GAZE.start], curve[:, GAZE.start + 1] = side * -0.022 * eyes, -0.006 * eyes
        case Gesture.LEAN_IN:
            held = _held(u, 0.35)
            curve[:, PITCH], curve[:, DOWN], curve[:, BROW] = np.radians(2.0) * held, 0.018 * held, 0.010 * held
    return curve * size


def _held(u: Bearing, edge: float) -> Bearing:
    """Up within a share of the time, held, and down again."""
    rise: Bearing = np.clip(np.minimum(u, 1 - u) / edge, 0.0, 1.0)
    held: Bearing = rise**3 * (10 - 15 * rise + 6 * rise**2)
    return held
