"""Advice before an avatar is made from a clip: a score, and sentences on what would make a better one.

Every aspect is a fact, a ramp from bad (0) to good (1), and a weight: the points of 100 that are lost where it is bad.
Weights add up to more than 100, so that several faults sink a clip that each alone would not. They follow what the
renderer needs: a face that is large, lit, sharp and in view most of the time comes before everything, since each frame
of the clip is shown again; sound only matters for the personal lip model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.pose import Mouth
from avatarium.engine.video.intake import CLIP_FPS
from avatarium.errors import FaceError, InputError

if TYPE_CHECKING:  # tracking brings a detector along
    from avatarium.engine.face.video.measures import Measures
    from avatarium.engine.face.video.tracking import Track
    from avatarium.engine.video.intake import Clip

Image = NDArray[np.uint8]
Facts = dict[str, float | bool]

SAMPLES = 40
"""Frames that are looked at closely."""
MENTIONED = 0.7
"""What is worse than this is put into words."""
LEAST_LIGHT, MOST_COVERED = 22.0, 0.5
"""Beyond these no avatar is made; what the track tells is judged by ``fitness``, as in the making."""
_TURNED_FAR_DEG = 34.0
REFUSED_AT_MOST = 20
"""Points that a clip has at most of which no avatar can be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What is thought of a clip."""

    score: int
    """0 to 100."""
    sentences: tuple[str, ...]
    """What to do better, what matters most first; where nothing is wrong, one sentence that says so."""
    facts: Facts
    """What was measured, for programs."""
    fit_to_train: bool
    """Whether an avatar can be made of it at all; where not, the first sentences say why."""
    reason: str = ""
    """Where not, the code of the first of the errors that its making would end with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aspect:
    """One thing that makes a clip better or worse."""

    fact: str
    bad: float
    """Where its quality is 0; it rises in a straight line to 1 at ``good``."""
    good: float
    weight: float
    sentence: str
    """May name the fact's value as ``{value}``."""
    none: str = ""
    """Said instead where the fact is 0."""

    def quality(self, facts: Facts) -> float:
        """0 to 1; 1 where it was not measured."""
        if self.fact not in facts:
            return 1.0
        return float(np.clip((float(facts[self.fact]) - self.bad) / (self.good - self.bad), 0, 1))

    def words(self, facts: Facts) -> str:
        """The sentence about this clip."""
        if self.none and round(float(facts[self.fact]), 2) <= 0:
            return self.none
        return self.sentence.format(value=float(facts[self.fact]))


