"""Which voices there are for whom."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarium.catalogue.voices import (
    LANGUAGES,
    SAMPLES,
    Installed,
    Locale,
    default_voice,
    every_voice,
    groups,
    label_of,
    languages,
    locale_of,
    sample_of,
    voice_id,
    voice_of,
    voices_of,
    wanted_locale,
)
from avatarium.engine.speech import Engine, Voice, find_voice, voices
from avatarium.errors import NotFoundError, RequestError
from avatarium.ids import is_id

AVA = "3d7b2ade5806eac34ef51c2d"
HEART = "5ce5df5866580a3d9f9ff286"


class OnlyFast(Installed):
    """A machine without the weights of the best voices."""

    def has(self, voice: Voice) -> bool:
        return voice.live


@pytest.fixture
def fast(tmp_path: Path) -> Installed:
    return OnlyFast(tmp_path)


def test_every_voice_has_an_id_of_its_own_and_is_found_by_it() -> None:
    ids = {voice_id(voice) for voice in voices()}
    assert len(ids) == len(voices()) >= 40
    assert all(is_id(one) for one in ids)
    assert [voice_of(voice_id(voice)) for voice in voices()] == list(voices())


def test_ids_never_change() -> None:
    """Clients keep them in their own settings."""
    assert voice_of(AVA).name == "hibari-ava"
    assert voice_of(HEART).name == "kokoro-heart"


@pytest.mark.parametrize("tts_id", ["", "64f0c0ffee0000000000b001", "hibari-ava", "x" * 64, "é"])
def test_unknown_ids_are_not_found(tts_id: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        voice_of(tts_id)
    assert caught.value.code == "voice_not_found"


@pytest.mark.parametrize(
    ("country", "region", "tag", "language", "expected"),
    [
        ("", "", "", "", "en-US"),
        ("en", "US", "en-US", "zh-CN", "en-US"),
        ("en", "", "", "", "en"),
        ("EN", "gb", "", "", "en-GB"),
        ("pt-BR", "", "", "", "pt-BR"),
        ("zh_CN", "", "", "", "zh-CN"),
        ("zh-Hans-CN", "", "", "", "zh-CN"),
        ("es", "419", "", "", "es-419"),
        ("", "", "fr-FR", "en-US", "fr-FR"),
        ("", "GB", "", "", "en-GB"),
        ("", "", "", "it-IT,it;q=0.9", "it-IT"),
        ("", "", "", "zh-CN", "zh-CN"),
        ("", "", "", "no-NO", "nb-NO"),
        ("", "", "", "eo-XX", "en-US"),
        ("", "", "", "???", "en-US"),
    ],
)
def test_the_locale_that_a_request_means(country: str, region: str, tag: str, language: str, expected: str) -> None:
    assert str(wanted_locale(country, region, tag=tag, language=language)) == expected


@pytest.mark.parametrize("country", ["klingon", "1", "e", "../en", "英语"])
def test_what_is_no_language_is_refused_with_those_there_are(country: str) -> None:
    with pytest.raises(RequestError, match="en, es, fr") as caught:
        wanted_locale(country)
    assert caught.value.code == "bad_locale"


@given(st.text(max_size=12), st.text(max_size=6), st.text(max_size=12), st.text(max_size=12))
def test_any_locale_is_understood_or_refused(country: str, region: str, tag: str, language: str) -> None:
    try:
        found = wanted_locale(country, region, tag=tag, language=language)
    except RequestError as problem:
        assert problem.code == "bad_locale"
    else:
        assert found.language
        voices_of(found)


def test_groups_are_by_gender_and_of_one_locale(fast: Installed) -> None:
    made = groups(Locale(language="en", region="GB"), fast)
    assert [(group["label"], group["value"]) for group in made] == [("Female", "female"), ("Male", "male")]
    for group in made:
        for child in group["children"]:
            voice = voice_of(child["value"])
            assert voice.language == "en-GB"
            assert voice.gender == group["value"]
            assert child["label"] and voice.name.startswith(f"kokoro-{child['label'].lower()}")


def test_installed_voices_come_first(fast: Installed) -> None:
    made = groups(Locale(language="en", region="US"), fast)
    assert [group["children"][0]["label"] for group in made] == ["Ava", "Noah"]
    assert [[child["installed"] for child in group["children"]].count(True) for group in made] == [1, 1]
    assert [entry["name"] for entry in every_voice(fast)][:2] == ["Ava", "Noah"]


def test_the_first_voice_of_a_new_installation_needs_no_network(tmp_path: Path) -> None:
    """Clients take the first child of the first group."""
    first = groups(wanted_locale(), Installed(tmp_path))[0]["children"][0]
    assert first["installed"] and voice_of(first["value"]).name == "hibari-ava"


def test_nothing_else_is_installed_in_an_empty_folder(tmp_path: Path) -> None:
    here = Installed(tmp_path)
    assert [voice.name for voice in voices() if here.has(voice)] == ["hibari-ava", "hibari-noah"]
    assert [voice["label"] for voice in groups(Locale(language="en", region="GB"), here)[0]["children"]] == [
        "Emma", "Isabella", "Alice", "Lily",
    ]  # fmt: skip


def test_another_region_falls_back_to_the_language(fast: Installed) -> None:
    mexican = groups(Locale(language="es", region="MX"), fast)
    assert mexican == groups(Locale(language="es", region="ES"), fast) != []
    both = {locale_of(voice).region for voice in voices_of(Locale(language="en", region="AU"))}
    assert both == {"US", "GB"}


def test_a_language_without_voices_has_no_groups_and_no_default(fast: Installed) -> None:
    assert groups(Locale(language="eo", region="XX"), fast) == []
    with pytest.raises(RequestError, match="eo-XX") as caught:
        default_voice(Locale(language="eo", region="XX"))
    assert caught.value.code == "no_voice_for_language"


def test_the_default_voice_is_fast_where_one_is() -> None:
    assert default_voice(wanted_locale()).name == "hibari-ava"
    assert default_voice(wanted_locale("en")).name == "hibari-ava"
    assert default_voice(wanted_locale("en", "GB")).name == "kokoro-emma"
    assert default_voice(wanted_locale("fr")).language == "fr"
    assert default_voice(wanted_locale("de", "AT")).name == "espeak-woman-de"


def test_a_robot_is_the_default_only_where_nobody_else_speaks() -> None:
    natural = {locale_of(voice).language for voice in voices() if voice.engine is not Engine.ESPEAK}
    for language in LANGUAGES:
        assert (default_voice(Locale(language=language)).engine is Engine.ESPEAK) == (language not in natural)


def test_every_voice_has_a_sample_that_sounds_its_language() -> None:
    """MP3 of a few seconds each: all of them together weigh no more than a picture or two."""
    for voice in voices():
        path = sample_of(voice.name)
        assert path is not None and path.read_bytes()[:1] == b"\xff"
        assert 8_000 < path.stat().st_size < 40_000
    assert {path.stem for path in SAMPLES.iterdir()} == {voice.name for voice in voices()}


@pytest.mark.parametrize("name", ["", "nobody", "../voices", "hibari-ava.mp3", "a" * 300])
def test_no_other_file_is_a_sample(name: str) -> None:
    assert sample_of(name) is None


def test_robots_say_so_in_their_labels() -> None:
    assert label_of(find_voice("espeak-man-de")) == "Man (robotic)"


def test_every_listed_language_and_region_has_voices_of_its_own() -> None:
    listed = languages()
    assert [entry["value"] for entry in listed] == list(LANGUAGES)
    seen: set[str] = set()
    for entry in listed:
        for child in entry["children"]:
            spoken = voices_of(Locale(language=entry["value"], region=child["value"]))
            assert {str(locale_of(voice)) for voice in spoken} == {f"{entry['value']}-{child['value']}"}
            seen |= {voice.name for voice in spoken}
    assert seen == {voice.name for voice in voices()}


def test_languages_of_one_locale_mapping() -> None:
    only = languages(Locale(language="en", region="GB"))
    assert only == [{"label": "English", "value": "en", "children": [{"label": "United Kingdom", "value": "GB"}]}]
    assert languages(Locale(language="eo")) == []


def test_labels_differ_within_a_language() -> None:
    for language in LANGUAGES:
        labels = [label_of(voice) for voice in voices_of(Locale(language=language))]
        assert len(labels) == len(set(labels))


def test_voices_and_what_ships_load_no_media_library() -> None:
    """The API process stays light."""
    code = (
        "import sys; from pathlib import Path; from avatarium.catalogue import voices, shipped, service, bringing;"
        "voices.groups(voices.wanted_locale(), voices.Installed(Path('.'))); shipped.shipped_files();"
        "import avatarium.families.tts, avatarium.engine.speech.language as l; l.guess_language('你好');"
        "print(set(sys.modules) & {'numpy', 'PIL', 'scipy', 'av', 'onnxruntime', 'hibari', 'cv2'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "set()"
