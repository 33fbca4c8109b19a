"""Voices, languages, avatars and backgrounds in the shapes that clients read."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from avatarium.catalogue.install import install
from avatarium.catalogue.models import Avatar
from avatarium.catalogue.shipped import shipped_avatars, shipped_backgrounds
from avatarium.catalogue.voices import voice_of
from avatarium.ids import is_id, new_id
from tests.support.speaking import Speaking, speaking

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""What stands in the database is tried on both beside the catalogue itself."""


@pytest.fixture
def house(tmp_path: Path, database_url: str, web: tuple[Path, str]) -> Iterator[Speaking]:
    with speaking(tmp_path / "home", database_url, fetch_allow=[web[1]]) as made:
        yield made


def picture_at(house: Speaking, url: str) -> Image.Image:
    """What stands behind an address, opened without a key."""
    answer = house.client.get(url, headers={"Authorization": ""})
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


def values(groups: list[dict[str, Any]]) -> list[str]:
    return [child["value"] for group in groups for child in group["children"]]


# Voices


def test_voices_by_gender_as_clients_read_them(house: Speaking) -> None:
    groups = house.get("anchor/voice_list", country="en", region="US", voice_map_type="en-US")
    assert [(group["label"], group["value"]) for group in groups] == [("Female", "female"), ("Male", "male")]
    children = [child for group in groups for child in group["children"]]
    assert len(children) > 10
    for child in children:
        assert is_id(child["value"]) and child["label"]
        assert voice_of(child["value"]).language == "en-US"
        assert child["licence"] == "Apache-2.0" and child["engine"] in ("hibari", "kokoro")
        assert child["preview_url"].endswith(".mp3")


@pytest.mark.parametrize(
    ("body", "x_lang", "languages"),
    [
        ({}, "", {"en-US"}),
        ({"country": "en", "region": "GB"}, "fr", {"en-GB"}),
        ({"country": "pt", "region": "BR"}, "", {"pt-BR"}),
        ({"country": "ES", "region": "ar"}, "", {"es"}),
        ({"voice_map_type": "it-IT"}, "", {"it"}),
        ({}, "fr-FR", {"fr"}),
        ({}, "zh-CN", {"zh"}),
        ({"country": "eo", "region": "XX"}, "en-US", set()),
    ],
)
def test_voices_of_a_locale_by_either_method(
    house: Speaking, body: dict[str, Any], x_lang: str, languages: set[str]
) -> None:
    posted = house.post("anchor/voice_list", body, x_lang=x_lang)
    asked = house.client.get("/api/v1/anchor/VOICE_LIST", params=body, headers={"x-lang": x_lang}).json()["data"]
    assert posted == asked
    assert {voice_of(value).language for value in values(posted)} == languages


def test_what_is_no_language_is_refused(house: Speaking) -> None:
    answer = house.get("anchor/voice_list", country="klingon")
    assert (answer["status"], answer["reason"]) == (400, "bad_locale")


def test_all_voices_in_one_list(house: Speaking) -> None:
    listed = house.post("anchor/tts_list")
    assert len(listed) >= 40
    assert all(entry["_id"] == entry["value"] and entry["name"] == entry["label"] for entry in listed)


def test_a_voice_is_heard_without_a_key(house: Speaking) -> None:
    ava = next(entry for entry in house.post("anchor/tts_list") if entry["name"] == "Ava")
    answer = house.client.get(ava["preview_url"], headers={"Authorization": ""})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/mpeg")
    assert len(answer.content) > 8_000 and "public" in answer.headers["cache-control"]
    etag = answer.headers["etag"]
    assert house.client.get(ava["preview_url"], headers={"If-None-Match": etag}).headers["etag"] == etag


@pytest.mark.parametrize("name", ["nobody", "..%2f..%2fvoices", "hibari-ava.mp3"])
def test_no_sample_of_nobody(house: Speaking, name: str) -> None:
    answer = house.client.get(f"/voices/{name}.mp3")
    assert (answer.status_code, answer.json()["reason"]) == (404, "no_route")


def test_languages_by_either_method(house: Speaking) -> None:
    listed = house.post("anchor/language_list")
    assert listed == house.get("anchor/language_list", lang="en")
    assert {"en", "es", "fr"} <= {entry["value"] for entry in listed}
    for entry in listed:
        for child in entry["children"]:
            found = house.get("anchor/voice_list", country=entry["value"], region=child["value"])
            assert values(found), (entry, child)
    assert [entry["value"] for entry in house.post("anchor/language_list", {"voice_map_type": "fr-FR"})] == ["fr"]


