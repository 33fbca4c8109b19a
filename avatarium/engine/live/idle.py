"""What a face does between utterances: two loops without a joint, one at rest and one listening.

They are the same for everybody who looks the same, so that frames made for one room serve all; rooms stand at
different places of them. Lids are not in the loops: each room blinks in its own time.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from avatarium.engine.face.life import (
    BLINK_GAP_S,
    BLINK_GAP_SCALE_S,
    BLINK_GAP_SHAPE,
    BLINK_SHAPE_S,
    BREATH_IOD,
    Life,
)
from avatarium.engine.face.pose import COMING, Emotion, Mouth, Pose
from avatarium.engine.live.bearing import BREATH, BROW, DOWN, FEELING, GAZE, HEAD, PITCH, Bearing, bearings, pose_of
from avatarium.engine.live.clock import FPS, TICK_S

LOOP_TICKS = 250
HELD_TICKS = 2
"""Each frame of a loop is shown so often: idle movement is slow."""
LOOP_FRAMES = LOOP_TICKS // HELD_TICKS
BREATHS = 3
"""In one round of the loop."""
RESTING_FEELING = 0.6
"""How much of an emotion stays while nothing is said."""
_JOINT_TICKS = 60
_SEED = 7
_ATTENTIVE = 0.6
"""How much a listener moves against somebody at rest."""
_LEAN_PITCH, _LEAN_DOWN, _LEAN_BROW = np.radians(1.2), 0.008, 0.007

MOUTH_SHUT = np.zeros(len(Mouth), np.float32)
MOUTH_SHUT.flags.writeable = False
STAYS_SHUT = np.zeros((COMING, len(Mouth)), np.float32)
STAYS_SHUT.flags.writeable = False


class Mode(IntEnum):
    """What the face is at while it does not speak."""

    RESTING = 0
    LISTENING = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """All that idle frames of one picture depend on."""

    emotion: Emotion
    strength: float
    liveliness: float

    @classmethod
    def of(cls, life: Life) -> Look:
        """How somebody of this temperament looks."""
        strength = 0.0 if life.emotion is Emotion.NEUTRAL else round(life.strength, 3)
        return cls(emotion=life.emotion, strength=strength, liveliness=life.liveliness)


@dataclass(frozen=True, slots=True)
class IdleLoop:
    """Bearings by mode and tick, shape ``(2, LOOP_TICKS, channels)``."""

    ticks: Bearing

    def at(self, mode: Mode, tick: int) -> Bearing:
        """Where the movement stands at a tick of the loop."""
        standing: Bearing = self.ticks[mode, tick % LOOP_TICKS]
        return standing

    def frame(self, mode: Mode, tick: int) -> int:
        """Number of the frame that is shown at a tick, 0 to ``2 * LOOP_FRAMES - 1``."""
        return int(mode) * LOOP_FRAMES + tick % LOOP_TICKS // HELD_TICKS

    def pose(self, frame: int) -> Pose:
        """What a frame shows."""
        mode, at = divmod(frame, LOOP_FRAMES)
        return pose_of(self.ticks[mode, at * HELD_TICKS], MOUTH_SHUT, 0.0)


@functools.lru_cache(maxsize=32)
def idle_loop(look: Look) -> IdleLoop:
    """The loops of a look; the same object each time."""
    life = Life(seed=_SEED, fps=float(FPS), emotion=Emotion.NEUTRAL, liveliness=look.liveliness)
    resting = _closed(bearings(life.perform(None, LOOP_TICKS + _JOINT_TICKS)))
    resting[:, BREATH] = BREATH_IOD * np.sin(2 * np.pi * BREATHS * np.arange(LOOP_TICKS) / LOOP_TICKS)
    feeling = Life(emotion=look.emotion, strength=look.strength * RESTING_FEELING).perform(None, 1).emotion[0]
    resting[:, FEELING] = feeling
    ticks = np.stack([resting, _listening(resting)])
    ticks.flags.writeable = False
    return IdleLoop(ticks)


def _closed(open_ended: Bearing) -> Bearing:
    """A loop whose first second fades in from what would follow its end; the eyes jump over in the middle of it."""
    loop = open_ended[:LOOP_TICKS].copy()
    beyond = open_ended[LOOP_TICKS:]
    share = np.arange(_JOINT_TICKS) / _JOINT_TICKS
    share = (share * share * (3 - 2 * share))[:, None]
    eyes = np.where(share < 0.5, beyond[:, GAZE], loop[:_JOINT_TICKS, GAZE])
    loop[:_JOINT_TICKS] = share * loop[:_JOINT_TICKS] + (1 - share) * beyond
    loop[:_JOINT_TICKS, GAZE] = eyes
    return loop


def _listening(resting: Bearing) -> Bearing:
    """Leaning in, calmer, the eyes on the viewer, the brows a little raised."""
    loop = resting.copy()
    loop[:, HEAD] *= _ATTENTIVE
    loop[:, GAZE] *= _ATTENTIVE / 2
    loop[:, PITCH] += _LEAN_PITCH
    loop[:, DOWN] += _LEAN_DOWN
    loop[:, BROW] += _LEAN_BROW
    return loop


class Blinks:
    """The lids of one room over its whole time, whatever else the face does."""

    def __init__(self, seed: int) -> None:
        self._starts = _blink_starts(seed)
        self._start_s = next(self._starts)

    def at(self, tick: int) -> float:
        """0 open to 1 shut; ticks must not go back."""
        since_s = tick * TICK_S - self._start_s
        while since_s >= BLINK_SHAPE_S[-1]:
            self._start_s = next(self._starts)
            since_s = tick * TICK_S - self._start_s
        return float(np.interp(since_s, BLINK_SHAPE_S, (0, 1, 1, 0))) if since_s > 0 else 0.0


def _blink_starts(seed: int) -> Iterator[float]:
    random = np.random.default_rng([seed, 101])
    at_s = float(random.uniform(0.6, 2.5))
    while True:
        yield at_s
        at_s += float(np.clip(random.gamma(BLINK_GAP_SHAPE, BLINK_GAP_SCALE_S), *BLINK_GAP_S))


def life_of(life: Life, emotion: Emotion | None, strength: float) -> Life:
    """A temperament for one utterance, at the beat of live rooms."""
    if emotion is None:
        return replace(life, fps=float(FPS))
    return replace(life, fps=float(FPS), emotion=emotion, strength=strength)
