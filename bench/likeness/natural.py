"""The same figures over real talking people: what the bars are read against."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from avatarium.engine.speech.records import Phoneme
from bench.likeness import series, sync
from bench.likeness.align import RATE, align_words, guess_phonemes
from bench.likeness.clip import read_sound
from bench.likeness.measure import assess
from bench.likeness.report import BARS, NATURAL_FILE, Likeness, Range
from bench.likeness.watch import find_face_track, watch_pictures

SYNC_FIGURES = frozenset(
    {"offset_frames", "correlation", "closure_rate", "rounding", "opening_p95", "mouth_motion_ratio"}
)
"""Figures that are only true where the words are known and sound and picture belong together."""
RATE_FIGURES = frozenset({"blinks_per_minute"})
RATE_NEEDS_S = 5.0

_GRID_WORDS: tuple[Mapping[str, str], ...] = (
    {"b": "bin", "l": "lay", "p": "place", "s": "set"},
    {"b": "blue", "g": "green", "r": "red", "w": "white"},
    {"a": "at", "b": "by", "i": "in", "w": "with"},
    {letter: letter for letter in "abcdefghijklmnopqrstuvxyz"},
    dict(
        zip(
            "z123456789",
            ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
            strict=True,
        )
    ),
    {"a": "again", "n": "now", "p": "please", "s": "soon"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One real clip of the test media."""

    file: str
    words: str = ""
    """What is said; empty where it is not known: its sounds are guessed and its sync figures are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A real clip with its figures and its lag curve."""

    clip: Clip
    likeness: Likeness
    curve: series.Series


def grid_words(code: str) -> str:
    """Words of a sentence of the GRID corpus from its code: ``bbaf2n`` is "bin blue at f two now"."""
    return " ".join(table[letter] for table, letter in zip(_GRID_WORDS, code, strict=True))


GRID = tuple(
    Clip(file=f"grid-{code}.mpg", words=grid_words(code))
    for code in ("bbaf2n", "lbax4n", "lbbc2a", "lrwp9a", "lwbsza", "sbia1a", "swiz3n")
)
OTHERS = tuple(
    Clip(file=name)
    for name in (
        "man-suit-700.mp4",
        "man-glasses-480.mp4",
        "woman-blue-700.mp4",
        "woman-expressive-512.mp4",
        "woman-flag-512.mp4",
        "woman-flag-590.mp4",
    )
)


def media_folder() -> Path:
    """Where the test media lie: ``AVATARIUM_TEST_MEDIA``, or ``../shared/media`` beside the checkout."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "media"
    return Path(os.environ.get("AVATARIUM_TEST_MEDIA", str(beside)))


def phonemes_of(video: Path, words: str) -> tuple[Phoneme, ...]:
    """Aligned phonemes of known words, or guessed ones where ``words`` is empty."""
    sound = read_sound(video, RATE)
    return align_words(sound, words) if words else guess_phonemes(sound)


def measure_clip(folder: Path, clip: Clip) -> Measured:
    """Measure one real clip against its own first frame."""
    video = folder / "talking-videos" / clip.file
    phonemes = phonemes_of(video, clip.words)
    face = find_face_track(video)
    likeness = assess(face, watch_pictures(video, face), phonemes)
    curve = sync.lag_curve(face.times_s, series.opening(face.track), phonemes)
    return Measured(clip=clip, likeness=likeness, curve=curve)


def measure_all(folder: Path, progress: Callable[[int, Measured], None]) -> list[Measured]:
    """Measure every real clip; ``progress`` is called with the number and figures of each."""
    found = []
    for index, clip in enumerate((*GRID, *OTHERS), start=1):
        found.append(measure_clip(folder, clip))
        progress(index, found[-1])
    return found


def pooled_peak(measured: Iterable[Measured]) -> sync.Peak:
    """Peak of the mean lag curve of the clips whose words are known."""
    return sync.peak(np.mean([one.curve for one in measured if one.clip.words], axis=0))


def ranges(measured: Iterable[Measured]) -> dict[str, Range]:
    """Smallest, median and largest value of each figure over the clips that allow it."""
    clips = list(measured)
    found = {}
    for bar in BARS:
        values = [value for one in clips if (value := _allowed(bar.figure, one)) is not None]
        if values:
            low, median, high = (round(float(v), 4) for v in (min(values), np.median(values), max(values)))
            found[bar.figure] = Range(low=low, median=median, high=high, clips=len(values))
    return found


def _allowed(figure: str, one: Measured) -> float | None:
    if figure in SYNC_FIGURES and not one.clip.words:
        return None
    if figure in RATE_FIGURES and one.likeness.duration_s < RATE_NEEDS_S:
        return None
    value: float | None = getattr(one.likeness, figure)
    return value


def save(measured: Iterable[Measured], path: Path = NATURAL_FILE) -> None:
    """Write the ranges beside the package, where the report reads them."""
    clips = list(measured)
    data = {
        "clips": [one.clip.file for one in clips],
        "pooled": asdict(pooled_peak(clips)),
        "ranges": {figure: asdict(span) for figure, span in ranges(clips).items()},
    }
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
