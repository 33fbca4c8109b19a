from __future__ import annotations

import pytest

from avatarium.engine.speech.transcription import believed, clean, window_s


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("über unsere Homepage über unsere Homepage", "über unsere Homepage"),
        ("I want a room. I want a room. I want a room.", "I want a room."),
        ("no no no no no no no", "no no no"),
        ("No, no, I had had enough.", "No, no, I had had enough."),
        ("[Music] Hello (applause) there", "Hello there"),
        ("it is what it is", "it is what it is"),
        ("", ""),
    ],
)
def test_what_is_said_twice_in_a_row_and_remarks_are_left_out(written: str, said: str) -> None:
    assert clean(written) == said


@pytest.mark.parametrize(
    ("text", "length_s", "score", "no_speech", "said"),
    [
        ("What does it cost?", 1.5, -0.2, 0.05, True),
        ("What does it cost?", 1.5, -0.9, 0.8, False),
        ("What does it cost?", 1.5, -0.2, 0.9, True),
        ("Gibberish words", 1.5, -1.6, 0.1, False),
        ("Thank you for watching!", 1.0, -0.6, 0.3, False),
        ("Thank you.", 1.0, -0.6, 0.1, True),
        ("Untertitel der Amara.org-Community", 1.0, -0.7, 0.2, False),
        ("...", 1.0, -0.1, 0.1, False),
        ("one two three four five six seven eight nine ten", 0.5, -0.2, 0.1, False),
        ("la la la " * 40, 20.0, -0.3, 0.1, False),
    ],
)
def test_what_whisper_makes_up_is_found_out(
    text: str, length_s: float, score: float, no_speech: float, said: bool
) -> None:
    assert believed(text, length_s, score=score, no_speech=no_speech) is said


@pytest.mark.parametrize(("length_s", "heard_s"), [(0.5, 10), (8.5, 10), (8.6, 15), (20, 25), (29, 30), (30, 30)])
def test_the_window_holds_the_sound_and_some_silence(length_s: float, heard_s: float) -> None:
    assert window_s(length_s) == heard_s
