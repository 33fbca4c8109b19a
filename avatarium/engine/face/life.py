"""What a face does besides forming sounds: head, eyes, brows, breath. Alive when silent, livelier when speaking.

Everything is a function of the scene's time, a seed and the piece of speech at hand, so that a scene can be made in
pieces and any piece made again; pieces meet with the same liveliness on both sides, so that joints do not show. Rates
and sizes are those of people talking to a camera (blinks: Bentivoglio et al. 1997).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.coarticulation import mouth_controls
from avatarium.engine.face.pose import FEELINGS, Emotion, Floats, Performance
from avatarium.engine.face.style.record import SpeakingStyle
from avatarium.engine.speech.records import Phoneme, Speech

Times = NDArray[np.float64]

BLINK_SHAPE_S = (0.0, 0.08, 0.12, 0.30)
"""Lids begin to fall, are shut, begin to rise, are open."""
BLINK_GAP_SHAPE, BLINK_GAP_SCALE_S, BLINK_GAP_S = 3.0, 1.15, (1.3, 7.0)
"""Gamma distribution of the gaps between blinks and its bounds: about 17 a minute."""
BREATH_HZ, BREATH_IOD = 0.27, 0.0036
EYEBALL_IOD = 0.13
"""Radius of the eyeball: how far an iris travels as the eye turns against the head to stay on the viewer."""
GAZE_LIMIT_IOD = 0.016
GOING_ON = 0.5
"""Liveliness of the head between two pieces of one speech."""
EASE_S = 0.4
"""How long the head takes to follow a piece of speech, and to come back for the next."""

_HEAD_HZ = np.array([0.28, 0.33, 0.25, 0.22, 0.26])
_HEAD_IDLE = np.array([np.radians(1.5), np.radians(1.0), np.radians(0.9), 0.008, 0.005])
_HEAD_SPEAKING = np.array([np.radians(2.6), np.radians(1.7), np.radians(1.7), 0.014, 0.008])
"""Standard deviation of yaw, pitch, roll (radians), shift right and down (IOD)."""
_NOD, _NOD_S = np.radians(1.5), 0.13
_BROW_NOISE, _BROW_ACCENT = 0.016, 0.020


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A temperament. Frozen: the same one may serve any number of scenes and threads."""

    seed: int = 0
    fps: float = 25.0
    emotion: Emotion = Emotion.NEUTRAL
    strength: float = 1.0
    """How much of the emotion shows, 0..1."""
    liveliness: float = 1.0
    """Factor on the movement of the head; 0 holds it still."""
    style: SpeakingStyle | None = None
    """How this person's mouth forms sounds; None as most people's does."""

    def perform(
        self,
        speech: Speech | None,
        frames: int,
        *,
        start_s: float = 0.0,
        edges: tuple[float, float] = (0.0, 0.0),
    ) -> Performance:
        """Poses for a stretch of a scene.

        Args:
            speech: what is said; its zero is the first frame. None to listen.
            frames: how many.
            start_s: the scene's time at the first frame.
            edges: how lively the head is at the first and after the last frame: 0 beside silence, :data:`GOING_ON`
                beside more speech, so that pieces join without a jerk.
        """
        t = start_s + np.arange(frames) / self.fps
        phonemes = speech.phonemes if speech else ()
        loudness = loudness_of(speech, frames, self.fps) if speech else np.zeros(frames, np.float32)
        ease = _ease(frames, self.fps)
        activity = _activity(loudness) * ease + np.linspace(*edges, frames) * (1 - ease)
        accents = _accents(phonemes, np.arange(frames) / self.fps, self.seed, start_s) * ease
        head = self._head(t, activity, accents)
        return Performance(
            fps=self.fps,
            mouth=mouth_controls(phonemes, frames, self.fps, loudness=loudness if speech else None, style=self.style),
            emotion=self._feeling(t),
            head=head.astype(np.float32),
            blink=self._blinks(t),
            gaze=self._gaze(t, head),
            brow=self._brows(t, activity, accents),
            breath=(BREATH_IOD * np.sin(2 * np.pi * BREATH_HZ * t)).astype(np.float32),
            first=round(start_s * self.fps),
        )

    def blinks_until(self, end_s: float) -> list[float]:
        """Scene times at which lids begin to fall."""
        random = np.random.default_rng([self.seed, 1])
        times = [float(random.uniform(0.6, 1.6))]
        while times[-1] < end_s:
            gap = np.clip(random.gamma(BLINK_GAP_SHAPE, BLINK_GAP_SCALE_S), *BLINK_GAP_S)
            times.append(times[-1] + float(gap))
        return times[:-1]

    def _head(self, t: Times, activity: Times, accents: Times) -> NDArray[np.float64]:
        size = _HEAD_IDLE + (_HEAD_SPEAKING - _HEAD_IDLE) * activity[:, None]
        drift = np.stack([noise(t, hz, self.seed, 10 + k) for k, hz in enumerate(_HEAD_HZ)], axis=1)
        head = drift * size
        head[:, 1] += _NOD * accents
        head[:, 4] += 0.008 * accents
        moved: NDArray[np.float64] = head * self.liveliness
        return moved

    def _blinks(self, t: Times) -> Floats:
        shut = np.zeros(len(t))
        for start in self.blinks_until(float(t[-1]) + 1 if len(t) else 0.0):
            shut = np.maximum(shut, np.interp(t - start, BLINK_SHAPE_S, (0, 1, 1, 0), left=0, right=0))
        return shut.astype(np.float32)

    def _gaze(self, t: Times, head: NDArray[np.float64]) -> Floats:
        """Small jumps of the eyes, and the counter-turn that keeps them on the viewer while the head moves."""
        step = np.floor(t / 1.1 + 0.35 * noise(t, 0.5, self.seed, 20)).astype(np.int64)
        jumps = np.stack([_normal(step, self.seed, 21) * 0.005, _normal(step, self.seed, 22) * 0.0025], axis=1)
        counter = EYEBALL_IOD * np.stack([np.sin(head[:, 0]), -np.sin(head[:, 1])], axis=1)
        return np.asarray(np.clip(jumps + counter, -GAZE_LIMIT_IOD, GAZE_LIMIT_IOD), dtype=np.float32)

    def _brows(self, t: Times, activity: Times, accents: Times) -> Floats:
        rise = _BROW_NOISE * np.maximum(noise(t, 0.45, self.seed, 30), -0.3) * (0.3 + 0.7 * activity)
        return np.asarray(np.clip(rise + _BROW_ACCENT * accents, -0.004, 0.035), dtype=np.float32)

    def _feeling(self, t: Times) -> Floats:
        shown = np.zeros((len(t), len(FEELINGS)), np.float32)
        if self.emotion in FEELINGS:
            breathing = 1 - 0.12 * np.clip(noise(t, 0.2, self.seed, 40), 0, 1.5)
            shown[:, FEELINGS.index(self.emotion)] = np.clip(self.strength, 0, 1) * breathing
        return shown


