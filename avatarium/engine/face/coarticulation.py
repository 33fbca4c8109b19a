"""From phonemes in time to mouth controls frame by frame.

Each sound pulls the mouth towards its target with a strength that rises before and fades after it, and the mouth is
where the pulls balance (dominance functions, Cohen and Massaro 1993). Rounding reaches further than opening. Fast
speech undershoots by itself: the pulls keep their length while the sounds get shorter. Lips meet for every p, b and
m.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.pose import Floats, Mouth
from avatarium.engine.face.style.record import GENERAL, SpeakingStyle
from avatarium.engine.face.visemes import Viseme, visemes_of
from avatarium.engine.speech.records import Phoneme

OVERSAMPLING = 4
"""Controls are computed at this many times the frame rate and smoothed down."""
RISE_S, FALL_S = 0.055, 0.050
"""How early a sound's pull begins and how late it ends."""
WIDTH_RISE_S, WIDTH_FALL_S = 0.090, 0.070
STEADY = 0.7
"""Share of a sound's length over which its pull is whole."""
SHORTEST_S = 0.004
CLOSED_GAP, PRESSED_GAP = -0.006, -0.012
CONTEXT_S = 0.6
"""Sounds further away than this do not matter to a frame."""
SCENE_END_S = 1.0

STRESSED, UNSTRESSED, UNMARKED = 1.26, 1.03, 1.13
"""Factors on the opening of vowels; the last where a speech tells no stress at all, as recognised ones do, and every
vowel opens as vowels do on average."""
_VOWELS = frozenset("aeiouyæɑɒɔɐɛɜɪʊʌəøœɨʉɯɤɚɝᵻᵊ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One viseme in time."""

    viseme: Viseme
    start_s: float
    end_s: float
    emphasis: float
    """Factor on how far the mouth opens."""


def segments(phonemes: Sequence[Phoneme], *, marked: bool | None = None) -> list[Segment]:
    """Visemes in time; a diphthong's parts share its length, gaps become silence.

    Args:
        phonemes: in order of time.
        marked: whether the speech that they are of tells stress; None if they are all of it.
    """
    marked = _tells_stress(phonemes) if marked is None else marked
    found: list[Segment] = []
    for phoneme in phonemes:
        if phoneme.end_s - phoneme.start_s < SHORTEST_S:
            continue
        if found and phoneme.start_s - found[-1].end_s > 0.02:
            found.append(_silence(found[-1].end_s, phoneme.start_s))
        visemes = visemes_of(phoneme.ipa)
        edges = np.linspace(phoneme.start_s, phoneme.end_s, len(visemes) + 1)
        emphasis = _emphasis(phoneme, marked)
        found += [
            Segment(viseme=v, start_s=float(a), end_s=float(b), emphasis=emphasis)
            for v, a, b in zip(visemes, edges[:-1], edges[1:], strict=True)
        ]
    return found


def _silence(start_s: float, end_s: float) -> Segment:
    return Segment(viseme=Viseme.SILENCE, start_s=start_s, end_s=end_s, emphasis=1.0)


def _tells_stress(phonemes: Sequence[Phoneme]) -> bool:
    return any(phoneme.stress for phoneme in phonemes)


def _emphasis(phoneme: Phoneme, marked: bool) -> float:
    if not any(c in _VOWELS for c in phoneme.ipa):
        return 1.0
    if not marked:
        return UNMARKED
    return STRESSED if phoneme.stress == 1 else UNSTRESSED if phoneme.stress == 0 else 1.0


def mouth_controls(
    phonemes: Sequence[Phoneme],
    frames: int,
    fps: float,
    *,
    start_s: float = 0.0,
    loudness: Floats | None = None,
    style: SpeakingStyle | None = None,
) -> Floats:
    """Controls at the time of each frame.

    Args:
        phonemes: in order of time.
        frames: how many frames.
        fps: frames a second; frame ``i`` stands at ``start_s + i / fps``.
        start_s: time of the first frame.
        loudness: 0..1 for each frame against the voice's own usual level of .5; None for a level voice.
        style: how this person speaks; None speaks as most people do.

    Returns:
        Shape ``(frames, 6)``, columns by :class:`Mouth`.
    """
    if frames <= 0:
        return np.zeros((0, len(Mouth)), np.float32)
    style = style or GENERAL
    spoken, times = scene(phonemes, frames, fps, start_s)
    fine, gate = _blend(spoken, times, style), closure(spoken, times)
    fine[:, Mouth.OPEN] = fine[:, Mouth.OPEN] * (1 - gate) + PRESSED_GAP * gate
    fine[:, Mouth.UP] *= 1 - 0.8 * gate
    controls = smooth(fine)[::OVERSAMPLING].astype(np.float32)
    if loudness is not None:
        _emphasise(controls, loudness, style.loud_share)
    shut = _around_frames(gate) > 0.95
    controls[shut, Mouth.OPEN] = np.minimum(controls[shut, Mouth.OPEN], CLOSED_GAP)
    return controls


def scene(
    phonemes: Sequence[Phoneme], frames: int, fps: float, start_s: float
) -> tuple[list[Segment], NDArray[np.float64]]:
    """What is said near a stretch of frames, with silence around it, and the fine times at which it is blended."""
    end_s = start_s + frames / fps
    near = [p for p in phonemes if p.end_s > start_s - CONTEXT_S and p.start_s < end_s + CONTEXT_S]
    times = start_s + np.arange(frames * OVERSAMPLING) / (fps * OVERSAMPLING)
    return _with_silence_around(segments(near, marked=_tells_stress(phonemes)), start_s, end_s), times


def _with_silence_around(spoken: list[Segment], start_s: float, end_s: float) -> list[Segment]:
    first = spoken[0].start_s if spoken else end_s + SCENE_END_S
    last = spoken[-1].end_s if spoken else end_s + SCENE_END_S
    before = _silence(min(first, start_s) - SCENE_END_S, first)
    return [before, *spoken, _silence(last, max(last, end_s) + SCENE_END_S)]


def _blend(spoken: list[Segment], times: NDArray[np.float64], style: SpeakingStyle) -> NDArray[np.float64]:
    """Balance of all pulls at each time, shape ``(times, 6)``."""
    targets = np.array([_target(s, style) for s in spoken])
    share, share_of_width = shares(spoken, times, style)
    blended: NDArray[np.float64] = share @ targets
    blended[:, Mouth.WIDTH] = share_of_width @ targets[:, Mouth.WIDTH]
    return blended


def shares(
    spoken: list[Segment], times: NDArray[np.float64], style: SpeakingStyle
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How much each sound has of the mouth at each time, all but its width and then its width.

    Returns:
        Two of shape ``(times, segments)``; rows sum to 1.
    """
    centre = np.array([(s.start_s + s.end_s) / 2 for s in spoken])
    half = np.array([(s.end_s - s.start_s) / 2 for s in spoken])
    shape = np.array([style.target(s.viseme).dominance for s in spoken])
    width = np.array([style.target(s.viseme).width_dominance for s in spoken])
    pull = shape * _pull(times, centre, half, RISE_S, FALL_S)
    pull_width = width * _pull(times, centre, half, WIDTH_RISE_S, WIDTH_FALL_S)
    return pull / pull.sum(1, keepdims=True), pull_width / pull_width.sum(1, keepdims=True)


def _target(segment: Segment, style: SpeakingStyle) -> list[float]:
    t, k = style.target(segment.viseme), segment.emphasis
    return [t.open * k if t.open > 0 else t.open, t.width, t.chin * k, t.up * k, t.tuck, t.tongue]


def _pull(
    times: NDArray[np.float64], centre: NDArray[np.float64], half: NDArray[np.float64], rise_s: float, fall_s: float
) -> NDArray[np.float64]:
    """Strength of every segment at every time, shape ``(times, segments)``."""
    away = times[:, None] - centre
    outside = np.maximum(np.abs(away) - STEADY * half, 0)
    reach = outside / np.where(away < 0, rise_s, fall_s)
    pull: NDArray[np.float64] = np.exp(-(reach**1.2)) + 1e-9
    return pull


def closure(spoken: list[Segment], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 where a p, b or m holds the lips shut, fading to 0 beside it, shape ``(times,)``."""
    gate = np.zeros(len(times))
    for s in spoken:
        if s.viseme is Viseme.P_B_M:
            half = max(0.8 * (s.end_s - s.start_s) / 2, 0.028)
            gate = np.maximum(gate, np.clip(1.6 - np.abs(times - (s.start_s + s.end_s) / 2) / half, 0, 1))
    return gate


def smooth(fine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take the steps out of curves at :data:`OVERSAMPLING` times the frame rate, shape ``(times, curves)``."""
    window = np.hanning(2 * OVERSAMPLING + 3)[1:-1]
    padded = np.pad(fine, ((OVERSAMPLING, OVERSAMPLING), (0, 0)), mode="edge")
    columns = [np.convolve(padded[:, k], window / window.sum(), "valid") for k in range(fine.shape[1])]
    return np.stack(columns, axis=1)


def _around_frames(gate: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest value within half a frame of each frame: a short p between two frames must show in the nearer one."""
    half = OVERSAMPLING // 2
    padded = np.pad(gate, (half, half), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, OVERSAMPLING + 1)
    nearest: NDArray[np.float64] = windows[::OVERSAMPLING].max(1)
    return nearest


def _emphasise(controls: Floats, loudness: Floats, share: float) -> None:
    """Open wider where the voice is loud, less where it is soft. In place; shut lips stay shut."""
    factor = 1 + share * (np.clip(loudness, 0, 1) - 0.5)
    for column in (Mouth.OPEN, Mouth.CHIN):
        controls[:, column] *= np.where(controls[:, column] > 0, factor, 1.0)