def test_there_are_no_cloned_voices(house: Speaking) -> None:
    assert house.get("userVoice/completedRecord") == house.get("userVoice/trainingRecord") == []


@pytest.mark.parametrize(
    ("text", "code"),
    [("Good morning, everybody.", "en"), ("你好，世界", "zh"), ("Добрый день, как дела?", "ru"), ("12345", "en")],
)
def test_the_language_of_a_text(house: Speaking, text: str, code: str) -> None:
    assert house.post("video/lang_classify", {"msg": text}) == code


@pytest.mark.parametrize("body", [{}, {"msg": ""}, {"msg": " "}, {"msg": 7}])
def test_no_text_to_classify(house: Speaking, body: dict[str, Any]) -> None:
    answer = house.post("video/lang_classify", body)
    assert (answer["status"], answer["reason"]) == (400, "invalid_request")
    assert "msg" in answer["message"]


# Avatars


def add_avatar(house: Speaking, name: str, twin_id: str) -> Avatar:
    key = f"catalogue/{house.user_id}/{name}.jpg"
    house.platform.storage.put(key, b"picture", owner=house.user_id, media_type="image/jpeg", expires_ms=None)
    avatar = Avatar(
        id=new_id(),
        owner=house.user_id,
        name=name,
        gender="male",
        picture_key=key,
        twin_id=twin_id,
        created_ms=house.platform.clock.now_ms(),
    )
    with house.platform.database.write() as c:
        house.platform.catalogue.add_avatar(c, avatar)
    return avatar


def test_avatars_as_clients_read_them(house: Speaking) -> None:
    install(house.platform.storage)
    twin = new_id()
    mine = add_avatar(house, "Me", twin)
    listed = house.get("anchor/character_list")
    assert [entry["_id"] for entry in listed] == [mine.id, *(avatar.id for avatar in shipped_avatars())]
    texts = ("_id", "type", "name", "user_video_twin_id", "video_cover", "people_img", "base_video")
    for entry in listed:
        assert all(isinstance(entry[name], str) for name in (*texts, "background_img", "background_color"))
        assert entry["lang"] == [] and entry["createdAt"].endswith("Z")
        assert house.client.get(entry["people_img"], headers={"Authorization": ""}).status_code == 200
    assert picture_at(house, listed[1]["people_img"]).size == (1024, 1280)
    assert picture_at(house, listed[1]["video_cover"]).size == (512, 640)
    assert (listed[0]["type"], listed[0]["user_video_twin_id"]) == ("custom", twin)
    only = house.get("anchor/character_list", user_video_twin_id=twin)
    assert [entry["_id"] for entry in only] == [mine.id]


@pytest.mark.parametrize(
    ("body", "types"),
    [
        ({}, "cdd"),
        ({"type": ""}, "cdd"),
        ({"type": "default"}, "dd"),
        ({"type": "custom"}, "c"),
        ({"type": None}, "cdd"),
    ],
)
def test_avatars_of_a_type(house: Speaking, body: dict[str, Any], types: str) -> None:
    add_avatar(house, "Me", "")
    assert "".join(entry["type"][0] for entry in house.post("anchor/character_list", body)) == types


def test_a_type_that_does_not_exist(house: Speaking) -> None:
    answer = house.get("anchor/character_list", type="system")
    assert (answer["status"], answer["reason"]) == (400, "invalid_request")
    assert "default" in answer["message"] and "custom" in answer["message"]


def test_the_older_list_adds_what_ships_for_a_web_type(house: Speaking) -> None:
    mine = add_avatar(house, "Me", "")
    assert [entry["_id"] for entry in house.post("anchor/list")] == [mine.id]
    assert len(house.post("anchor/list", {"web_type": "a2e"})) == 1 + len(shipped_avatars())


def test_avatars_of_others_are_not_listed(house: Speaking) -> None:
    add_avatar(house, "Me", "")
    answer = house.client.get("/api/v1/anchor/character_list", headers=dict(house.other)).json()
    assert {entry["type"] for entry in answer["data"]} == {"default"}


# Backgrounds