def noise(t: Times, hz: float, seed: int, channel: int) -> Times:
    """Smooth noise with mean 0 and deviation about 1: cubic B-spline over random knots, ``2 * hz`` a second."""
    at = t * 2 * hz
    first = np.floor(at).astype(np.int64)
    f = at - first
    weights = ((1 - f) ** 3, 3 * f**3 - 6 * f**2 + 4, -3 * f**3 + 3 * f**2 + 3 * f + 1, f**3)
    total = sum(w * _normal(first + k, seed, channel) for k, w in enumerate(weights))
    smooth: Times = np.asarray(total) / 6 / 0.69
    return smooth


def _normal(index: NDArray[np.int64], seed: int, channel: int) -> Times:
    """A fixed standard-normal number for each index (Box and Muller 1958), within 2.5."""
    one, two = (_uniform(2 * index + k, seed, channel) for k in (0, 1))
    numbers: Times = np.clip(np.sqrt(-2 * np.log(one)) * np.cos(2 * np.pi * two), -2.5, 2.5)
    return numbers


def _uniform(index: NDArray[np.int64], seed: int, channel: int) -> Times:
    """A fixed number between 0 and 1 for each index (SplitMix64, Steele, Lea and Flood 2014)."""
    key = np.uint64((seed * 0x9E3779B97F4A7C15 + channel * 0xD1B54A32D192ED03) % 2**64)
    with np.errstate(over="ignore"):
        z = index.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + key
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    uniform: Times = ((z >> np.uint64(11)).astype(np.float64) + 0.5) / 2**53
    return uniform


def loudness_of(speech: Speech, frames: int, fps: float) -> Floats:
    """Loudness of each frame, 0..1, .5 for the voice's usual level."""
    edges = (np.arange(frames + 1) * speech.rate / fps).astype(int).clip(0, len(speech.audio))
    squares = np.concatenate([[0.0], np.cumsum(speech.audio.astype(np.float64) ** 2)])
    power = (squares[edges[1:]] - squares[edges[:-1]]) / np.maximum(np.diff(edges), 1)
    level = np.sqrt(np.maximum(power, 0))
    voiced = level[level > 0.02 * level.max(initial=0)]
    usual = float(np.median(voiced)) if len(voiced) else 1.0
    smoothed = np.convolve(level, [0.25, 0.5, 0.25], "same") if frames > 2 else level
    return np.clip(smoothed / (2 * max(usual, 1e-6)), 0, 1).astype(np.float32)


def _activity(loudness: Floats) -> Times:
    """0 while listening to 1 in full speech, changing over half a second."""
    if not len(loudness):
        return np.zeros(0)
    window = np.hanning(15)
    padded = np.pad(loudness, len(window) // 2)
    return np.asarray(np.clip(2.2 * np.convolve(padded, window / window.sum(), "valid"), 0, 1), dtype=np.float64)


def _ease(frames: int, fps: float) -> Times:
    """0 at both ends of a stretch to 1 from :data:`EASE_S` on."""
    at = np.arange(frames)
    share = np.clip(np.minimum(at, frames - at) / (EASE_S * fps), 0, 1)
    eased: Times = share * share * (3 - 2 * share)
    return eased


def _accents(phonemes: tuple[Phoneme, ...], t: Times, seed: int, start_s: float) -> Times:
    """Beats on stressed syllables, some stronger than others, for nods and brows."""
    beats = [p for p in phonemes if p.stress == 1]
    if not beats:
        return np.zeros(len(t))
    at = np.array([(p.start_s + p.end_s) / 2 for p in beats])
    index = np.round((at + start_s) * 100).astype(np.int64)
    size = np.clip(0.35 + 0.45 * _normal(index, seed, 50), 0, 1.2)
    bells = np.exp(-(((t[:, None] - at) / _NOD_S) ** 2)) * size
    summed: Times = bells.max(1)
    return summed
