"""Mouth curves: lips meet when they must, rounding comes early, nothing jumps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avatarium.engine.face.coarticulation import mouth_controls, segments
from avatarium.engine.face.pose import Floats, Mouth
from avatarium.engine.face.visemes import Viseme
from avatarium.engine.speech.records import Phoneme

SOUNDS = ["p", "a", "m", "i", "u", "s", "f", "l", "ɹ", "w", "tʃ", "aɪ", "ŋ"]


def say(*sounds: tuple[str, float], start_s: float = 0.2, stress: int = 1) -> list[Phoneme]:
    """Phonemes one after the other from (sound, length)."""
    phonemes, at = [], start_s
    for ipa, length in sounds:
        phonemes.append(Phoneme(ipa=ipa, start_s=at, end_s=at + length, stress=stress))
        at += length
    return phonemes


def at(controls: Floats, time_s: float, column: Mouth, fps: float = 100) -> float:
    return float(controls[round(time_s * fps), column])


@pytest.mark.parametrize("fps", [24, 25, 30, 50])
@pytest.mark.parametrize("length", [0.03, 0.05, 0.09])
def test_lips_meet_in_some_frame_of_every_p_however_short(fps: float, length: float) -> None:
    for offset in np.linspace(0, 1 / fps, 7):
        phonemes = say(("a", 0.12), ("p", length), ("a", 0.12), start_s=0.2 + offset)
        controls = mouth_controls(phonemes, round(fps), fps)
        held = slice(int((phonemes[1].start_s - 0.04) * fps), int((phonemes[1].end_s + 0.04) * fps) + 1)
        assert controls[held, Mouth.OPEN].min() <= 0.012


def test_vowels_open_in_their_order() -> None:
    peak = {v: mouth_controls(say((v, 0.2)), 60, 100)[:, Mouth.OPEN].max() for v in ("a", "e", "i", "u")}
    assert peak["a"] > peak["e"] > peak["i"] > peak["u"] > 0.03


def test_rounding_is_anticipated_through_the_consonant_before_it() -> None:
    towards_u = mouth_controls(say(("s", 0.12), ("u", 0.2)), 60, 100)
    towards_i = mouth_controls(say(("s", 0.12), ("i", 0.2)), 60, 100)
    assert at(towards_u, 0.28, Mouth.WIDTH) < at(towards_i, 0.28, Mouth.WIDTH) - 0.02


def test_fast_speech_undershoots() -> None:
    slow = mouth_controls(say(("t", 0.09), ("a", 0.20), ("t", 0.09)), 80, 100)[:, Mouth.OPEN].max()
    fast = mouth_controls(say(("t", 0.05), ("a", 0.05), ("t", 0.05)), 80, 100)[:, Mouth.OPEN].max()
    assert fast < 0.85 * slow


def test_lower_lip_goes_to_the_teeth_for_f() -> None:
    controls = mouth_controls(say(("a", 0.1), ("f", 0.12), ("a", 0.1)), 60, 100)
    assert at(controls, 0.36, Mouth.TUCK) > 0.6 * 0.012


def test_silence_is_shut_and_still() -> None:
    controls = mouth_controls([], 50, 25)
    assert not controls.any()
    after = mouth_controls(say(("a", 0.2)), 50, 25)
    assert abs(after[-10:, Mouth.OPEN]).max() < 0.01


def test_a_gap_between_words_closes_the_mouth_half_way_at_least() -> None:
    phonemes = [*say(("a", 0.2)), *say(("a", 0.2), start_s=0.9)]
    controls = mouth_controls(phonemes, 130, 100)
    assert at(controls, 0.65, Mouth.OPEN) < 0.3 * controls[:, Mouth.OPEN].max()


def test_stress_and_loudness_open_wider() -> None:
    weak, strong = (mouth_controls(say(("a", 0.2), stress=s), 60, 100)[:, Mouth.OPEN].max() for s in (0, 1))
    assert strong > 1.1 * weak
    loud, soft = (
        mouth_controls(say(("a", 0.2)), 60, 100, loudness=np.full(60, v, np.float32))[:, Mouth.OPEN].max()
        for v in (1.0, 0.0)
    )
    assert loud > 1.2 * soft


def test_any_window_is_the_same_as_that_part_of_the_whole() -> None:
    phonemes = say(*[(s, 0.08) for s in "pataukimosefilube" * 4])
    whole = mouth_controls(phonemes, 150, 25)
    window = mouth_controls(phonemes, 40, 25, start_s=60 / 25)
    assert np.allclose(window[4:-4], whole[64:96], atol=2e-3)


def test_a_diphthong_is_two_shapes_in_its_time() -> None:
    found = segments(say(("aʊ", 0.2)))
    assert [s.viseme for s in found] == [Viseme.A, Viseme.U]
    assert found[0].end_s == pytest.approx(0.3)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["p", "a", "m", "i", "u", "s", "f", "l", "ɹ", "w", "tʃ", "aɪ", "ŋ"]), st.floats(0.005, 0.4)
        ),
        max_size=25,
    )
)
def test_curves_stay_finite_bounded_and_smooth(sounds: list[tuple[str, float]]) -> None:
    controls = mouth_controls(say(*sounds), 100, 50)
    assert controls.shape == (100, len(Mouth))
    assert np.isfinite(controls).all()
    assert controls[:, Mouth.OPEN].min() >= -0.0121
    assert controls[:, Mouth.OPEN].max() <= 0.175 * 1.26 + 1e-6
    assert np.abs(np.diff(controls[:, Mouth.WIDTH])).max(initial=0) < 0.06


def test_speech_that_tells_no_stress_opens_as_speech_does_on_average() -> None:
    """Recognised speech has no marks of stress: it opened its vowels as if none were ever stressed."""
    sounds = [("t", 0.08), ("a", 0.14)] * 4
    marked = [replace(p, stress=int(i % 4 == 1)) for i, p in enumerate(say(*sounds))]
    openings = {
        name: mouth_controls(phonemes, 130, 100)[:, Mouth.OPEN].mean()
        for name, phonemes in (("marked", marked), ("heard", say(*sounds, stress=0)), ("all", say(*sounds)))
    }
    assert openings["heard"] == pytest.approx(openings["marked"], rel=0.03)
    assert openings["heard"] < 0.95 * openings["all"]


def test_a_window_without_stress_is_a_part_of_speech_that_tells_it() -> None:
    phonemes = [*say(("a", 0.2)), *say(("t", 0.1), ("a", 0.2), start_s=2.0, stress=0)]
    whole = mouth_controls(phonemes, 250, 100)
    window = mouth_controls(phonemes, 100, 100, start_s=1.5)
    assert window[:, Mouth.OPEN].max() == pytest.approx(whole[170:, Mouth.OPEN].max(), rel=0.01)
