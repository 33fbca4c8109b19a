"""The style of a voice, found by walking down the slope of what its phrases lose against the recording.

Styles are counted in the coordinates in which the ready voices lie as a round cloud, and drawn towards its middle: a
voice in between the known ones speaks as clearly as they do. The steps are Adam's (Kingma and Ba 2015).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from avatarium.engine.speech.cloning import network
from avatarium.engine.speech.cloning.ear import without_mean
from avatarium.engine.speech.cloning.offsets import OFFSETS, OFFSETS_SIZE
from avatarium.engine.speech.cloning.phrases import Phrase

LONGEST_FRAMES = 50
"""Frames of 25 ms that one step hears: many short steps find more than a few long ones of the same work."""
_GOLDEN = 0.618034
SHADED = 0.1
"""Share of the bands that the speaker net is not shown in a step."""
HISS = 0.006
"""Most noise that is laid over what it hears: about 20 dB under speech."""
_ROOM = 0.8
STYLE_SIZE = 128
"""The half of a style that decides how a voice sounds; the other one decides how it moves."""

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Space:
    """Coordinates of styles."""

    middle: Array
    axes: Array
    """``(128, 128)``: a style is ``middle + axes @ coordinates``; a ready voice has coordinates of about one."""
    back: Array
    """The inverse of ``axes``."""

    def style(self, coordinates: Array) -> Array:
        """The style at a place."""
        return self.middle + self.axes @ coordinates

    def place(self, style: Array) -> Array:
        """Where a style lies."""
        return self.back @ (style - self.middle)


NARROWEST = 0.25
"""Spread of the axes along which the ready voices hardly differ, against that of the middling one."""


def space(styles: Array) -> Space:
    """The coordinates in which some styles, ``(n, 128)``, are a round cloud."""
    middle = styles.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov((styles - middle).T))
    spread = np.sqrt(np.maximum(values, 0.0))
    spread = np.maximum(spread, NARROWEST * np.sqrt(np.median(spread[-len(styles) + 1 :] ** 2)))
    axes = (vectors * spread) @ vectors.T
    return Space(middle=middle, axes=axes.astype(np.float32), back=np.linalg.inv(axes).astype(np.float32))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lesson:
    """A phrase, and how much of it counts."""

    phrase: Phrase
    likeness: float = 1.0
    """Weight of the cosine to the wanted speaker vector."""
    faithfulness: float = 0.0
    """Weight of the mean distance of the bands to the recording's, in nepers of power."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How the walk goes."""

    steps: int
    stride: float = 0.03
    """Length of the first steps in every coordinate of the style; they shorten to a tenth. The loss is wrinkled: longer
    ones jump over what they should follow."""
    nudge: float = 0.005
    """And of those of the offsets."""
    style_alone: float = 0.25
    """Share of the way on which the offsets stay as they are: the style brings a voice near, they take it home."""
    pull: float = 0.02
    """Weight of the mean square of the coordinates."""
    momentum: float = 0.9
    memory: float = 0.98


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learnt:
    """What makes Kokoro sound like somebody."""

    style: Array
    """The half of a style, ``(128,)``."""
    offsets: Array
    """What is added behind it (:mod:`offsets`)."""


def slope(
    session: onnxruntime.InferenceSession, lesson: Lesson, at: Learnt, voice: Array, chance: np.random.Generator
) -> Learnt:
    """The gradient of a lesson's loss."""
    phrase = lesson.phrase
    weight = lesson.faithfulness / max(float(phrase.trust.sum()) * phrase.bands.shape[2], 1.0)
    inputs = {
        network.TEXT: phrase.text,
        network.PITCH: phrase.pitch,
        network.LOUDNESS: phrase.loudness,
        network.STYLE: at.style[None],
        OFFSETS: at.offsets[None],
        "voice": lesson.likeness * voice[None],
        "bands": without_mean(phrase.bands[0])[None],
        "trust": np.float32(weight) * phrase.trust,
        "hiss": _hiss(phrase.frames, chance),
        "shade": (chance.random((1, 1, phrase.bands.shape[2])) > SHADED).astype(np.float32),
    }
    style, offsets = session.run([network.SLOPE, network.OFFSETS_SLOPE], inputs)
    return Learnt(style=style[0], offsets=offsets[0])


