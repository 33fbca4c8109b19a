"""Which language a clone is made in, and in which the words of its recordings are read."""

from __future__ import annotations

import pytest

from avatarium.engine.speech.cloning.reading import hearing_language, is_read, reading_language


@pytest.mark.parametrize(
    ("spoken", "made", "heard"),
    [
        ("en-GB", "en-GB", "en-GB"),
        ("pt", "pt-BR", "pt-BR"),
        ("zh_TW", "zh", "zh"),
        ("de-AT", "en-US", "de"),
        ("no", "en-US", "nb"),
        ("yo", "en-US", "en-US"),
    ],
)
def test_words_are_read_as_they_were_spoken_whatever_the_clone_speaks(spoken: str, made: str, heard: str) -> None:
    assert (reading_language(spoken), hearing_language(spoken)) == (made, heard)


def test_what_clones_speak() -> None:
    assert is_read("pt-PT") and is_read("en") and not is_read("de") and not is_read("")
