"""People whose manner is known: is it found again, and is it refused where it cannot be known?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from avatarium.engine.face.pose import Mouth
from avatarium.engine.face.style import Fitting, fit_style, landmark_error
from avatarium.engine.face.style.design import VISEMES, targets_of
from avatarium.engine.face.style.fitting import LEAST_GAIN
from avatarium.engine.face.style.heldback import folds, speech_frames
from avatarium.engine.face.style.matching import earlier, match_sound
from avatarium.engine.face.style.record import GENERAL, SpeakingStyle
from avatarium.engine.face.video.measures import Measures
from avatarium.engine.face.visemes import Viseme
from avatarium.engine.speech.records import Speech
from tests.support.style_people import FPS, babble, person, seen_speaking

TRUTH = person(opens=1.5, rounds=0.4, I=(0.14, 0.12, 0.05, -0.05), S_Z=(0.09, 0.06, 0.02, -0.05))
VOWELS = (Viseme.A, Viseme.AE, Viseme.E, Viseme.I, Viseme.SMALL_I, Viseme.SCHWA, Viseme.WEDGE, Viseme.U)


@pytest.fixture(scope="module")
def speech() -> Speech:
    return babble(20)


@pytest.fixture(scope="module")
def measures(speech: Speech) -> Measures:
    return seen_speaking(speech, TRUTH)


@pytest.fixture(scope="module")
def fitting(measures: Measures, speech: Speech) -> Fitting:
    return fit_style(measures, speech)


def far_from(style: SpeakingStyle, truth: SpeakingStyle, column: int) -> float:
    rows = [VISEMES.index(viseme) for viseme in VOWELS]
    return float(np.abs(targets_of(style) - targets_of(truth))[rows, column].mean())


def test_a_known_manner_is_found_again(fitting: Fitting) -> None:
    assert fitting.style is not None
    assert fitting.reason == ""
    for column in (Mouth.OPEN, Mouth.WIDTH):
        assert far_from(fitting.style, TRUTH, column) < 0.4 * far_from(GENERAL, TRUTH, column)
    found = fitting.style.target(Viseme.I)
    assert found.open == pytest.approx(0.14, abs=0.03)
    assert found.width == pytest.approx(0.12, abs=0.03)


def test_it_speaks_unseen_words_as_the_person_does(fitting: Fitting) -> None:
    other = babble(8, seed=9)
    seen = seen_speaking(other, TRUTH, noise=0.0)
    rows = np.arange(len(seen.controls))
    personal, general = (
        landmark_error(seen, seen_speaking(other, style, noise=0.0).controls, rows) for style in (fitting.style, None)
    )
    assert personal < 0.45 * general


def test_the_errors_told_are_of_the_size_that_unseen_words_show(fitting: Fitting) -> None:
    assert fitting.general_error is not None and fitting.personal_error is not None
    assert fitting.personal_error < 0.7 * fitting.general_error
    assert fitting.gain == pytest.approx(1 - fitting.personal_error / fitting.general_error)


def test_somebody_who_speaks_as_most_do_is_told_so() -> None:
    speech = babble(20, seed=2)
    fitting = fit_style(seen_speaking(speech, None, seed=3), speech)
    assert fitting.style is None
    assert fitting.gain < LEAST_GAIN
    assert "than the general one" in fitting.reason


@pytest.mark.parametrize("frames", [-3.0, 0.0, 2.4, 4.0])
def test_sound_that_is_out_of_step_is_put_right(measures: Measures, speech: Speech, frames: float) -> None:
    fitting = fit_style(measures, earlier(speech, -frames / FPS))
    assert fitting.offset_frames == pytest.approx(frames, abs=0.5)
    assert fitting.style is not None
    assert fitting.gain > 0.25


def test_sound_that_is_far_out_of_step_is_refused(measures: Measures, speech: Speech) -> None:
    fitting = fit_style(measures, earlier(speech, -7 / FPS))
    assert fitting.style is None
    assert "0.28 s behind the picture" in fitting.reason


@pytest.mark.parametrize("seed", range(20, 28))
def test_words_of_somebody_else_are_refused(measures: Measures, seed: int) -> None:
    fitting = fit_style(measures, babble(20, seed=seed))
    assert fitting.style is None
    assert fitting.general_error is None
    assert "sound" in fitting.reason


def test_a_mouth_that_is_hidden_most_of_the_time_is_refused(measures: Measures, speech: Speech) -> None:
    shown = np.zeros(len(measures.controls))
    shown[:70] = 1
    fitting = fit_style(measures, speech, shown=shown)
    assert fitting.style is None
    assert "mouth in view" in fitting.reason


def test_hidden_frames_teach_nothing(measures: Measures, speech: Speech) -> None:
    hidden = slice(200, 260)
    spoilt = replace(measures, controls=measures.controls.copy(), local=measures.local.copy())
    spoilt.controls[hidden, :4] = 0.3
    spoilt.local[hidden] += 0.2
    shown = np.ones(len(measures.controls))
    shown[hidden] = 0
    fitting = fit_style(spoilt, speech, shown=shown)
    assert fitting.style is not None
    assert far_from(fitting.style, TRUTH, Mouth.OPEN) < 0.5 * far_from(GENERAL, TRUTH, Mouth.OPEN)


def test_a_few_words_are_too_few() -> None:
    speech = babble(4)
    fitting = fit_style(seen_speaking(speech, TRUTH), replace(speech, phonemes=speech.phonemes[:12]))
    assert fitting.style is None
    assert "s are the least" in fitting.reason


def test_no_words_are_none() -> None:
    speech = babble(12)
    fitting = fit_style(seen_speaking(speech, TRUTH), replace(speech, phonemes=()))
    assert fitting.style is None
    assert fitting.seconds_used == 0


def test_one_sound_over_and_over_is_no_speech() -> None:
    speech = babble(12)
    same = replace(speech, phonemes=tuple(replace(p, ipa="ba"[i % 2]) for i, p in enumerate(speech.phonemes)))
    fitting = fit_style(seen_speaking(same, TRUTH), same)
    assert fitting.style is None
    assert "2 kinds of sounds" in fitting.reason


def test_a_mouth_that_never_moves_teaches_nothing() -> None:
    speech = babble(12)
    still = seen_speaking(replace(speech, phonemes=()), None, noise=0.0)
    fitting = fit_style(still, speech)
    assert fitting.style is None


def test_the_same_clip_gives_the_same_style(measures: Measures, speech: Speech, fitting: Fitting) -> None:
    again = fit_style(measures, speech)
    assert again.style is not None and fitting.style is not None
    assert again.style.to_json() == fitting.style.to_json()


def test_a_fitted_style_is_one_that_can_be_read(fitting: Fitting) -> None:
    assert fitting.style is not None
    SpeakingStyle.from_json(fitting.style.to_json())


def test_progress_only_grows_and_ends_at_the_end(measures: Measures, speech: Speech) -> None:
    told: list[float] = []
    fit_style(measures, speech, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_what_is_asked_was_not_taught_nor_its_neighbours() -> None:
    rows = np.ones(500, bool)
    rows[100:130] = False
    divided = list(folds(rows, 25.0))
    assert np.array_equal(sum(f.asked.astype(int) for f in divided), rows)
    for fold in divided:
        assert 0.1 * rows.sum() < fold.asked.sum() < 0.4 * rows.sum()
        near = np.convolve(fold.asked.astype(float), np.ones(11), "same") > 0
        assert not (near & fold.taught).any()


def test_laughter_between_words_is_no_speech() -> None:
    speech = babble(6)
    flags = speech_frames(replace(speech, phonemes=tuple(p for p in speech.phonemes if p.end_s < 2)), 150, 25.0)
    assert flags[10:45].all()
    assert not flags[60:].any()


def test_the_offset_is_found_in_a_part_of_a_frame(measures: Measures, speech: Speech) -> None:
    shown = np.ones(len(measures.controls), bool)
    match = match_sound(measures.controls, earlier(speech, -1.5 / FPS), shown, 25.0)
    assert match.offset_frames == pytest.approx(1.5, abs=0.35)
    assert match.belongs and match.near