def test_a_background_comes_and_goes(house: Speaking, web: tuple[Path, str]) -> None:
    install(house.platform.storage)
    Image.new("RGB", (64, 48), (10, 200, 30)).save(web[0] / "a.png")
    made = house.post("custom_back/add", {"img_url": f"http://{web[1]}/a.png", "name": "Green"})
    assert (made["type"], made["name"]) == ("custom", "Green") and is_id(made["_id"])
    assert picture_at(house, made["img_url"]).size == (64, 48)
    everything = house.post("custom_back/allBackground")
    assert [entry["_id"] for entry in everything] == [made["_id"], *(ours.id for ours in shipped_backgrounds())]
    assert [entry["type"] for entry in everything] == ["custom"] + ["default"] * len(shipped_backgrounds())
    for entry in everything[1:]:
        assert picture_at(house, entry["img_url"]).width >= 640
    assert [entry["_id"] for entry in house.post("custom_back/list")] == [made["_id"]]
    stranger = house.client.post("/api/v1/custom_back/del", json={"_id": made["_id"]}, headers=dict(house.other))
    assert stranger.status_code == 404
    assert house.post("custom_back/del", {"_id": made["_id"]}) == {"_id": made["_id"]}
    assert house.client.get(made["img_url"]).status_code == 404
    assert house.post("custom_back/list") == []


@pytest.mark.parametrize("body", [None, b"", b"{}"])
def test_the_list_needs_no_body(house: Speaking, body: bytes | None) -> None:
    """Clients send none, an empty text and an empty object."""
    answer = house.client.post(
        "/api/v1/custom_back/allBackground", content=body, headers={"Content-Type": "text/plain"}
    )
    assert answer.json()["code"] == 0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "invalid_request"),
        ({"img_url": ""}, "invalid_request"),
        ({"img_url": "office.jpg"}, "bad_url"),
        ({"img_url": "http://10.0.0.1/a.jpg"}, "url_private"),
        ({"img_url": "data:image/png;base64,AAAA"}, "bad_url"),
    ],
)
def test_pictures_that_cannot_be_had(house: Speaking, body: dict[str, Any], reason: str) -> None:
    answer = house.post("custom_back/add", body)
    assert (answer["status"], answer["reason"]) == (400, reason)
    assert house.post("custom_back/list") == []


def test_what_cannot_be_deleted(house: Speaking) -> None:
    answer = house.post("custom_back/del", {})
    assert (answer["status"], answer["reason"]) == (400, "invalid_request")
    answer = house.post("custom_back/del", {"_id": new_id()})
    assert (answer["status"], answer["reason"]) == (404, "background_not_found")
    for ours in shipped_backgrounds()[:1]:
        answer = house.post("custom_back/del", {"_id": ours.id})
        assert (answer["status"], answer["reason"]) == (403, "background_ships")


def test_a_random_background_needs_no_key(house: Speaking) -> None:
    install(house.platform.storage)
    found = house.client.post("/api/v1/custom_back/randomBackground", headers={"Authorization": ""}).json()["data"]
    assert found["_id"] in {ours.id for ours in shipped_backgrounds()}
    assert picture_at(house, found["img_url"]).width >= 640


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "anchor/voice_list"),
        ("POST", "anchor/tts_list"),
        ("POST", "anchor/language_list"),
        ("GET", "anchor/character_list"),
        ("POST", "anchor/list"),
        ("GET", "userVoice/completedRecord"),
        ("POST", "video/lang_classify"),
        ("POST", "custom_back/allBackground"),
        ("POST", "custom_back/list"),
        ("POST", "custom_back/add"),
        ("POST", "custom_back/del"),
    ],
)
def test_a_key_is_needed(house: Speaking, method: str, path: str) -> None:
    answer = house.client.request(method, f"/api/v1/{path}", headers={"Authorization": ""})
    assert answer.status_code == 401


def test_examples_have_the_fields_of_real_answers(house: Speaking, web: tuple[Path, str]) -> None:
    Image.new("RGB", (64, 48)).save(web[0] / "a.png")
    paths = house.client.get("/openapi.json").json()["paths"]
    real = {
        ("anchor/voice_list", "get"): house.get("anchor/voice_list"),
        ("anchor/tts_list", "post"): house.post("anchor/tts_list"),
        ("anchor/language_list", "post"): house.post("anchor/language_list"),
        ("anchor/character_list", "get"): house.get("anchor/character_list"),
        ("anchor/list", "post"): house.post("anchor/list", {"web_type": "a2e"}),
        ("custom_back/add", "post"): house.post("custom_back/add", {"img_url": f"http://{web[1]}/a.png"}),
        ("custom_back/allBackground", "post"): house.post("custom_back/allBackground"),
    }
    for (path, method), data in real.items():
        operation = paths[f"/api/v1/{path}"][method]
        assert operation["summary"]
        shown = operation["responses"]["200"]["content"]["application/json"]["example"]["data"]
        assert _fields(shown) == _fields(data), path


def _fields(data: Any) -> set[str]:
    """Names of all fields, at every depth."""
    if isinstance(data, list):
        return set().union(*map(_fields, data)) if data else set()
    if isinstance(data, dict):
        return set(data).union(*map(_fields, data.values()))
    return set()
