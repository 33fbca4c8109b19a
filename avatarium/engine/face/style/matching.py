"""Whether a sound belongs to a picture, and how far the one lies from the other.

The mouth that is seen is held against the mouth that the words ask for, shifted frame by frame: sound of the same
take stands out from every other shift of itself (as SyncNet judges, Chung and Zisserman 2016, here without a network).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from avatarium.engine.face.coarticulation import mouth_controls
from avatarium.engine.face.life import loudness_of
from avatarium.engine.face.pose import Floats
from avatarium.engine.speech.records import Speech

FARTHEST_FRAMES = 5
"""Sound that lies further from its picture is not put right."""
_SEARCHED, _STRANGE = 8, 12
"""Shifts among which the match is looked for, and from which on a shift is surely wrong."""
LEAST_LIKENESS, LEAST_CLEAR = 0.29, 2.9
"""Six clips with their own sound reach .30 to .54 and 3.0 to 6.6. Of 76 that were given other speech none reaches both
at an offset that can be put right."""
_DRIFT_FRAMES = 8
"""Slower movement than this is mood and pose, not speech."""
_WEIGHTS = np.array([1.0, 1.0, 0.5, 0.5])
"""Opening and width tell most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """How a sound lies to a picture."""

    offset_frames: float
    """How far the sound comes behind the picture; below zero, before it."""
    likeness: float
    """Correlation of the mouth seen and the mouth asked for, at that offset."""
    clear: float
    """How far this stands out from wrong offsets, in their standard deviations."""

    @property
    def belongs(self) -> bool:
        """Whether it is the sound of this picture."""
        return self.likeness >= LEAST_LIKENESS and self.clear >= LEAST_CLEAR

    @property
    def near(self) -> bool:
        """Whether the offset is one that can be put right."""
        return abs(self.offset_frames) <= FARTHEST_FRAMES


def match_sound(controls: Floats, speech: Speech, shown: NDArray[np.bool_], fps: float) -> Match:
    """Find the offset at which a speech fits the mouth that was seen.

    Args:
        controls: measured, shape ``(frames, 4 or more)``; a second of them at least.
        speech: its zero stands at the first frame.
        shown: whether the mouth is seen, shape ``(frames,)``.
        fps: frames a second.
    """
    frames = len(controls)
    asked = mouth_controls(speech.phonemes, frames, fps, loudness=loudness_of(speech, frames, fps))
    seen, said = _standard(controls[:, :4]) * shown[:, None], _standard(asked[:, :4])
    shifts = np.arange(frames) - frames // 2
    likeness = np.array([(seen * np.roll(said, -shift, axis=0)).mean(0) @ _WEIGHTS for shift in shifts])
    likeness /= _WEIGHTS.sum() * max(float(shown.mean()), 1e-6)
    strange = likeness[np.abs(shifts) > _STRANGE]
    near = np.flatnonzero(np.abs(shifts) <= _SEARCHED)
    best = int(near[likeness[near].argmax()])
    deviation = max(float(strange.std()), 1e-6) if len(strange) else np.inf
    return Match(
        offset_frames=float(shifts[best]) + _between(likeness, best),
        likeness=float(likeness[best]),
        clear=float((likeness[best] - strange.mean()) / deviation) if len(strange) else 0.0,
    )


def earlier(speech: Speech, by_s: float) -> Speech:
    """A speech that begins so much earlier; what would come before the beginning is cut off."""
    samples = round(by_s * speech.rate)
    audio = speech.audio[samples:] if samples >= 0 else np.pad(speech.audio, (-samples, 0))
    moved = tuple(replace(p, start_s=p.start_s - by_s, end_s=p.end_s - by_s) for p in speech.phonemes)
    return replace(speech, audio=audio, phonemes=moved, words=())


def _standard(curves: Floats) -> NDArray[np.float64]:
    """Without drift, mean 0 and deviation 1."""
    quick = curves.astype(np.float64) - gaussian_filter1d(curves.astype(np.float64), _DRIFT_FRAMES, axis=0)
    standard: NDArray[np.float64] = (quick - quick.mean(0)) / np.maximum(quick.std(0), 1e-9)
    return standard


def _between(likeness: NDArray[np.float64], best: int) -> float:
    """Where between two frames the peak lies: the top of the parabola through three points."""
    if not 0 < best < len(likeness) - 1:
        return 0.0
    before, top, after = likeness[best - 1 : best + 2]
    bend = before - 2 * top + after
    return float(np.clip((before - after) / 2 / bend, -0.5, 0.5)) if bend < 0 else 0.0
