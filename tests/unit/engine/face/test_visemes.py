"""Every sound of every voice's language has a shape, and the shapes differ where mouths differ."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarium.engine.face.visemes import TARGETS, Viseme, visemes_of

SOUNDS = {
    "en": "p b t d k ɡ f v θ ð s z ʃ ʒ tʃ dʒ h m n ŋ l ɹ j w i ɪ ɛ æ ɑ ɔ ʊ u ʌ ə ɜ eɪ aɪ ɔɪ aʊ oʊ ɾ",
    "fr": "p b t d k ɡ f v s z ʃ ʒ m n ɲ ʁ l j ɥ w i e ɛ a ɑ ɔ o u y ø œ ə ɛ̃ ɑ̃ ɔ̃ œ̃",
    "es": "p b t d k ɡ β ð ɣ f θ s x m n ɲ l ʎ r ɾ tʃ j w a e i o u",
    "it": "p b t d k ɡ f v s z ʃ ts dz tʃ dʒ m n ɲ l ʎ r a e ɛ i o ɔ u",
    "pt": "p b t d k ɡ f v s z ʃ ʒ m n ɲ l ʎ ɾ ʁ ɐ a e ɛ i o ɔ u ɐ̃ ẽ ĩ õ ũ w j",
    "hi": "p pʰ b bʱ t̪ d̪ ʈ ɖ tʃ dʒ k ɡ m n ɳ ŋ s ʃ h r l ʋ j ɽ ə a ɪ i ʊ u eː ɛː oː ɔː",
    "ja": "p b t d k ɡ ts tɕ dʑ s z ɕ h ç ɸ m n ɴ ɾ j w a i ɯ e o",
    "zh": "p pʰ t tʰ k kʰ ts tsʰ ʈʂ tɕ f s ʂ ʐ ɕ x m n ŋ l ɻ a o ɤ i u y ɨ",
}


@pytest.mark.parametrize("language", SOUNDS)
def test_every_sound_has_a_shape_of_its_own_class(language: str) -> None:
    plain_schwa = {"ə", "ɤ", "ɯ"}
    for sound in SOUNDS[language].split():
        found = visemes_of(sound)
        assert found and Viseme.SILENCE not in found
        if sound not in plain_schwa:
            assert found != (Viseme.SCHWA,), f"{sound} of {language} fell through the table"


def test_there_are_at_least_22_classes_and_each_has_a_target() -> None:
    assert len(Viseme) >= 22
    assert set(TARGETS) == set(Viseme)


@pytest.mark.parametrize(
    ("sound", "expected"),
    [
        ("aɪ", (Viseme.A, Viseme.SMALL_I)),
        ("tʃ", (Viseme.T_D_N, Viseme.SH)),
        ("ˈiː", (Viseme.I,)),
        ("ɑ̃", (Viseme.A,)),
        ("", (Viseme.SILENCE,)),
    ],
)
def test_compounds_and_marks(sound: str, expected: tuple[Viseme, ...]) -> None:
    assert visemes_of(sound) == expected


def test_shapes_agree_with_phonetics() -> None:
    widths = {v: TARGETS[v].width for v in Viseme}
    openings = {v: TARGETS[v].open for v in Viseme}
    assert all(widths[v] < -0.04 for v in (Viseme.U, Viseme.W, Viseme.O, Viseme.FRONT_ROUND, Viseme.SH))
    assert widths[Viseme.I] == max(widths.values())
    assert openings[Viseme.A] == max(openings.values())
    assert openings[Viseme.P_B_M] < 0
    assert TARGETS[Viseme.F_V].tuck > 0


@given(st.text(max_size=6))
def test_any_text_has_some_shape(text: str) -> None:
    assert all(v in TARGETS for v in visemes_of(text))
