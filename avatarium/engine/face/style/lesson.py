"""A clip as material to learn from, and what a style is after so many of its frames."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.coarticulation import mouth_controls
from avatarium.engine.face.expression import fields
from avatarium.engine.face.pose import Floats, Mouth
from avatarium.engine.face.style.design import CONTROLS, VISEMES, Design, design_of, targets_of
from avatarium.engine.face.style.error import LIPS
from avatarium.engine.face.style.heldback import Flags, folds
from avatarium.engine.face.style.record import BOUNDS, GENERAL, LOUD_SHARE, SpeakingStyle
from avatarium.engine.face.style.regression import fit_targets, predicted
from avatarium.engine.face.visemes import Target, Viseme
from avatarium.engine.speech.records import Speech

if TYPE_CHECKING:  # tracking brings a detector along
    from avatarium.engine.face.video.measures import Measures

Array = NDArray[np.float64]

LOUD_SHARES = (0.0, 0.15, LOUD_SHARE, 0.5, 0.7)
SHARES = (0.0, 0.5, 1.0)
"""How much of what was learnt about a control is used."""
_WORTH = 0.02
"""What an unusual way with loudness must lower the error by. (Longer pulls lower it for everybody, and by the same:
recognised sounds are not quite in time. Learnt, they would make a mouth mumble to speech whose times are exact.)
"""
_LIVELIEST, _LEAST_LIVELY = 1.6, 0.6
"""A mouth that fits best by hardly moving is opened further, up to this share of the movement seen."""
_NARROW: dict[Viseme, float] = {Viseme.F_V: 0.08, Viseme.BILABIAL_FRICATIVE: 0.06, Viseme.W: 0.09}
"""Openings (IOD) beyond which a sound no longer looks like itself, however it was measured."""
_FOLDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """One clip with its sound in step."""

    measures: Measures
    speech: Speech
    """Its zero stands at the first frame."""
    fps: float
    controls: Array
    """Measured, shape ``(frames, 4)``."""
    design: Design
    """Of the speech, for a level voice."""

    @classmethod
    def of(cls, measures: Measures, speech: Speech, fps: float) -> Lesson:
        """Lay a clip and its speech together."""
        frames = len(measures.controls)
        return cls(
            measures=measures,
            speech=speech,
            fps=fps,
            controls=measures.controls[:, :4].astype(np.float64),
            design=design_of(speech, frames, fps),
        )

    def curves(self, style: SpeakingStyle | None) -> Floats:
        """What a mouth of that style does in the clip, shape ``(frames, 6)``."""
        return mouth_controls(
            self.speech.phonemes,
            len(self.controls),
            self.fps,
            loudness=self.design.loudness.astype(np.float32),
            style=style,
        )


def learn(lesson: Lesson, rows: Flags) -> SpeakingStyle:
    """The style that some frames teach; the share of loudness and the trust in each control are settled among them."""
    loud_share, shares = _settled(lesson, rows)
    targets = fit_targets(lesson.design.emphasised(loud_share), lesson.controls, rows.astype(float), lesson.fps)
    return _enlivened(lesson, rows, styled(_believed(targets, shares), loud_share))


def styled(targets: Array, loud_share: float = LOUD_SHARE) -> SpeakingStyle:
    """A style of fitted targets, shape ``(visemes, 4)``, each within what a mouth can do."""
    return SpeakingStyle(
        targets=tuple(_plausible(viseme, row) for viseme, row in zip(VISEMES, targets, strict=True)),
        loud_share=loud_share,
    )


def _plausible(viseme: Viseme, numbers: Array) -> Target:
    least = -0.012 if viseme is Viseme.P_B_M else 0.0
    most = _NARROW.get(viseme, BOUNDS["open"][1])
    opening, width, chin, up = (float(n) for n in numbers)
    return replace(
        GENERAL.target(viseme),
        open=min(max(opening, least), most),
        width=_within(width, "width"),
        chin=_within(chin, "chin"),
        up=_within(up, "up"),
    )


def _within(number: float, name: str) -> float:
    low, high = BOUNDS[name]
    return min(max(number, low), high)


def _believed(targets: Array, shares: Array) -> Array:
    usual = targets_of(GENERAL)
    believed: Array = usual + (targets - usual) * shares
    return believed


def _settled(lesson: Lesson, rows: Flags) -> tuple[float, Array]:
    """The share of loudness, and how much of what is learnt to use for each control, by cross-validation."""
    found = {share: _errors(lesson, rows, share) for share in LOUD_SHARES}
    total = {share: float(errors.min(0) @ _importance()) for share, errors in found.items()}
    best = min(LOUD_SHARES, key=total.__getitem__)
    if total[best] > (1 - _WORTH) * total[LOUD_SHARE]:
        best = LOUD_SHARE
    return best, np.array(SHARES)[found[best].argmin(0)]


def _errors(lesson: Lesson, rows: Flags, loud_share: float) -> Array:
    """Squares of what is left of each control at each of :data:`SHARES`, shape ``(shares, 4)``."""
    design, errors = lesson.design.emphasised(loud_share), []
    for fold in folds(rows, lesson.fps, _FOLDS):
        targets = fit_targets(design, lesson.controls, fold.taught.astype(float), lesson.fps)
        made = np.stack([predicted(design, _believed(targets, np.full(4, share))) for share in SHARES])
        errors.append(((made[:, fold.asked] - lesson.controls[fold.asked]) ** 2).sum(1))
    return np.sum(errors, axis=0) if errors else np.ones((len(SHARES), len(CONTROLS)))


def _importance() -> Array:
    """How far the lips' edges go for each control, squared, shape ``(4,)``."""
    lips = fields().mouth[:, list(LIPS), :2]
    return np.asarray((lips**2).sum(2).mean(1))


def _enlivened(lesson: Lesson, rows: Flags, style: SpeakingStyle) -> SpeakingStyle:
    """The style, opening further where it would mumble beside the person it was learnt from.

    Least squares answers timing that is not quite right with less movement, which looks worse than it measures.
    """
    seen = float(lesson.controls[rows, Mouth.OPEN].std())
    made = float(lesson.curves(style)[rows, Mouth.OPEN].std())
    factor = min(_LEAST_LIVELY * seen / max(made, 1e-6), _LIVELIEST)
    if factor <= 1:
        return style
    targets = targets_of(style)
    targets[:, [Mouth.OPEN, Mouth.CHIN]] *= factor
    targets[VISEMES.index(Viseme.P_B_M), Mouth.OPEN] /= factor
    return styled(targets, style.loud_share)
