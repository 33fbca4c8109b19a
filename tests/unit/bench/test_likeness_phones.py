from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarium.engine.speech.records import Phoneme
from bench.likeness.align import ARPABET
from bench.likeness.natural import GRID, grid_words
from bench.likeness.phones import OPENING, Mouth, classes, expected_opening, segments, speaking


def _phoneme(ipa: str, start_s: float, end_s: float) -> Phoneme:
    return Phoneme(ipa=ipa, start_s=start_s, end_s=end_s)


@pytest.mark.parametrize(
    ("ipa", "expected"),
    [
        ("p", (Mouth.PBM,)),
        ("ˈmː", (Mouth.PBM,)),
        ("aɪ", (Mouth.A, Mouth.LAX_I)),
        ("ˈoʊ", (Mouth.CLOSE_O, Mouth.U)),
        ("t͡ʃ", (Mouth.TDN, Mouth.SH)),
        ("ʤ", (Mouth.TDN, Mouth.SH)),
        ("l̩", (Mouth.SCHWA, Mouth.L)),
        ("ç", (Mouth.SH,)),
        ("ɔ̃", (Mouth.OPEN_O,)),
        ("ɡ", (Mouth.KG,)),
        ("", (Mouth.SILENCE,)),
        ("_", (Mouth.SILENCE,)),
        ("|", (Mouth.SILENCE,)),
    ],
)
def test_ipa_becomes_classes(ipa: str, expected: tuple[Mouth, ...]) -> None:
    assert classes(ipa) == expected


def test_every_class_has_an_opening_and_every_arpabet_symbol_a_class() -> None:
    assert set(OPENING) == set(Mouth)
    for ipa in ARPABET.values():
        assert Mouth.SILENCE not in classes(ipa)


@given(st.text(max_size=6))
def test_any_text_has_classes(ipa: str) -> None:
    assert len(classes(ipa)) >= 1


def test_two_classes_share_the_time_of_a_phoneme() -> None:
    first, second = segments([_phoneme("aʊ", 1.0, 1.2)])
    assert [first.start_s, first.end_s, second.start_s, second.end_s] == pytest.approx([1.0, 1.1, 1.1, 1.2])


def test_expected_opening_follows_the_sounds() -> None:
    said = [_phoneme("m", 0.4, 0.6), _phoneme("ɑ", 0.6, 0.9), _phoneme("p", 0.9, 1.1)]
    times = np.array([0.1, 0.5, 0.75, 1.0, 1.4])
    expected = expected_opening(said, times)
    assert expected == pytest.approx([0, 0, 1, 0, 0], abs=1e-6)


def test_expected_opening_is_smoothed_over_100_ms_about_the_border() -> None:
    said = [_phoneme("ɑ", 1.0, 2.0)]
    before, middle, after = expected_opening(said, np.array([0.945, 1.0, 1.055]))
    assert (before, after) == (pytest.approx(0, abs=1e-3), pytest.approx(1, abs=1e-3))
    assert middle == pytest.approx(0.5, abs=0.03)


@given(st.floats(0, 5), st.floats(-0.4, 0.4))
def test_expected_opening_moves_with_the_sounds(start_s: float, shift_s: float) -> None:
    times = np.arange(0, 6, 0.04)
    here = expected_opening([_phoneme("ɑ", start_s, start_s + 0.3)], times)
    there = expected_opening([_phoneme("ɑ", start_s + shift_s, start_s + shift_s + 0.3)], times + shift_s)
    assert np.abs(here - there).max() < 0.06


def test_pauses_are_not_speaking() -> None:
    said = [_phoneme("a", 0.0, 0.2), _phoneme("_", 0.2, 0.6), _phoneme("b", 0.6, 0.8)]
    times = np.array([0.1, 0.3, 0.55, 0.7, 0.85])
    assert speaking(said, times).tolist() == [True, False, False, True, False]
    assert speaking(said, times, 0.06).tolist() == [True, False, True, True, True]


def test_grid_codes_become_sentences() -> None:
    assert grid_words("bbaf2n") == "bin blue at f two now"
    assert GRID[3].words == "lay red with p nine again"
