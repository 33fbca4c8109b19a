"""What a talking photo costs, how long it lasts, what it feels."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from avatarium.families.talking_photo import TalkingPhotoStart, feeling, lasting_s, price
from avatarium.prices import Prices

FACE = "https://files.example/face.jpg"
SOUND = "https://files.example/speech.mp3"


def start(**more: object) -> TalkingPhotoStart:
    return TalkingPhotoStart.model_validate({"image_url": FACE, **more})


@pytest.mark.parametrize(
    ("audio", "duration", "sound_s", "expected"),
    [
        ("", None, None, 3),
        ("", 0, None, 3),
        ("", 7, None, 7),
        (SOUND, None, None, 10),
        (SOUND, 5, None, 5),
        (SOUND, None, 12.34, 12.34),
        (SOUND, 0, 45.6, 45.6),
        (SOUND, 5, 12.34, 5),
        (SOUND, 5, 2.2, 2.2),
    ],
)
def test_it_lasts_as_long_as_the_sound_or_as_asked(
    audio: str, duration: int | None, sound_s: float | None, expected: float
) -> None:
    assert lasting_s(start(audio_url=audio, duration=duration), sound_s) == expected


def test_five_seconds_cost_the_documented_thirteen_coins() -> None:
    assert price(5, Prices()).amount == 13
    assert price(0.5, Prices()).amount == 2
    assert price(5.001, Prices()).amount == 13


@pytest.mark.parametrize(
    ("prompt", "negative", "expected"),
    [
        ("", "", "neutral"),
        ("A woman speaks to the camera", "", "neutral"),
        ("She is smiling, and a bit surprised", "", "happy"),
        ("Surprised, then smiling", "", "surprised"),
        ("an ANGRY man", "", "serious"),
        ("a sad look", "", "sad"),
        ("do not smile, look serious", "", "serious"),
        ("She is not happy at all", "", "neutral"),
        ("smiling", "smile, laughing", "neutral"),
        ("a saddle maker in a joystick shop", "", "neutral"),
    ],
)
def test_a_prompt_names_a_feeling(prompt: str, negative: str, expected: str) -> None:
    assert feeling(prompt, negative) == expected


def test_feelings_are_the_engines_own() -> None:
    from avatarium.engine.face import FEELINGS
    from avatarium.families import talking_photo

    assert set(talking_photo.FEELINGS) == {feeling.value for feeling in FEELINGS}


@pytest.mark.parametrize("duration", [21, -1, "long", 2.5, True])
def test_lengths_that_nobody_can_mean_are_refused(duration: object) -> None:
    if duration is True:
        assert start(duration=duration).duration == 1  # as JavaScript and the original count it
        return
    with pytest.raises(ValidationError):
        start(duration=duration)


def test_blank_and_null_mean_not_given() -> None:
    made = start(audio_url=None, duration="", prompt=None, name=None, unknown="x", webhook_url=None)
    assert (made.audio_url, made.duration, made.prompt, made.name, made.webhook_url) == ("", 0, "", "", "")


def test_digits_may_be_texts_and_names_numbers() -> None:
    made = start(duration="5", name=12)
    assert (made.duration, made.name) == (5, "12")


def test_what_was_accepted_is_understood_again() -> None:
    made = start(duration="5", audio_url=SOUND, prompt="happy")
    assert TalkingPhotoStart.model_validate(made.model_dump(mode="json")) == made
