from __future__ import annotations

import pytest

from avatarium.engine.speech import Engine, Gender, find_voice, voices
from avatarium.errors import OptionError


def test_names_are_unique_and_plain() -> None:
    names = [voice.name for voice in voices()]
    assert len(names) == len(set(names))
    assert all(name == name.lower() and " " not in name for name in names)


def test_every_language_and_gender_that_is_promised() -> None:
    offered = {(voice.language, voice.gender) for voice in voices()}
    for language in ("en-US", "en-GB", "es", "it", "pt-BR", "hi"):
        assert {(language, Gender.FEMALE), (language, Gender.MALE)} <= offered
    assert ("fr", Gender.FEMALE) in offered
    natural = {(v.language, v.gender) for v in voices() if v.live and v.engine is not Engine.ESPEAK}
    assert natural == {("en-US", Gender.FEMALE), ("en-US", Gender.MALE)}


def test_all_voices_of_kokoro_are_there() -> None:
    assert sum(voice.engine is Engine.KOKORO for voice in voices()) == 54


def test_a_robot_speaks_only_what_no_natural_voice_does() -> None:
    natural = {voice.language.split("-")[0] for voice in voices() if voice.engine is not Engine.ESPEAK}
    robots = [voice for voice in voices() if voice.engine is Engine.ESPEAK]
    assert robots and not natural & {voice.language for voice in robots}
    assert all("robotic" in voice.description and voice.live for voice in robots)
    assert {voice.gender for voice in robots if voice.language == "de"} == set(Gender)


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("kokoro-heart", "kokoro-heart"),
        ("af_heart", "kokoro-heart"),
        ("Hibari-Ava", "hibari-ava"),
        ("en", "kokoro-heart"),
        ("en-GB", "kokoro-emma"),
        ("en-AU", "kokoro-heart"),
        ("pt", "kokoro-dora-pt"),
        ("pt_BR", "kokoro-dora-pt"),
        ("es-MX", "kokoro-dora-es"),
        ("ja-JP", "kokoro-alpha-ja"),
        ("zh-TW", "kokoro-xiaobei-zh"),
        ("cmn", "kokoro-xiaobei-zh"),
        ("de-AT", "espeak-woman-de"),
        ("no-NO", "espeak-woman-nb"),
    ],
)
def test_finding(asked: str, name: str) -> None:
    assert find_voice(asked).name == name


def test_finding_by_language_and_kind() -> None:
    assert find_voice("en", live=True).engine is Engine.HIBARI
    assert find_voice("en-GB", gender=Gender.MALE).name == "kokoro-george"
    assert find_voice("en", live=True, gender=Gender.MALE).name == "hibari-noah"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("eo", "no_voice_for_language"),
        ("zz-ZZ", "no_voice_for_language"),
        ("kokoro-hart", "unknown_voice"),
        ("", "unknown_voice"),
    ],
)
def test_not_finding(asked: str, code: str) -> None:
    with pytest.raises(OptionError) as caught:
        find_voice(asked)
    assert caught.value.code == code


def test_a_near_name_is_suggested() -> None:
    with pytest.raises(OptionError, match="kokoro-heart"):
        find_voice("kokoro-hart")


def test_no_live_voice() -> None:
    with pytest.raises(OptionError, match="live"):
        find_voice("fr", live=True)
