"""Avatar videos in A2E's shapes: what is taken, refused, shown and charged. Nothing is drawn here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from avatarium.catalogue.models import Avatar
from avatarium.catalogue.shipped import shipped_avatars, shipped_backgrounds
from avatarium.clock import ManualClock
from avatarium.ids import new_id
from avatarium.tasks.models import tasks
from tests.running import COINS, Running, running
from tests.support.twins import made_model, made_twin

ANCHOR = shipped_avatars()[0].id
BODY = {"anchor_id": ANCHOR, "anchor_type": 0, "audioSrc": "https://files.example/speech.mp3", "resolution": 720}
DOCUMENTED = (
    *("_id", "status", "result", "process", "msg", "anchor_id", "anchor_type", "web_bg_width", "web_bg_height"),
    *("color", "result_people_url", "result_bg_url", "replace_bg_id", "custom_backs_id", "createdAt", "diff_s"),
    "current_date",
)


@pytest.fixture
def it(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path, clock=ManualClock()) as made:
        yield made


def own_avatar(it: Running, owner: str) -> str:
    avatar = Avatar(id=new_id(), owner=owner, name="me", gender="male", picture_key="results/x", created_ms=1)
    with it.platform.database.write() as c:
        it.platform.catalogue.add_avatar(c, avatar)
    return avatar.id


def test_a_start_gives_the_id_and_the_first_status(it: Running) -> None:
    video = it.post("video/generate", BODY | {"title": "demo"})
    assert (video["status"], video["process"], video["result"], video["title"]) == ("init", 0, "", "demo")


def test_the_status_call_answers_with_the_seventeen_fields(it: Running) -> None:
    video = it.post("video/generate", BODY | {"color": "rgb(1,2,3)", "web_bg_width": "1280", "web_bg_height": 720})
    it.platform.clock.advance(42.4)  # type: ignore[attr-defined]
    found = it.post("video/awsResult", {"_id": video["_id"]})
    assert len(found) == 1
    record = found[0]
    assert set(DOCUMENTED) <= set(record)
    assert (record["anchor_type"], record["anchor_id"], record["custom_backs_id"]) == ("0", ANCHOR, None)
    assert (record["web_bg_width"], record["web_bg_height"], record["color"]) == (1280, 720, "rgb(1,2,3)")
    assert record["diff_s"] == 42
    assert record["createdAt"] < record["current_date"]
    assert "current_status" not in record


def test_the_list_has_its_own_shape_by_get_and_post(it: Running) -> None:
    ids = {it.post("video/generate", BODY)["_id"] for _ in range(3)}
    page = it.get("video/awsList?current=1&pageSize=2")
    assert (page["current"], page["total"], page["success"], len(page["data"])) == (1, 3, True, 2)
    rest = it.post("video/awsList", {"current": 2, "pageSize": "2"})
    assert {row["_id"] for row in page["data"] + rest["data"]} == ids
    assert set(DOCUMENTED) <= set(rest["data"][0])


def test_detail_batch_delete_and_retry(it: Running) -> None:
    video = it.post("video/generate", BODY)
    assert it.get(f"video/detail?video_id={video['_id']}")["_id"] == video["_id"]
    assert it.post("video/batchDetail", {"ids": [video["_id"]]})[0]["status"] == "init"
    ended = it.post(f"video/{video['_id']}/cancel")
    assert (ended["status"], ended["failed_code"], ended["msg"]) == ("fail", "cancelled", ended["error"])
    assert it.post("video/retry", {"_id": video["_id"]})["status"] == "init"
    assert it.delete(f"video/{video['_id']}") == {"_id": video["_id"]}
    assert it.get("video/awsList")["total"] == 0
    assert it.balance() == (COINS, 0)
    for answer in (it.post("video/awsResult", {"_id": video["_id"]}), it.get(f"video/detail?video_id={video['_id']}")):
        assert answer["status"] == 404


def test_the_price_is_exact_where_the_recording_is_ours(it: Running) -> None:
    sound = it.upload(b"x" * 100, "a.mp3", duration_s=29.31)
    assert it.post("video/generate", BODY | {"audioSrc": sound})["coins"] == 30
    assert it.balance() == (COINS - 30, 0)


def test_the_price_is_a_guess_where_it_is_not(it: Running) -> None:
    assert it.post("video/generate", BODY)["coins"] == 10
    assert it.post("video/generate", {**BODY, "audioSrc": "", "custom_voice": BODY["audioSrc"]})["coins"] == 10


FILM = "https://files.example/film.mp4"


def test_a_video_and_a_blur_behind_are_shown_and_take_their_time(it: Running) -> None:
    plain, more = it.post("video/generate", BODY), {"background_video": FILM, "background_blur": "0.4"}
    video = it.post("video/generate", BODY | more)
    record = it.post("video/awsResult", {"_id": video["_id"]})[0]
    assert (record["background_video"], record["background_blur"], record["credentials_url"]) == (FILM, 0.4, "")
    with it.platform.database.read() as c:
        expected = {row.id: row.expected_s for row in c.execute(sa.select(tasks.c.id, tasks.c.expected_s))}
    assert expected[video["_id"]] > expected[plain["_id"]] and video["coins"] == plain["coins"]


def test_an_avatar_that_is_told_anew_from_its_ground_takes_its_time(it: Running) -> None:
    """Making it was in no estimate."""
    avatar = made_twin(it).avatar.id
    told = {"anchor_id": avatar, "anchor_type": 1, "anchor_background_color": "rgb(9,9,9)"}
    ids = [it.post("video/generate", BODY | told | more)["_id"] for more in ({}, {"color": "rgb(1,2,3)"})]
    with it.platform.database.read() as c:
        expected = {row.id: row.expected_s for row in c.execute(sa.select(tasks.c.id, tasks.c.expected_s))}
    assert expected[ids[1]] - expected[ids[0]] == pytest.approx(50, abs=1)


@pytest.mark.parametrize(
    ("wrong", "reason", "word"),
    [
        ({"background_video": FILM, "back_id": "x"}, "two_backgrounds", "`background_video`"),
        ({"background_video": FILM, "custom_back_id": "x"}, "two_backgrounds", "`custom_back_id`"),
        ({"background_video": FILM, "alpha": True}, "alpha_and_background", "clear ground"),
        ({"background_blur": 0.3, "alpha": True}, "alpha_and_background", "clear ground"),
        ({"background_video": "film.mp4"}, "bad_url", "`background_video`"),
        ({"background_blur": 2}, "invalid_request", "background_blur"),
    ],
)
def test_grounds_that_exclude_each_other_cost_nothing(
    it: Running, wrong: dict[str, Any], reason: str, word: str
) -> None:
    answer = it.post("video/generate", BODY | wrong)
    assert (answer["status"], answer["reason"]) == (400, reason) and word in answer["message"]
    assert it.balance() == (COINS, 0)


def test_a_picture_is_no_video_to_stand_before(it: Running) -> None:
    url = it.upload(b"\xff\xd8\xff\xe0" + bytes(60), "wall.jpg")
    answer = it.post("video/generate", BODY | {"background_video": url})
    assert (answer["status"], answer["reason"]) == (400, "wrong_kind") and "`background_video`" in answer["message"]


def test_two_backgrounds_have_the_number_that_clients_know(it: Running) -> None:
    answer = it.post("video/generate", BODY | {"back_id": "a", "custom_back_id": "b"})
    assert (answer["status"], answer["code"]) == (400, 30005)


BAD: list[tuple[dict[str, Any], int, str]] = [
    ({"audioSrc": ""}, 400, "no_audio"),
    ({"audioSrc": None}, 400, "no_audio"),
    ({"audioSrc": "speech.mp3"}, 400, "bad_url"),
    ({"anchor_id": ""}, 400, "invalid_request"),
    ({"anchor_id": "f" * 24}, 404, "avatar_not_found"),
    ({"anchor_type": 1}, 400, "anchor_type_wrong"),
    ({"anchor_type": 2}, 400, "invalid_request"),
    ({"resolution": 144}, 400, "invalid_request"),
    ({"resolution": "4k"}, 400, "invalid_request"),
    ({"color": "greenish"}, 400, "invalid_request"),
    ({"back_id": "f" * 24}, 404, "background_not_found"),
    ({"custom_back_id": "f" * 24}, 404, "background_not_found"),
    ({"web_bg_width": 1280}, 400, "canvas_shape"),
    ({"web_bg_height": "tall"}, 400, "invalid_request"),
    ({"isCaptionEnabled": True, "captionAlign": {"PrimaryColour": "greenish"}}, 400, "caption_colour"),
    ({"isCaptionEnabled": True, "captionAlign": {"BorderStyle": 2}}, 400, "caption_border"),
    ({"isCaptionEnabled": True, "captionAlign": {"Fontsize": 4000}}, 400, "caption_fontsize"),
    ({"isCaptionEnabled": True, "captionAlign": {"subtitle_position": 1.2}}, 400, "caption_position"),
    ({"isCaptionEnabled": True, "captionAlign": {"language": "so loud"}}, 400, "caption_language"),
    ({"isCaptionEnabled": True, "captionAlign": "big"}, 400, "invalid_request"),
    ({"isCaptionEnabled": "maybe"}, 400, "invalid_request"),
    ({"title": "x" * 41}, 400, "invalid_request"),
    ({"anchor_background_img": "https://a.example/g.jpg", "anchor_background_color": "#0f0"}, 400, "two_grounds"),
    ({"anchor_background_img": "ground.jpg"}, 400, "bad_url"),
    ({"anchor_background_color": "greenish"}, 400, "invalid_request"),
    ({"format": "avi"}, 400, "invalid_request"),
    ({"alpha": True, "format": "mp4"}, 400, "alpha_needs_webm"),
    ({"alpha": True, "color": "#0f0"}, 400, "alpha_and_background"),
    ({"alpha": True, "back_id": shipped_backgrounds()[0].id}, 400, "alpha_and_background"),
    ({"webhook_url": "mailto:me@a.example"}, 400, "bad_webhook_url"),
]


@pytest.mark.parametrize(("wrong", "status", "reason"), BAD, ids=[str(wrong)[:40] for wrong, _, _ in BAD])
def test_bad_requests_get_a_sentence_and_cost_nothing(
    it: Running, wrong: dict[str, Any], status: int, reason: str
) -> None:
    answer = it.post("video/generate", BODY | wrong)
    assert (answer["status"], answer["reason"]) == (status, reason)
    assert answer["message"].endswith(".")
    assert it.balance() == (COINS, 0) and not it.worker.waiting


def test_what_clients_send_besides_is_ignored(it: Running) -> None:
    extras = {
        **{"isSkipRs": True, "isAllowReverse": "true", "isToPublicPool": False, "isCaptionEnabled": False},
        **{"captionAlign": {"Fontsize": 42}, "face_swap_id": "", "wl_model": 1, "user_video_twin_id": "x", "text": "x"},
        **{"anchor_background_img": "", "anchor_background_color": "rgb(0,0,0)", "back_id": "", "custom_back_id": None},
    }
    assert it.post("video/generate", BODY | extras)["status"] == "init"


def test_an_avatar_from_a_video_is_drawn_by_its_own_engine_with_its_newest_model(it: Running) -> None:
    twin = made_twin(it)
    body = BODY | {"anchor_id": twin.avatar.id, "anchor_type": 1}
    made = it.post("video/generate", body)
    assert made["engine"] == "avatarium-video"
    assert it.post("video/generate", BODY)["engine"] == "avatarium-photo"
    models = [made_model(it, twin) for _ in range(2)]
    assert [model.version for model in models] == [1, 2]
    for newest in (models[1], models[0], None):
        task = it.platform.tasks.find(it.user_id, it.post("video/generate", body)["_id"])[0]
        assert task.facts["package_key"] == twin.avatar.package_key
        assert task.facts["model_key"] == (newest.key if newest else "")
        if newest:
            it.delete(f"video/lip_models/{newest.id}")


def test_avatars_of_ones_own_and_of_others(it: Running) -> None:
    mine, theirs = own_avatar(it, it.user_id), own_avatar(it, it.other_id)
    made = it.post("video/generate", BODY | {"anchor_id": mine, "anchor_type": "1"})
    assert made["anchor_type"] == "1"
    untold = {name: value for name, value in BODY.items() if name != "anchor_type"}
    assert it.post("video/generate", untold | {"anchor_id": mine})["anchor_type"] == "1"
    assert it.post("video/generate", BODY | {"anchor_id": mine})["reason"] == "anchor_type_wrong"
    answer = it.post("video/generate", BODY | {"anchor_id": theirs, "anchor_type": 1})
    assert (answer["status"], answer["reason"]) == (404, "avatar_not_found")


def test_backgrounds_of_others_are_not_there(it: Running) -> None:
    theirs = it.platform.catalogue.add_background(it.other_id, name="x", key="results/y")
    assert it.post("video/generate", BODY | {"custom_back_id": theirs.id})["reason"] == "background_not_found"
    mine = it.platform.catalogue.add_background(it.user_id, name="x", key="results/z")
    record = it.post("video/generate", BODY | {"custom_back_id": mine.id})
    assert record["custom_backs_id"] == mine.id
    for ours in shipped_backgrounds()[:1]:
        assert it.post("video/generate", BODY | {"back_id": ours.id})["replace_bg_id"] == ours.id


def test_the_pool_is_remembered(it: Running) -> None:
    assert it.post("video/auto-public-pool", {"isAutoToPublicPool": "true"}) == {"isAutoToPublicPool": True}
    assert it.platform.accounts.user(it.user_id).auto_public_pool
    assert it.post("video/auto-public-pool", {})["status"] == 400


def test_a_private_address_fails_the_task_and_gives_the_coins_back(it: Running) -> None:
    video = it.post("video/generate", BODY | {"audioSrc": "http://169.254.169.254/latest/meta-data"})
    it.work()
    record = it.post("video/awsResult", {"_id": video["_id"]})[0]
    assert (record["status"], record["failed_code"], record["coins"]) == ("fail", "url_private", 0)
    assert record["msg"] == record["error"] == record["failed_message"] != ""
    assert it.balance() == (COINS, 0)


def test_nothing_of_the_owner_or_of_our_insides_is_shown(it: Running) -> None:
    video = it.post("video/generate", BODY)
    with it.platform.database.read() as c:
        row = c.execute(sa.select(tasks).where(tasks.c.id == video["_id"])).one()
    assert row.user_id == it.user_id
    hidden = {"user_id", "facts", "request", "marks_key", "picture_key", "idempotency_key", "webhook_token"}
    assert not hidden & set(video)
    assert it.user_id not in str(video)