ASPECTS = (
    Aspect(
        fact="seen_share", bad=0.5, good=0.98, weight=35,
        sentence="The face is seen in only {value:.0%} of the clip. Stay before the camera, facing it.",
    ),
    Aspect(
        fact="iod", bad=26, good=72, weight=30,
        sentence="The face is small: {value:.0f} pixels from eye to eye, and 70 or more are good. Come closer, or film "
        "with more pixels.",
    ),
    Aspect(
        fact="light", bad=25, good=75, weight=30,
        sentence="It is too dark. Turn on a lamp before you, or sit facing a window.",
    ),
    Aspect(
        fact="burnt", bad=0.35, good=0.04, weight=20,
        sentence="The light burns out parts of the face. Take the lamp farther away, or lower the exposure.",
    ),
    Aspect(
        fact="light_evenness", bad=0.3, good=0.72, weight=15,
        sentence="The light comes from one side: half of the face lies in shadow. Turn towards the lamp or window.",
    ),
    Aspect(
        fact="focus", bad=0.07, good=0.2, weight=25,
        sentence="The face is out of focus. Clean the lens, touch the face on the screen, use a good camera.",
    ),
    Aspect(
        fact="motion_blur", bad=0.5, good=0.12, weight=12,
        sentence="The picture is smeared by motion in {value:.0%} of the moments. Move more calmly, or use more light.",
    ),
    Aspect(
        fact="grain", bad=9.0, good=2.6, weight=18,
        sentence="The picture is grainy. Use more light, so that the camera need not amplify.",
    ),
    Aspect(
        fact="covered_share", bad=0.4, good=0.06, weight=30,
        sentence="Something covers the mouth in {value:.0%} of the clip. Keep hands and microphones away from it.",
    ),
    Aspect(
        fact="turned_deg", bad=36, good=17, weight=22,
        sentence="The head is turned {value:.0f} degrees away most of the time. Look into the camera.",
    ),
    Aspect(
        fact="turned_often", bad=0.5, good=0.12, weight=15,
        sentence="In {value:.0%} of the clip the head is turned far away. Look at the camera while you speak.",
    ),
    Aspect(
        fact="seen_s", bad=4, good=18, weight=15,
        sentence="The clip shows the face for {value:.0f} seconds. Half a minute shows more of how you move and speak.",
    ),
    Aspect(
        fact="others_share", bad=0.6, good=0.05, weight=12,
        sentence="Other people are in the picture in {value:.0%} of the clip; the avatar is made of the one with the "
        "largest face. Film one person alone.",
    ),
    Aspect(
        fact="cuts_a_minute", bad=20, good=1, weight=15,
        sentence="The clip is cut together from shots. Film in one go: only one shot can be played on without a jump.",
    ),
    Aspect(
        fact="shake", bad=0.8, good=0.25, weight=8,
        sentence="The head moves about the picture a lot. Put the camera on a stand and sit still.",
    ),
    Aspect(
        fact="mouth_range", bad=0.015, good=0.065, weight=14,
        sentence="The mouth hardly opens. Speak in the clip: your own teeth and lips are taken from it.",
    ),
    Aspect(
        fact="speech_share", bad=0.05, good=0.4, weight=8,
        sentence="Speech fills only {value:.0%} of the sound. Speak all the time, so that your way of speaking can be "
        "learnt.",
        none="Nobody is heard to speak. Speak all the time, so that your way of speaking can be learnt.",
    ),
    Aspect(
        fact="level_db", bad=-52, good=-34, weight=6,
        sentence="The sound is very quiet. Come closer to the microphone.",
    ),
    Aspect(
        fact="snr_db", bad=8, good=22, weight=8,
        sentence="There is much noise in the sound. Film in a quiet room, with the microphone near.",
    ),
    Aspect(
        fact="clipped", bad=0.01, good=0.0008, weight=6,
        sentence="The sound is overdriven. Turn the microphone down, or move it farther away.",
    ),
    Aspect(
        fact="sound", bad=0, good=1, weight=10,
        sentence="There is no sound. Film with sound if your own way of speaking shall be learnt.",
    ),
    Aspect(
        fact="ground_told_apart", bad=0.25, good=0.7, weight=6,
        sentence="Hair or clothes have the colours of what is behind. For other backgrounds film before a plain wall "
        "of another colour.",
    ),
)  # fmt: skip
"""All that counts; each has its weight in points."""

WELL = "Nothing is wrong with this clip."


def sample_numbers(frames: int) -> tuple[int, ...]:
    """Numbers of the frames that :func:`advise` shall be given, spread evenly over a clip."""
    return tuple(np.unique(np.linspace(0, frames - 1, SAMPLES).round().astype(int)).tolist())


def advise(sample: Mapping[int, Image], track: Track, measures: Measures, sound: Path | None, clip: Clip) -> Advice:
    """Judge a clip; takes a second or two.

    A track of which :func:`~avatarium.engine.face.video.preparation.prepare_twin` would make nothing is never called
    fit.

    Args:
        sample: frames of the clip by their number, RGB; those of :func:`sample_numbers`.
        track: of the whole clip.
        measures: of the track.
        sound: of the clip, as intake made it.
        clip: the clip itself.
    """
    facts = _track_facts(track, measures, clip)
    looked = {number: frame for number, frame in sample.items() if number < len(track) and track.seen[number]}
    if looked:
        from avatarium.engine.face import advice_picture as picture

        facts |= picture.face_facts(looked, track)
        facts |= {"covered_share": picture.covered_share(looked, track), "masked": picture.masked(looked, track)}
        facts |= picture.ground_facts(looked)
    from avatarium.engine.face.advice_sound import sound_facts

    facts |= sound_facts(sound)
    return judged(facts, _refused(track, measures))


