"""The lip model of people who were filmed, and of one whose manner of speaking was made here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.face import Life, PhotoActor, Shot, View, frame_shot
from avatarium.engine.face.pose import Mouth
from avatarium.engine.face.style import SpeakingStyle, fit_style
from avatarium.engine.face.style.fitting import LEAST_GAIN
from avatarium.engine.face.style.heldback import folds, speech_frames
from avatarium.engine.face.style.lesson import Lesson, learn
from avatarium.engine.face.style.matching import earlier
from avatarium.engine.face.video.measures import Measures, measure
from avatarium.engine.face.video.tracking import track_face
from avatarium.engine.picture.read import read_picture
from avatarium.engine.recording import recorded_speech
from avatarium.engine.speech import Phoneme, Speech, synthesize
from avatarium.engine.video.frames import read_frames
from avatarium.engine.video.framing import Size
from avatarium.errors import AudioError
from bench.likeness.landmarks import Tracker
from bench.likeness.series import opening
from tests.support.style_people import person

FPS = 25
CLIPS = ("man-suit-700.mp4", "woman-flag-512.mp4", "woman-flag-590.mp4", "woman-blue-700.mp4")
SENTENCES = (
    "Peter put the big blue bag back behind the broken table, but my mother bought some more maps. "
    "We used to choose a few good shoes, and saw how the cars are parked on the far side of the yard. "
    "He feels each evening breeze beneath these green trees, while five heavy vans move past the zoo."
)

pytestmark = pytest.mark.long


@dataclass(frozen=True, kw_only=True)
class Filmed:
    path: Path
    measures: Measures
    speech: Speech


@pytest.fixture(scope="module")
def filmed(media: Path) -> dict[str, Filmed]:
    return {name: film(media / "talking-videos" / name) for name in CLIPS}


def film(path: Path) -> Filmed:
    return Filmed(path=path, measures=measure(track_face(read_frames(path, fps=FPS))), speech=recorded_speech(path))


def test_the_personal_model_is_better_than_the_general_one_for_three_of_four(filmed: dict[str, Filmed]) -> None:
    found = {name: fit_style(clip.measures, clip.speech) for name, clip in filmed.items()}
    better = [name for name, fitting in found.items() if fitting.style is not None]
    assert len(better) >= 3, {name: (f.general_error, f.personal_error, f.reason) for name, f in found.items()}
    for name in better:
        assert found[name].gain > LEAST_GAIN
        assert found[name].personal_error == pytest.approx(0.025, abs=0.01)


def test_a_picture_that_leads_its_sound_is_found_out(filmed: dict[str, Filmed]) -> None:
    clip = filmed["woman-flag-512.mp4"]
    assert fit_style(clip.measures, clip.speech).offset_frames == pytest.approx(3, abs=0.7)


def test_sound_of_another_clip_is_refused(filmed: dict[str, Filmed]) -> None:
    """The two clips of one woman hold the same words: they are no strangers to each other."""
    for one in filmed.values():
        for other in filmed.values():
            if one is other or "flag" in one.path.name and "flag" in other.path.name:
                continue
            fitting = fit_style(one.measures, other.speech)
            assert fitting.style is None, (one.path.name, other.path.name, fitting)


@pytest.mark.parametrize("name", ["woman-expressive-512.mp4", "man-glasses-480.mp4", "man-greenscreen-512.mp4"])
def test_a_clip_in_which_nobody_speaks_has_no_speech_to_learn_from(media: Path, name: str) -> None:
    with pytest.raises(AudioError):
        recorded_speech(media / "talking-videos" / name)


def test_a_phoneme_without_a_letter_is_passed_over(media: Path) -> None:
    """The recogniser answered this clip with a tie bar alone, and the search for its first letter failed."""
    assert len(recorded_speech(media / "talking-videos" / "woman-sitting-1080p.mp4").phonemes) > 80


def test_another_instrument_sees_a_mouth_that_moves_more_like_the_real_one(filmed: dict[str, Filmed]) -> None:
    """How lively the opening is over seconds that did not teach, judged by dlib's landmarks in the real frames."""
    nearer = 0
    for clip in filmed.values():
        lesson = in_step(clip)
        rows = speech_frames(lesson.speech, len(lesson.controls), FPS)
        personal = np.zeros(len(rows))
        for fold in folds(rows, FPS):
            personal[fold.asked] = lesson.curves(learn(lesson, fold.taught))[fold.asked, Mouth.OPEN]
        general = lesson.curves(None)[:, Mouth.OPEN]
        real = np.nanstd(seen_by_dlib(clip.path)[: len(rows)][rows])
        nearer += abs(np.log(personal[rows].std() / real)) < abs(np.log(general[rows].std() / real))
    assert nearer >= 3


def in_step(clip: Filmed) -> Lesson:
    offset_s = fit_style(clip.measures, clip.speech).offset_frames / FPS
    return Lesson.of(clip.measures, earlier(clip.speech, offset_s), FPS)


def seen_by_dlib(path: Path) -> NDArray[np.float64]:
    tracker = Tracker()
    lost = np.full((68, 2), np.nan)
    found = [tracker.locate(frame) for frame in read_frames(path, fps=FPS)]
    return opening(np.stack([lost if points is None else points for points in found]))


@pytest.fixture(scope="module")
def words() -> Speech:
    return synthesize(SENTENCES, "hibari-ava")


def rendered(portrait: Path, speech: Speech, style: SpeakingStyle | None) -> Iterator[NDArray[np.uint8]]:
    actor = PhotoActor.from_picture(read_picture(portrait).over())
    size = Size(width=384, height=384)
    view = View(actor, size, frame_shot(actor, size, Shot.HEAD))
    frames = int(speech.duration_s * FPS)
    performance = Life(seed=3, fps=float(FPS), style=style, liveliness=0.5).perform(speech, frames)
    for i in range(frames):
        yield view.render(performance[i])


def test_a_manner_that_was_rendered_is_found_again(portraits: Path, words: Speech) -> None:
    """From pixels and sound alone: the phonemes are recognised, not known."""
    truth = person(opens=1.45, rounds=0.5)
    measures = measure(track_face(rendered(portraits / "synthetic-woman-0588.jpg", words, truth)))
    fitting = fit_style(measures, recognised(words))
    assert fitting.style is not None, fitting
    assert abs(fitting.offset_frames) < 1
    usual, found = (vowels(style) for style in (SpeakingStyle(), fitting.style))
    assert found / usual == pytest.approx(1.45, abs=0.3)


def vowels(style: SpeakingStyle) -> float:
    """How far the mouth opens for plain vowels of even length."""
    ipa = ["a", "t", "ɛ", "s", "i", "k", "æ", "n"] * 2
    phonemes = tuple(Phoneme(ipa=p, start_s=0.2 + 0.12 * i, end_s=0.32 + 0.12 * i) for i, p in enumerate(ipa))
    speech = Speech(audio=np.ones(60000, np.float32) * 0.1, rate=24000, phonemes=phonemes, words=())
    mouth = Life(style=replace(style, own=None)).perform(speech, 60).mouth
    return float(np.percentile(mouth[:, Mouth.OPEN], 80))


def recognised(speech: Speech) -> Speech:
    from avatarium.engine.speech import phonemes_from_audio

    return phonemes_from_audio(speech.audio, speech.rate)
