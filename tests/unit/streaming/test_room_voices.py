"""Who speaks in a room: voices that ship, clones of its owner, and whoever reads a text that they cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from avatarium.catalogue.models import VIDEO, Avatar, UserVoice
from avatarium.catalogue.voices import voice_id
from avatarium.database import Database
from avatarium.engine.speech import find_voice
from avatarium.errors import AvatariumError
from avatarium.ids import new_id
from avatarium.streaming.booking import BookRequest
from avatarium.streaming.placement import SLOW, places_for
from avatarium.streaming.tongues import fitting, told
from avatarium.streaming.wire import RoomVoice
from tests.support.live_house import House, made_house
from tests.support.live_rooms import AVA_SPEAKS, spec_of

OWN = RoomVoice(key="results/a/b/voice.voice", language="en-US", gender="male", live=False)


@pytest.fixture
def home(database: Database, tmp_path: Path) -> House:
    made = made_house(database, tmp_path)
    made.stage("large", places=40.0)
    return made


def clone(house: House, owner: str = "", avatar_id: str = "", language: str = "en-US") -> UserVoice:
    owner = owner or house.ada
    name = new_id()
    made = UserVoice(
        id=name,
        owner=owner,
        name="me",
        gender="male",
        language=language,
        key=f"results/{owner}/{name}/voice.voice",
        sample_key="",
        avatar_id=avatar_id,
        created_ms=1,
    )
    with house.platform.database.write() as c:
        house.platform.catalogue.voices.add(c, made)
    return made


def avatar(house: House) -> Avatar:
    made = Avatar(
        id=new_id(), owner=house.ada, name="me", gender="male", kind=VIDEO, picture_key="results/p.jpg", created_ms=1
    )
    with house.platform.database.write() as c:
        house.platform.catalogue.add_avatar(c, made)
    return made


def booked(house: House, avatar_id: str, **more: Any) -> RoomVoice:
    return house.rooms.book(house.ada, BookRequest(avatar_id=avatar_id, expire_s=60, **more)).spec.voice


# Booking


def test_any_voice_can_be_booked_and_a_slow_one_takes_more_places(home: House) -> None:
    fast, slow = home.booked(), home.booked(voice_id=voice_id(find_voice("kokoro-heart")))
    assert (fast.spec.voice.live, slow.spec.voice.live) == (True, False)
    assert slow.spec.voice.name == "kokoro-heart" and slow.spec.language == "en-US"
    assert slow.room.places == pytest.approx(fast.room.places + SLOW)
    assert places_for(spec_of(voice=OWN)) == pytest.approx(places_for(spec_of()) + SLOW)


@pytest.mark.parametrize(("language", "country"), [("es", "es"), ("ja-JP", "ja"), ("pt", "pt"), ("en-GB", "en")])
def test_a_language_without_a_voice_finds_one_that_is_no_robot(home: House, language: str, country: str) -> None:
    voice = home.booked(language=language).spec.voice
    assert voice.language.partition("-")[0] == country
    assert find_voice(voice.name).engine.value in ("kokoro", "hibari")


def test_a_clone_speaks_for_its_owner_in_the_language_that_is_asked_for(home: House) -> None:
    mine, theirs = clone(home), clone(home, home.ben)
    assert home.booked(voice_id=mine.id).spec.voice == OWN.model_copy(update={"key": mine.key})
    assert home.booked(voice_id=mine.id, language="ja").spec.voice.language == "ja"
    with pytest.raises(AvatariumError) as refused:
        home.booked(voice_id=theirs.id)
    assert refused.value.code == "voice_not_found"
    with pytest.raises(AvatariumError) as unread:
        home.booked(voice_id=mine.id, language="de")
    assert unread.value.code == "no_voice_for_language"


def test_an_avatar_speaks_with_its_own_voice_unless_another_is_chosen(home: House) -> None:
    who = avatar(home)
    assert booked(home, who.id).name == "hibari-noah"
    own = clone(home, avatar_id=who.id)
    assert booked(home, who.id).key == own.key
    assert booked(home, who.id, language="fr").language == "fr"
    assert booked(home, who.id, voice_id=voice_id(find_voice("hibari-ava"))).name == "hibari-ava"
    german = booked(home, who.id, language="de")
    assert not german.key and german.language.startswith("de"), "a clone does not speak it, so another does"


# Texts in other languages


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Buenos días a todos, me alegro mucho de que hayan venido hoy.", "es"),
        ("Bonjour à tous, je suis très heureuse de vous voir ici aujourd'hui.", "fr"),
        ("こんにちは", "ja"),
        ("你好，欢迎来到我们的商店。", "zh"),
        ("Good morning, it is nice to see you all here today.", "en"),
        ("OK.", ""),
        ("Ja, gut.", ""),
        ("42", ""),
        ("Meet Señor Nuñez.", ""),
    ],
)
def test_only_what_is_certain_counts(text: str, language: str) -> None:
    assert told(text) == language


def test_a_text_is_read_by_a_voice_that_can() -> None:
    assert fitting("Good morning, it is nice to see you all here today.", AVA_SPEAKS) == AVA_SPEAKS
    assert fitting("12.30", AVA_SPEAKS) == AVA_SPEAKS
    spanish = fitting("Buenos días a todos, me alegro mucho de que hayan venido hoy.", AVA_SPEAKS)
    assert spanish.language.startswith("es") and not spanish.live and not spanish.key
    assert find_voice(spanish.name).gender.value == "female"


def test_a_clone_reads_what_it_can_itself() -> None:
    japanese = fitting("こんにちは、お元気ですか。", OWN)
    assert (japanese.key, japanese.language) == (OWN.key, "ja")
    german = fitting("Guten Morgen, wir freuen uns sehr, dass Sie heute gekommen sind.", OWN)
    assert german.key in ("", OWN.key), "another voice reads it, or it does as well as it can"