def _hiss(frames: int, chance: np.random.Generator) -> Array:
    """The noise of a room, another one each time."""
    from scipy.signal import lfilter

    white = chance.standard_normal(frames * network.FRAME)
    room = lfilter([1.0], [1.0, -_ROOM], white) * np.sqrt(1.0 - _ROOM**2)
    level = HISS * 10 ** (-chance.random())
    return np.asarray(level * room, np.float32)[None, None]


def _part(lesson: Lesson, turn: int) -> Lesson:
    """A part of a long phrase, another one each time it comes up."""
    spare = lesson.phrase.frames - LONGEST_FRAMES
    if spare <= 0:
        return lesson
    start = round(spare * (turn * _GOLDEN % 1.0))
    return replace(lesson, phrase=lesson.phrase.part(start, LONGEST_FRAMES))


def learn(
    session: onnxruntime.InferenceSession,
    lessons: Sequence[Lesson],
    *,
    start: Array,
    voice: Array,
    within: Space,
    pace: Pace,
    seed: int,
    progress: Callable[[float], None],
) -> Learnt:
    """The style and the offsets with which the lessons lose least: the mean of the last third of the way.

    Args:
        lessons: taken in turn, one a step.
        start: the style to begin with, ``(128,)``.
        voice: the wanted speaker vector, of unit length.
        seed: of what is laid over the sound.
        progress: told the share that is done after each step; may raise.
    """
    chance = np.random.default_rng(seed)
    place, offsets = within.place(start), np.zeros(OFFSETS_SIZE, np.float32)
    places, nudges = _Adam(pace, together=True), _Adam(pace, together=False)
    kept: list[tuple[Array, Array]] = []
    for step in range(pace.steps):
        turn, which = divmod(step, len(lessons))
        at = Learnt(style=within.style(place), offsets=offsets)
        found = slope(session, _part(lessons[which], turn), at, voice, chance)
        left = 1.0 - 0.9 * step / pace.steps
        inner = within.axes @ found.style + 2 * pace.pull / len(place) * place
        place = (place - pace.stride * left * places.way(inner)).astype(np.float32)
        if step >= pace.steps * pace.style_alone:
            offsets = (offsets - pace.nudge * left * nudges.way(found.offsets)).astype(np.float32)
        if step >= pace.steps * 2 // 3:
            kept.append((place, offsets))
        progress((step + 1) / pace.steps)
    mean_place, mean_offsets = (np.mean(parts, axis=0).astype(np.float32) for parts in zip(*kept, strict=True))
    return Learnt(style=within.style(mean_place), offsets=mean_offsets)


class _Adam:
    """The way that the mean of the last gradients points, in steps of about one in every coordinate."""

    def __init__(self, pace: Pace, *, together: bool) -> None:
        self._pace, self._together = pace, together
        self._first: Array = np.zeros((), np.float32)
        self._second: Array = np.zeros((), np.float32)
        self._number = 0

    def way(self, gradient: Array) -> Array:
        """Where to; ``together`` has one length for all coordinates, which keeps their proportions."""
        self._number += 1
        square = np.square(gradient)
        power = square.mean() if self._together else square
        self._first = self._pace.momentum * self._first + (1 - self._pace.momentum) * gradient
        self._second = self._pace.memory * self._second + (1 - self._pace.memory) * power
        first = self._first / (1 - self._pace.momentum**self._number)
        second = self._second / (1 - self._pace.memory**self._number)
        return np.asarray(first / (np.sqrt(second) + 1e-8), np.float32)