def _refused(track: Track, measures: Measures) -> FaceError | InputError | None:
    """The error with which the making of an avatar would end, as far as the track tells."""
    from avatarium.engine.face.video import fitness

    try:
        fitness.refuse_unseen(track)
        fitness.refuse_unusable(track, measures)
    except (FaceError, InputError) as problem:
        return problem
    return None


_ABOUT = {
    "face_lost": "seen_share",
    "too_many_cuts": "cuts_a_minute",
    "face_too_small": "iod",
    "face_turned_away": "turned_deg",
}
"""The fact that an error is about, so that it is not said twice."""
_FOLLOWS = {"masked": {"mouth_range", "covered_share"}}
"""Facts that are so because of another, and say nothing more."""
_CODES = {"masked": "mouth_hidden", "covered_share": "mouth_hidden", "light": "clip_unfit"}


def judged(facts: Facts, refused: FaceError | InputError | None = None) -> Advice:
    """The score and the sentences that facts make, and the error with which the making would end."""
    refusals = _refusals(facts)
    codes = [_CODES[fact] for fact in refusals]
    if refused is not None:
        refusals = {_ABOUT.get(refused.code, refused.code): refused.message} | refusals
        codes.insert(0, refused.code)
    said = set(refusals).union(*(_FOLLOWS.get(fact, ()) for fact in refusals))
    lost = sorted(((a.weight * (1 - a.quality(facts)), a) for a in ASPECTS), key=lambda pair: -pair[0])
    sentences = [
        aspect.words(facts) for _, aspect in lost if aspect.quality(facts) < MENTIONED and aspect.fact not in said
    ]
    score = round(max(0.0, 100 - sum(points for points, _ in lost)))
    return Advice(
        score=min(score, REFUSED_AT_MOST) if refusals else score,
        sentences=(*refusals.values(), *sentences) or (WELL,),
        facts=facts,
        fit_to_train=not refusals,
        reason=codes[0] if codes else "",
    )


def _refusals(facts: Facts) -> dict[str, str]:
    """Why the pictures are no use: a sentence by the fact that it is about."""
    said = {}
    if facts.get("masked"):
        said["masked"] = "A mask or scarf covers the mouth. Film without it: the mouth is what speaks."
    if facts.get("light", 255.0) < LEAST_LIGHT:
        said["light"] = "It is so dark that the face can hardly be seen. Turn on a lamp before you."
    if facts.get("covered_share", 0.0) > MOST_COVERED:
        said["covered_share"] = "The mouth is covered for most of the clip. Keep hands and microphones away from it."
    return said


def _track_facts(track: Track, measures: Measures, clip: Clip) -> Facts:
    seen = track.seen
    turned = np.degrees(np.abs(measures.pose[seen, :2])).max(1)
    gap = measures.controls[seen, Mouth.OPEN]
    low, high = np.percentile(gap, [5, 95])
    return {
        "seen_s": float(seen.sum() / CLIP_FPS),
        "seen_share": float(seen.mean()),
        "others_share": float((track.others > 0).mean()),
        "cuts_a_minute": len(track.cuts) * 60 / max(clip.duration_s, 1.0),
        "iod": float(measures.iod),
        "turned_deg": float(np.median(turned)),
        "turned_often": float((turned > _TURNED_FAR_DEG).mean()),
        "shake": _shake(track, measures),
        "mouth_range": float(high - low),
    }


def _shake(track: Track, measures: Measures) -> float:
    """How fast the face travels through the picture, IOD in a second, nine times of ten slower."""
    middle = measures.placing.shift[:, :2]
    step = np.linalg.norm(np.diff(middle, axis=0), axis=1)[track.seen[1:] & track.seen[:-1]]
    return float(np.percentile(step, 90) * CLIP_FPS / measures.iod / 4) if len(step) else 0.0
