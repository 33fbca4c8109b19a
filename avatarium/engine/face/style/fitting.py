"""Learn how a person speaks from a clip of them talking, and say whether it is worth having."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.coarticulation import segments
from avatarium.engine.face.style.error import errors
from avatarium.engine.face.style.heldback import Flags, Fold, folds, speech_frames
from avatarium.engine.face.style.lesson import Lesson, learn
from avatarium.engine.face.style.matching import Match, earlier, match_sound
from avatarium.engine.face.style.movement import own_movement
from avatarium.engine.face.style.record import SpeakingStyle
from avatarium.engine.face.visemes import Viseme
from avatarium.engine.speech.records import Speech

if TYPE_CHECKING:  # tracking brings a detector along
    from avatarium.engine.face.video.measures import Measures

FPS = 25.0
LEAST_SPEECH_S, GOOD_SPEECH_S = 3.5, 15.0
"""Sounds alone, without pauses."""
LEAST_VISEMES, _HEARD_S = 8, 0.08
"""Kinds of sounds that must be heard, and how long for one to count."""
LEAST_GAIN = 0.03
"""Share of the general model's error that must be gone on seconds that were held back."""
_WORTH_OF_MOVEMENT = 0.01

Progress = Callable[[float], None]
"""Told the share that is done, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """What came of a clip. Errors are mean distances of the lips' edges in IOD over seconds that did not teach."""

    style: SpeakingStyle | None
    reason: str
    """A sentence for the person who gave the clip: why there is no style; empty where there is one."""
    general_error: float | None = None
    """Of the general model; None where it did not come to that."""
    personal_error: float | None = None
    offset_frames: float = 0.0
    """How far the sound comes behind the picture, in frames of 40 ms; put right before fitting, in both models."""
    likeness: float = 0.0
    """Correlation of the mouth seen with the mouth that the general model makes of the sound, at that offset."""
    seconds_used: float = 0.0
    """Of speech with the mouth in view."""
    visemes_seen: int = 0

    @property
    def gain(self) -> float:
        """Share of the general model's error that the personal one is better by; below zero, worse."""
        if not self.general_error or self.personal_error is None:
            return 0.0
        return 1 - self.personal_error / self.general_error


def fit_style(
    measures: Measures,
    speech: Speech,
    *,
    shown: NDArray[Any] | None = None,
    progress: Progress | None = None,
) -> Fitting:
    """Fit the personal lip model, and examine it on every second of the clip by models that had not seen that second.

    Takes a few seconds of CPU for a minute of clip. Deterministic.

    Args:
        measures: of a clip at 25 frames a second.
        speech: its own sound, recognised; zero at the first frame.
        shown: how well the mouth is seen in each frame, 0 to 1; None where it always is.
        progress: told how far the work is.
    """
    tell = progress or _silent
    rows = np.ones(len(measures.controls), bool) if shown is None else np.asarray(shown) > 0.5
    heard = Fitting(
        style=None, reason="", seconds_used=_seconds(speech, rows), visemes_seen=_visemes(speech, len(rows))
    )
    if reason := _too_little(heard):
        return replace(heard, reason=reason)
    match = match_sound(measures.controls, speech, rows, FPS)
    heard = replace(heard, offset_frames=match.offset_frames, likeness=match.likeness)
    if reason := _strange(match):
        return replace(heard, reason=reason)
    tell(0.1)
    lesson = Lesson.of(measures, earlier(speech, match.offset_frames / FPS), FPS)
    rows &= speech_frames(lesson.speech, len(rows), FPS)
    exam = _examined(lesson, rows, tell)
    own = exam.moved_error < (1 - _WORTH_OF_MOVEMENT) * exam.personal_error
    fitting = replace(
        heard, general_error=exam.general_error, personal_error=exam.moved_error if own else exam.personal_error
    )
    if exam.personal_error > (1 - LEAST_GAIN) * exam.general_error:
        return replace(fitting, personal_error=exam.personal_error, reason=_no_better(exam))
    style = learn(lesson, rows)
    tell(1.0)
    return replace(fitting, style=replace(style, own=own_movement(measures, rows)) if own else style)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exam:
    """Mean errors over all frames of speech, each made by a model that was taught without it."""

    general_error: float
    personal_error: float
    moved_error: float
    """With the person's own movement of the skin too."""


def _examined(lesson: Lesson, rows: Flags, tell: Progress) -> _Exam:
    general, personal, moved = [], [], []
    divided = list(folds(rows, lesson.fps))
    usual = lesson.curves(None)
    for number, fold in enumerate(divided):
        asked = np.flatnonzero(fold.asked)
        style = _taught(lesson, fold)
        made = lesson.curves(style)
        general.append(errors(lesson.measures, usual, asked))
        personal.append(errors(lesson.measures, made, asked))
        moved.append(errors(lesson.measures, made, asked, style.basis))
        tell(0.1 + 0.7 * (number + 1) / len(divided))
    means = (float(np.concatenate(found).mean()) for found in (general, personal, moved))
    return _Exam(general_error=next(means), personal_error=next(means), moved_error=next(means))


def _taught(lesson: Lesson, fold: Fold) -> SpeakingStyle:
    return replace(learn(lesson, fold.taught), own=own_movement(lesson.measures, fold.taught))


def _seconds(speech: Speech, shown: Flags) -> float:
    """Sounds of speech while the mouth is seen."""
    at = (np.arange(len(shown)) + 0.5) / FPS
    sounding = np.zeros(len(shown), bool)
    for p in speech.phonemes:
        sounding |= (at >= p.start_s) & (at < p.end_s)
    return float((sounding & shown).sum() / FPS)


def _visemes(speech: Speech, frames: int) -> int:
    heard: Counter[Viseme] = Counter()
    for s in segments(speech.phonemes):
        if s.viseme is not Viseme.SILENCE and s.start_s < frames / FPS:
            heard[s.viseme] += round(1000 * (s.end_s - s.start_s))
    return sum(length >= 1000 * _HEARD_S for length in heard.values())


def _too_little(heard: Fitting) -> str:
    if heard.seconds_used < LEAST_SPEECH_S:
        return (
            f"The clip holds {heard.seconds_used:.1f} s of speech with the mouth in view; {LEAST_SPEECH_S:.1f} s are "
            f"the least and {GOOD_SPEECH_S:.0f} s are good. Use one in which the person talks all the time, the mouth "
            "free of hands and microphones."
        )
    if heard.visemes_seen < LEAST_VISEMES:
        return (
            f"Only {heard.visemes_seen} kinds of sounds are heard and {LEAST_VISEMES} are the least. Use a clip in "
            "which whole sentences are spoken."
        )
    return ""


def _strange(match: Match) -> str:
    if not match.belongs:
        return (
            "The sound does not belong to the picture: the mouth does not move as the words are said. Use the clip "
            "with its own sound, of one person speaking."
        )
    if not match.near:
        behind = "behind" if match.offset_frames > 0 else "before"
        return (
            f"The sound comes {abs(match.offset_frames) / FPS:.2f} s {behind} the picture. Use a clip in which they "
            "are in step."
        )
    return ""


def _no_better(exam: _Exam) -> str:
    gain = 100 * (1 - exam.personal_error / exam.general_error)
    compared = f"{gain:.1f} % better" if gain > 0 else f"{-gain:.1f} % worse"
    return (
        f"On seconds that it had not seen, the personal model was {compared} than the general one, and "
        f"{100 * LEAST_GAIN:.0f} % better is the least. A longer clip with clear speech and a steady head may do it."
    )


def _silent(share: float) -> None:
    """The progress of somebody who does not watch."""
