"""What a face does in one frame, and over a stretch of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Mouth(IntEnum):
    """Columns of the mouth controls; all but the last in units of the outer-eye distance (IOD)."""

    OPEN = 0
    """Gap between the inner lips; below zero the lips press."""
    WIDTH = 1
    """Widening against the resting mouth."""
    CHIN = 2
    """Lowering of the chin."""
    UP = 3
    """Lowering of the upper lip; below zero it is raised."""
    TUCK = 4
    """Rise of the lower lip to the teeth, as in f and v."""
    TONGUE = 5
    """0 at rest to 1 at the upper teeth."""


COMING = 10
"""Frames that a pose tells of those after it, at most."""


class Emotion(StrEnum):
    """How somebody feels while speaking."""

    NEUTRAL = "neutral"
    HAPPY = "happy"
    SERIOUS = "serious"
    SURPRISED = "surprised"
    SAD = "sad"


FEELINGS = tuple(e for e in Emotion if e is not Emotion.NEUTRAL)
"""Order of the columns of :attr:`Pose.emotion`."""


def _zeros(n: int) -> Floats:
    return np.zeros(n, np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """What a face does in one frame. All zero is the face of the photo with its lips together."""

    mouth: Floats = field(default_factory=lambda: _zeros(len(Mouth)))
    """Controls by :class:`Mouth`, shape ``(6,)``."""
    emotion: Floats = field(default_factory=lambda: _zeros(len(FEELINGS)))
    """Strength of each of :data:`FEELINGS`, 0..1, shape ``(4,)``."""
    head: Floats = field(default_factory=lambda: _zeros(5))
    """Yaw, pitch, roll in radians, then shift right and down in IOD."""
    blink: float = 0.0
    """0 open to 1 shut."""
    gaze: Floats = field(default_factory=lambda: _zeros(2))
    """Shift of the eyeballs right and down in IOD."""
    brow: float = 0.0
    """Rise of the brows in IOD."""
    breath: float = 0.0
    """Rise of the shoulders in IOD."""
    tick: int = 0
    """Frames since the scene began: what a video of a person goes on with."""
    coming: Floats = field(default_factory=lambda: np.zeros((0, len(Mouth)), np.float32))
    """:attr:`mouth` of the frames after this one as far as they are known, shape ``(up to COMING, 6)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """Poses over a stretch of frames; every field is that of :class:`Pose` with the frames in front."""

    fps: float
    mouth: Floats
    emotion: Floats
    head: Floats
    blink: Floats
    gaze: Floats
    brow: Floats
    breath: Floats
    first: int = 0
    """:attr:`Pose.tick` of the first frame."""

    def __len__(self) -> int:
        return len(self.mouth)

    def __getitem__(self, frame: int) -> Pose:
        frame = range(len(self))[frame]
        return Pose(
            mouth=self.mouth[frame],
            emotion=self.emotion[frame],
            head=self.head[frame],
            blink=float(self.blink[frame]),
            gaze=self.gaze[frame],
            brow=float(self.brow[frame]),
            breath=float(self.breath[frame]),
            tick=self.first + frame,
            coming=self.mouth[frame + 1 : frame + 1 + COMING],
        )
