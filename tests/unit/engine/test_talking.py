"""The one call: options, sizes, and a guess of the length that gets better."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avatarium.engine import speak
from avatarium.engine.assets import default_store
from avatarium.engine.avatars import BUILT_IN, read_avatar
from avatarium.engine.capabilities import CAPABILITIES, assets_of_voice
from avatarium.engine.options import SpeakOptions, nearest_size
from avatarium.engine.script import Script
from avatarium.engine.speech import Gender, Speech, Word, find_voice
from avatarium.engine.talking import check_output, choose_voice, script_of_text
from avatarium.errors import AvatariumError


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"strength": 1.5}, "bad_strength"),
        ({"fps": 26}, "fps_unknown"),
        ({"face": 0}, "bad_face"),
        ({"seed": -1}, "bad_seed"),
    ],
)
def test_options_out_of_range(wrong: dict[str, Any], code: str) -> None:
    with pytest.raises(AvatariumError) as caught:
        SpeakOptions(**wrong)
    assert caught.value.code == code


@pytest.mark.parametrize("given", [{}, {"text": "a", "audio": "a.wav"}])
def test_a_text_or_a_recording(given: dict[str, str]) -> None:
    with pytest.raises(AvatariumError) as caught:
        speak("ava", "out.mp4", **given)  # type: ignore[arg-type]
    assert caught.value.code == "text_or_audio"


@pytest.mark.parametrize(
    ("name", "alpha", "code"),
    [("x.gif", False, "output_format"), ("x.mp4", True, "output_alpha"), ("no/x.mp4", False, "output_folder_missing")],
)
def test_output_is_checked_before_anything_else(tmp_path: Path, name: str, alpha: bool, code: str) -> None:
    with pytest.raises(AvatariumError) as caught:
        speak("nobody", tmp_path / name, text="", options=SpeakOptions(alpha=alpha))
    assert caught.value.code == code
    check_output(tmp_path / "x.webm", alpha=True)


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [
        (1920, 1080, "1280x720"),
        (1080, 1920, "720x1280"),
        (1024, 1024, "720x720"),
        (3000, 3700, "720x900"),
        (4000, 3000, "720x720"),
        (3000, 4000, "720x900"),
        (3000, 2000, "1280x720"),
        (9000, 100, "1280x720"),
    ],
)
def test_the_nearest_usual_shape(width: int, height: int, size: str) -> None:
    assert str(nearest_size(width, height)) == size


def test_voices_suit_the_avatar() -> None:
    options = SpeakOptions()
    assert [choose_voice(a.name, options).gender for a in BUILT_IN] == [Gender.FEMALE, Gender.MALE]
    assert choose_voice("noah", SpeakOptions(language="fr")).language == "fr"
    assert choose_voice("noah", SpeakOptions(voice="hibari-ava", language="fr")).name == "hibari-ava"


@pytest.mark.parametrize("avatar", [a.name for a in BUILT_IN])
def test_built_in_avatars_can_be_read(avatar: str) -> None:
    assert min(read_avatar(avatar).rgb.shape[:2]) >= 720


def test_a_file_named_like_an_avatar_is_reached_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ava").write_text("no picture")
    assert read_avatar("ava").width > 100
    with pytest.raises(AvatariumError) as caught:
        read_avatar("./ava")
    assert caught.value.code == "picture_format"


def _piece(words: str, length_s: float) -> Speech:
    spoken = tuple(Word(text=word, start_s=0, end_s=0) for word in words.split())
    return Speech(audio=np.zeros(round(24000 * length_s), np.float32), rate=24000, phonemes=(), words=spoken)


def test_the_guess_of_the_length_improves_and_ends_exact() -> None:
    script = Script([_piece("one two", 1.0), _piece("three", 1.5), _piece("four", 0.5)], 99.0, len("onetwothreefour"))
    guesses = [(piece.duration_s, script.expected_s) for piece in script]
    assert guesses[0][1] == pytest.approx(1.0 * 15 / 6)
    assert guesses[1][1] == pytest.approx(2.5 * 15 / 11)
    assert script.expected_s == pytest.approx(3.0)


def test_the_first_guess_is_near() -> None:
    text = "This is an ordinary sentence, as people write them. It is followed by another one of the same kind."
    script = script_of_text(text, "ava", SpeakOptions(voice="hibari-ava", rate=1.5))
    guess = script.expected_s
    assert guess == pytest.approx(sum(piece.duration_s for piece in script), rel=0.3)


def test_every_capability_names_assets_that_exist() -> None:
    known = {asset.name for asset in default_store().list()}
    for capability in CAPABILITIES:
        assert set(capability.assets) <= known | {"espeak-ng"}
    assert assets_of_voice(find_voice("hibari-ava")) == ("hibari",)
    assert "espeak-ng" in assets_of_voice(find_voice("fr"))
