"""What a speech costs, who speaks it, and what is refused before anything is charged."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from avatarium.accounts.models import Principal, Role
from avatarium.catalogue.voices import voice_id
from avatarium.engine.speech import find_voice, voices
from avatarium.errors import NotFoundError, RequestError
from avatarium.families.tts import FAMILY, TtsStart, marks_key_of
from avatarium.prices import Prices, Unit
from avatarium.tasks.family import Desk, Plan, Queue
from avatarium.tasks.states import State
from tests.running import running


def plan(*, language: str = "", prices: Prices | None = None, **fields: Any) -> Plan:
    unused = cast(Any, None)
    desk = Desk(owner="u1", prices=prices or Prices(), catalogue=unused, storage=unused, language=language)
    return FAMILY.plan(TtsStart.model_validate({"msg": "Hello.", **fields}), desk)


@pytest.mark.parametrize(("characters", "coins"), [(1, 1), (200, 1), (201, 2), (400, 2), (3000, 15)])
def test_a_coin_for_every_200_characters_begun(characters: int, coins: int) -> None:
    price = plan(msg="a" * characters).price
    assert (price.amount, price.unit) == (coins, Unit.COIN)


def test_an_installation_may_ask_another_price() -> None:
    assert plan(msg="a" * 401, prices=Prices({"speech": 2.5})).price.amount == 8
    assert plan(prices=Prices({"speech": 0})).price.amount == 0


@pytest.mark.parametrize(
    ("fields", "language", "voice"),
    [
        ({}, "", "hibari-ava"),
        ({}, "eo-XX", "hibari-ava"),
        ({}, "en-GB", "kokoro-emma"),
        ({"country": "en", "region": "US"}, "fr-FR", "hibari-ava"),
        ({"country": "es", "region": "MX"}, "", "kokoro-dora-es"),
        ({"country": "", "region": "", "tts_id": "", "user_voice_id": None}, "", "hibari-ava"),
    ],
)
def test_who_speaks_where_no_voice_is_named(fields: dict[str, Any], language: str, voice: str) -> None:
    assert plan(language=language, **fields).facts["voice"] == voice


def test_a_named_voice_speaks_whatever_the_country() -> None:
    tts_id = voice_id(find_voice("kokoro-george"))
    made = plan(tts_id=f" {tts_id} ", country="klingon", region="??")
    assert made.facts == {
        "voice": "kokoro-george",
        "tts_id": tts_id,
        "country": "en",
        "region": "GB",
        "engine": "Kokoro-82M",
    }


def test_every_voice_has_an_engine_with_a_name() -> None:
    for voice in voices():
        assert plan(tts_id=voice_id(voice)).facts["engine"]


def test_voices_that_are_not_there() -> None:
    """Those of users' own are looked up in the catalogue: see the tests of its calls."""
    with pytest.raises(NotFoundError) as caught:
        plan(tts_id="64f0c0ffee0000000000b001")
    assert caught.value.code == "voice_not_found"
    assert "voice_list" in caught.value.message


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"tts_id": voice_id(find_voice("hibari-ava")), "user_voice_id": "64f0c0ffee0000000000c001"}, "two_voices"),
        ({"country": "eo", "region": "XX"}, "no_voice_for_language"),
        ({"country": "klingon"}, "bad_locale"),
    ],
)
def test_what_contradicts_itself_or_cannot_be(fields: dict[str, Any], code: str) -> None:
    with pytest.raises(RequestError) as caught:
        plan(**fields)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"msg": ""}, "msg"),
        ({"msg": " \n\t "}, "msg"),
        ({"msg": None}, "msg"),
        ({"msg": "a" * 3001}, "msg"),
        ({"msg": ["a"]}, "msg"),
        ({"msg": "a", "speechRate": 0.49}, "speechRate"),
        ({"msg": "a", "speechRate": 2.01}, "speechRate"),
        ({"msg": "a", "speechRate": "nan"}, "speechRate"),
        ({"msg": "a", "speechRate": "fast"}, "speechRate"),
        ({"msg": "a", "tts_id": "x" * 65}, "tts_id"),
    ],
)
def test_fields_that_cannot_be_used(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TtsStart.model_validate(fields)
    assert [error["loc"] for error in caught.value.errors()] == [(field,)]


@given(st.text(max_size=3100))
def test_any_text_of_1_to_3000_characters_is_taken(text: str) -> None:
    try:
        start = TtsStart.model_validate({"msg": text})
    except ValidationError:
        assert not text.strip() or len(text.strip()) > 3000
    else:
        assert 1 <= len(start.msg) <= 3000


def test_fields_that_the_contract_calls_ignored_change_nothing() -> None:
    plain = TtsStart.model_validate({"msg": "a"})
    ignored = {"speech_rate": 9, "speed": "x", "pitch": [], "volume": {}, "language": 1, "voice_id": "v", "text": "t"}
    assert TtsStart.model_validate({"msg": "a", "speechRate": None, **ignored}) == plain
    assert plain.speechRate == 1.0


def test_the_stored_request_is_read_again_as_it_was() -> None:
    start = TtsStart.model_validate({"msg": "a", "speechRate": "1.5", "country": "en"})
    assert TtsStart.model_validate(start.model_dump(mode="json")) == start
    assert start.speechRate == 1.5


def test_speech_does_not_wait_behind_videos() -> None:
    assert FAMILY.queue is Queue.QUICK
    assert FAMILY.paths == ("/video/send_tts",)


def test_a_slow_voice_and_a_long_text_are_expected_to_take_longer() -> None:
    slow: dict[str, Any] = {"tts_id": voice_id(find_voice("kokoro-heart"))}
    assert plan(msg="a" * 1000).expected_s < plan(msg="a" * 1000, **slow).expected_s
    assert plan(msg="a" * 100, **slow).expected_s < plan(msg="a" * 1000, **slow).expected_s


@pytest.mark.parametrize(
    ("key", "marks"),
    [
        ("results/u/t/speech.mp3", "results/u/t/speech.json"),
        ("results/u/t/video.mp4", ""),
        ("uploads/u/r/speech.mp3", ""),
        ("speech.mp3", ""),
        ("", ""),
    ],
)
def test_marks_lie_beside_the_sounds_of_this_family_only(key: str, marks: str) -> None:
    assert marks_key_of(key) == marks


def test_a_retry_forgot_the_language_of_the_caller(tmp_path: Path) -> None:
    with running(tmp_path) as it:
        user = Principal(user_id=it.user_id, role=Role.USER, key_id="", scopes=frozenset(), origins=())
        task = it.platform.tasks.submit(user, FAMILY, TtsStart(msg="Hello."), language="en-GB")
        assert task.facts["voice"] == "kokoro-emma"
        for _ in range(2):
            it.platform.tasks.finish(task, State.FAILED, failed_code="storage_away")
            task = it.platform.tasks.retry(user, FAMILY, task.id)
            assert task.facts["voice"] == "kokoro-emma"
