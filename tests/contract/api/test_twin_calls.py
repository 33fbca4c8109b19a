"""Avatars from videos in A2E's shapes: what is taken, refused, shown, charged and removed. Nobody looks at a video."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from avatarium.accounts.reconcile import reconcile
from avatarium.api.routes import twins
from avatarium.catalogue.models import PHOTO, lip_models
from avatarium.clock import HOUR_MS
from avatarium.errors import ConflictError, NotFoundError
from avatarium.families import lip_model, twin_advice
from avatarium.families import twin as twin_family
from avatarium.families.consent import STANDARD
from avatarium.storage.models import objects
from avatarium.tasks.family import Desk, Plan
from avatarium.tasks.models import Task, tasks
from avatarium.tasks.states import State
from tests.running import COINS, Running, job_of, running
from tests.support.stage import stages
from tests.support.twins import CLIP, made_model, made_twin, principal, started

PICTURE = "https://files.example/me.jpg"
DOCUMENTED = (
    *("_id", "name", "gender", "current_status", "anchor_id", "preview_result_url", "image_url", "video_url"),
    *("failed_message", "failed_code"),
)


@pytest.fixture
def it(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path) as made:
        yield made


@pytest.fixture
def hasty(tmp_path: Path) -> Iterator[Running]:
    """Gives the record soon of what is not done."""
    with running(tmp_path, request_timeout_s=3.0) as made:
        yield made


# Starting


def test_a_video_is_taken_for_nothing_and_shown_as_documented(it: Running) -> None:
    twin = it.post("userVideoTwin/startTraining", {"name": "me", "gender": "male", "video_url": CLIP})
    assert set(DOCUMENTED) <= set(twin)
    assert (twin["current_status"], twin["status"], twin["engine"]) == ("initialized", "initialized", "avatarium-video")
    assert (twin["video_url"], twin["image_url"], twin["consent"], twin["coins"]) == (CLIP, "", None, 0)
    assert it.balance() == (COINS, 0)


def test_a_picture_costs_a_diamond_still(it: Running) -> None:
    twin = it.post("userVideoTwin/startTraining", {"name": "me", "image_url": PICTURE})
    assert (twin["coins"], twin["diamonds"], twin["engine"]) == (100, 1, "avatarium-photo")
    assert it.balance() == (COINS - 100, 0)


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({}, "no_source", "video_url"),
    ({"video_url": CLIP, "image_url": PICTURE}, "two_sources", "exclude each other"),
    ({"video_url": "me.mp4"}, "bad_url", "`video_url`"),
    ({"video_url": CLIP, "video_background_image": "wall.jpg"}, "bad_url", "`video_background_image`"),
    ({"video_url": CLIP, "video_backgroud_image": "wall.jpg"}, "bad_url", "`video_background_image`"),
    ({"video_url": CLIP, "video_background_color": "greenish"}, "invalid_request", "greenish"),
    ({"video_url": CLIP, "image_backgroud_color": "greenish"}, "invalid_request", "greenish"),
    ({"video_url": CLIP, "gender": "robot"}, "invalid_request", "gender"),
    ({"video_url": CLIP, "consent": "x" * 6000}, "invalid_request", "consent"),
]


@pytest.mark.parametrize(("wrong", "reason", "word"), BAD, ids=[str(wrong)[:50] for wrong, _, _ in BAD])
def test_bad_requests_get_a_sentence(it: Running, wrong: dict[str, Any], reason: str, word: str) -> None:
    answer = it.post("userVideoTwin/startTraining", {"name": "me"} | wrong)
    assert (answer["status"], answer["reason"]) == (400, reason)
    assert word in answer["message"] and answer["message"].endswith(".")
    assert it.balance() == (COINS, 0) and not it.worker.waiting


@pytest.mark.parametrize("path", ["startTraining", "advice"])
@pytest.mark.parametrize(
    ("content", "duration_s", "reason"),
    [
        (b"\xff\xd8\xff\xe0" + bytes(100), None, "wrong_kind"),
        (b"ID3\x04" + bytes(100), 30.0, "wrong_kind"),
        (b"", 9.6, "clip_too_short"),
        (b"", 1800.0, "clip_too_long"),
    ],
)
def test_what_is_known_of_an_upload_is_told_at_once(
    it: Running, path: str, content: bytes, duration_s: float | None, reason: str
) -> None:
    """Its kind and, where it was measured, its length."""
    video = b"\0\0\0\x18ftypisom" + bytes(100)
    url = it.upload(content or video, "me", duration_s=duration_s)
    answer = it.post(f"userVideoTwin/{path}", {"video_url": url})
    assert (answer["status"], answer["reason"]) == (400, reason)
    assert not it.worker.waiting


@pytest.mark.parametrize(
    ("body", "image", "color"),
    [
        ({"video_background_image": PICTURE}, PICTURE, ""),
        ({"video_backgroud_image": PICTURE}, PICTURE, ""),
        ({"video_background_color": "rgba(1,2,3,1)"}, "", "rgba(1,2,3,1)"),
        ({"video_backgroud_color": "rgb(1,2,3)"}, "", "rgb(1,2,3)"),
        ({"image_backgroud_color": "#123"}, "", "#123"),
    ],
)
def test_the_own_ground_is_understood_however_it_is_spelt(
    it: Running, body: dict[str, str], image: str, color: str
) -> None:
    task = it.post("userVideoTwin/startTraining", {"video_url": CLIP, "isTranscoding": "true", **body})
    start = it.platform.families["userVideoTwin"].start.model_validate(
        it.platform.tasks.find(it.user_id, task["_id"])[0].request
    )
    assert (start.ground_url, start.ground_color) == (image, color)


# Consent


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"consent": True}, STANDARD),
        ({"consent": "true", "consent_text": "I agree."}, "I agree."),
        ({"consent": "Yes.", "consent_text": "Ada agreed on Monday."}, "Ada agreed on Monday."),
        ({"consent": "I agree."}, STANDARD),
    ],
)
def test_consent_is_kept_with_its_digest_and_shown(it: Running, given: dict[str, Any], text: str) -> None:
    twin = it.post("userVideoTwin/startTraining", {"video_url": CLIP, "consent_name": "Ada", **given})
    shown = it.get(f"userVideoTwin/{twin['_id']}")["consent"]
    assert (shown["text"], shown["name"]) == (text, "Ada")
    assert shown["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert shown["givenAt"] == twin["createdAt"]


@pytest.mark.parametrize("given", [{}, {"consent": False}, {"consent": "no"}, {"consent": False, "consent_text": "x"}])
def test_without_consent_nothing_is_made_where_it_is_required(tmp_path: Path, given: dict[str, Any]) -> None:
    with running(tmp_path, twin_consent_required=True) as it:
        for source in ({"video_url": CLIP}, {"image_url": PICTURE}):
            answer = it.post("userVideoTwin/startTraining", {**source, **given})
            assert (answer["status"], answer["reason"]) == (400, "consent_required")
        assert it.post("userVideoTwin/startTraining", {"video_url": CLIP, "consent": True})["consent"]


@pytest.mark.parametrize("given", [{"consent": "No, I do not agree."}, {"consent_text": "I agree."}])
def test_words_that_might_be_no_consent_are_asked_about(it: Running, given: dict[str, str]) -> None:
    answer = it.post("userVideoTwin/startTraining", {"video_url": CLIP, **given})
    assert (answer["status"], answer["reason"]) == (400, "consent_unclear")
    assert "`consent`: true" in answer["message"]


def test_no_consent_is_not_shown_as_one(it: Running) -> None:
    assert it.post("userVideoTwin/startTraining", {"video_url": CLIP, "consent": False})["consent"] is None


# Advice


def test_a_look_that_takes_longer_than_a_request_is_a_record(hasty: Running) -> None:
    waiting = hasty.post("userVideoTwin/advice", {"video_url": CLIP})
    assert (waiting["current_status"], waiting["score"], waiting["coins"]) == ("initialized", None, 0)
    assert hasty.get(f"tasks/{waiting['_id']}")["_id"] == waiting["_id"]


def test_two_looks_at_once_and_no_third(it: Running) -> None:
    def look(owner: str) -> Task:
        start = twin_advice.AdviceStart.model_validate({"video_url": CLIP})
        return it.platform.tasks.submit(principal(owner), twin_advice.FAMILY, start)

    looks = [look(it.user_id) for _ in range(twin_advice.OPEN_MAX)]
    answer = it.post("userVideoTwin/advice", {"video_url": CLIP})
    assert (answer["status"], answer["reason"]) == (429, "too_many_looks")
    look(it.other_id)
    it.post(f"tasks/{looks[0].id}/cancel")
    look(it.user_id)
    assert it.balance() == (COINS, 0)


def test_what_cannot_be_fetched_is_an_error_and_no_advice(it: Running) -> None:
    with it.working():
        answer = it.post("userVideoTwin/advice", {"video_url": "http://169.254.169.254/me.mp4"})
    assert (answer["status"], answer["reason"]) == (400, "url_private")


# The model


@pytest.mark.parametrize("call", ["userVideoTwin/continueTranining", "userVideoTwin/continueTraining"])
def test_a_model_is_trained_for_a_diamond_and_given_back_when_it_fails(it: Running, call: str) -> None:
    twin = made_twin(it)
    task = it.post(call, {"_id": twin.training_id})
    assert task["current_status"] == "initialized" and task["user_video_twin_id"] == twin.training_id
    assert (task["coins"], task["diamonds"]) == (100, 1) and it.balance() == (COINS - 100, 0)
    begun = it.platform.tasks.begin(task["_id"], 1)
    assert begun is not None
    sentence = "Too little is said in the clip. Use one with more speech."
    it.platform.tasks.finish(begun, State.FAILED, failed_code="clip_not_enough", failed_message=sentence)
    (batched,) = it.post("userVideoTwin/batchDetail", {"ids": [task["_id"]]})
    for record in (it.get(f"userVideoTwin/{task['_id']}"), batched):
        assert (record["current_status"], record["failed_code"]) == ("failed", "clip_not_enough")
        assert (record["failed_message"], record["coins"]) == (sentence, 0)
    assert it.balance() == (COINS, 0) and it.get("video/lip_models") == []
    assert it.post("userVideoTwin/retry", {"_id": task["_id"]})["current_status"] == "initialized"
    assert it.post(f"userVideoTwin/{task['_id']}/cancel")["failed_code"] == "cancelled"
    assert it.balance() == (COINS, 0)


def test_a_model_that_is_being_trained_is_not_trained_twice(it: Running) -> None:
    twin, other = made_twin(it), made_twin(it)
    first = it.post("userVideoTwin/continueTranining", {"_id": twin.training_id})
    again = it.post("userVideoTwin/continueTranining", {"_id": twin.training_id})
    assert (again["status"], again["reason"]) == (409, "lip_model_running")
    assert it.balance() == (COINS - 100, 0)
    assert it.post("userVideoTwin/continueTranining", {"_id": other.training_id})["current_status"] == "initialized"
    it.post(f"tasks/{first['_id']}/cancel")
    assert it.post("userVideoTwin/continueTranining", {"_id": twin.training_id})["current_status"] == "initialized"
    retried = it.post("userVideoTwin/retry", {"_id": first["_id"]})
    assert (retried["status"], retried["reason"]) == (409, "lip_model_running")
    assert it.balance() == (COINS - 200, 0)


def test_the_same_key_trains_one_model(it: Running) -> None:
    twin = made_twin(it)
    ids = {
        it.post("userVideoTwin/continueTranining", {"_id": twin.training_id}, Idempotency_Key="once")["_id"]
        for _ in range(2)
    }
    assert len(ids) == 1 and it.balance() == (COINS - 100, 0)


@pytest.mark.parametrize("call", ["continueTranining", "continueTraining", "addVoiceClone"])
def test_what_no_model_and_no_voice_can_be_had_of(it: Running, call: str) -> None:
    waiting, theirs = started(it), made_twin(it, it.other_id)
    before = it.balance()
    for training, status, reason in (
        (made_twin(it, kind=PHOTO).training_id, 400, "picture_twin"),
        (made_twin(it, sound=b"").training_id, 400, "twin_silent"),
        (waiting.id, 409, "twin_not_ready"),
        (theirs.training_id, 404, "task_not_found"),
        ("f" * 24, 404, "task_not_found"),
        ("", 400, "invalid_request"),
    ):
        answer = it.post(f"userVideoTwin/{call}", {"_id": training})
        assert (answer["status"], answer["reason"]) == (status, reason)
        assert answer["message"].endswith(".")
    assert it.balance()[0] <= before[0] and it.get("video/lip_models") == []
    assert it.post(f"userVideoTwin/{call}")["reason"] == "invalid_request"


def test_models_are_listed_by_version_and_the_newest_is_in_use(it: Running) -> None:
    twin, theirs = made_twin(it), made_twin(it, it.other_id)
    made_model(it, theirs)
    first, second = made_model(it, twin), made_model(it, twin)
    listed = it.get("video/lip_models")
    assert [(row["_id"], row["version"], row["in_use"]) for row in listed] == [
        (second.id, 2, True),
        (first.id, 1, False),
    ]
    row = listed[0]
    assert (row["anchor_id"], row["user_video_twin_id"]) == (twin.avatar.id, twin.training_id)
    assert row["personal_error"] < row["general_error"] and row["createdAt"].endswith("Z")
    assert it.download(row["preview_url"]) == b"preview.mp4"
    assert it.delete(f"video/lip_models/{second.id}") == {"_id": second.id}
    assert [(row["version"], row["in_use"]) for row in it.get("video/lip_models")] == [(1, True)]
    assert it.delete(f"video/lip_models/{second.id}")["status"] == 404
    assert it.delete(f"video/lip_models/{twin.training_id}")["status"] == 404
    assert made_model(it, twin).version == 2


def test_a_model_is_not_kept_of_an_avatar_that_went_meanwhile(it: Running) -> None:
    twin = made_twin(it)
    task = it.post("userVideoTwin/continueTranining", {"_id": twin.training_id})
    it.post("userVideoTwin/remove", {"_id": twin.training_id})
    assert it.get(f"userVideoTwin/{task['_id']}")["status"] == 404
    assert it.balance() == (COINS, 0) and it.get("video/lip_models") == []
    it.work()
    assert it.balance() == (COINS, 0)


def test_a_model_asked_for_in_the_instant_of_the_removal_costs_nothing(
    it: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The avatar goes after the request was looked at and before it is written."""
    twin, look = made_twin(it), lip_model.FAMILY.plan

    def plan_and_remove(start: lip_model.LipModelStart, desk: Desk) -> Plan:
        made = look(start, desk)
        it.post("userVideoTwin/remove", {"_id": twin.training_id})
        return made

    with monkeypatch.context() as patched:
        patched.setattr(lip_model.FAMILY, "plan", plan_and_remove)
        answer = it.post("userVideoTwin/continueTranining", {"_id": twin.training_id})
    assert (answer["status"], answer["reason"]) == (404, "twin_gone")
    assert it.balance() == (COINS, 0) and it.get("userVideoTwin/trainingRecords") == []
    with it.platform.database.read() as c:
        assert reconcile(c) == []
        assert c.execute(sa.select(tasks.c.id).where(tasks.c.family == lip_model.FAMILY.name)).all() == []
    other = made_twin(it)
    assert it.post("userVideoTwin/continueTranining", {"_id": other.training_id})["current_status"] == "initialized"
    assert it.balance() == (COINS - 100, 0)


# What goes with an avatar


def test_everything_derived_goes_with_the_avatar(it: Running) -> None:
    twin, kept = made_twin(it), made_twin(it)
    models = [made_model(it, twin), made_model(it, twin)]
    stays = made_model(it, kept)
    assert it.post("userVideoTwin/remove", {"_id": twin.training_id}) == {"_id": twin.training_id}
    assert [row["_id"] for row in it.get("video/lip_models")] == [stays.id]
    assert [row["_id"] for row in it.get("anchor/character_list?type=custom")] == [kept.avatar.id]
    for model in models:
        assert it.get(f"userVideoTwin/{model.id}")["status"] == 404
    it.platform.storage.expire(it.platform.clock.now_ms() + HOUR_MS)
    with it.platform.database.read() as c:
        left = set(c.execute(sa.select(objects.c.task_id)).scalars())
        assert c.execute(sa.select(sa.func.count()).select_from(lip_models)).scalar_one() == 1
    assert left == {kept.training_id, stays.id}


@pytest.mark.parametrize("call", ["remove", "delete"])
def test_a_model_is_removed_where_its_training_is_shown(it: Running, call: str) -> None:
    twin = made_twin(it)
    model, stays = made_model(it, twin), made_model(it, twin)
    theirs = made_model(it, made_twin(it, it.other_id))
    for wanted, status in ((model.id, None), (model.id, 404), (theirs.id, 404)):
        path = f"userVideoTwin/{wanted}"
        answer = it.post("userVideoTwin/remove", {"_id": wanted}) if call == "remove" else it.delete(path)
        assert answer.get("status") == status and (status or answer == {"_id": wanted})
    assert [row["_id"] for row in it.get("video/lip_models")] == [stays.id]
    assert it.get(f"userVideoTwin/{twin.training_id}")["current_status"] == "completed"


def test_models_that_are_being_trained_are_among_what_is_not_done(it: Running) -> None:
    twin, made = made_twin(it), made_twin(it)
    made_model(it, made)
    model = it.post("userVideoTwin/continueTraining", {"_id": twin.training_id})
    waiting = started(it)
    assert {row["_id"] for row in it.get("userVideoTwin/trainingRecords")} == {waiting.id, model["_id"]}


def test_an_avatar_that_cannot_be_removed_keeps_its_models(it: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """They were removed one by one before it."""
    twin = made_twin(it)
    model = made_model(it, twin)
    waiting = it.post("userVideoTwin/continueTraining", {"_id": twin.training_id})

    def broken(*_: object, **__: object) -> None:
        raise ConflictError("It is being tried again just now.", code="task_not_final")

    with monkeypatch.context() as patched:
        patched.setattr(type(it.platform.catalogue), "remove_avatar", broken)
        assert it.post("userVideoTwin/remove", {"_id": twin.training_id})["reason"] == "task_not_final"
    assert [row["_id"] for row in it.get("video/lip_models")] == [model.id]
    assert it.get(f"userVideoTwin/{model.id}")["current_status"] == "completed"
    assert it.get(f"userVideoTwin/{waiting['_id']}")["current_status"] == "initialized"
    assert it.post("userVideoTwin/remove", {"_id": twin.training_id}) == {"_id": twin.training_id}
    for gone in (model.id, waiting["_id"]):
        assert it.get(f"userVideoTwin/{gone}")["status"] == 404


def test_more_models_than_a_page_holds_go_with_the_avatar(it: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twins, "WHOLE_MAX", 1)
    twin = made_twin(it)
    models = [made_model(it, twin) for _ in range(3)]
    it.post("userVideoTwin/remove", {"_id": twin.training_id})
    assert [it.get(f"userVideoTwin/{model.id}")["status"] for model in models] == [404] * 3


@pytest.mark.parametrize("lost", ["poster.jpg", "twin.twin", "track.npz", "sound.wav", "ground.png"])
def test_an_avatar_of_which_a_file_is_gone_is_not_made(it: Running, lost: str) -> None:
    """It waited longer than results are kept."""
    task = started(it, skipPreview=True)
    begun = it.platform.tasks.begin(task.id, 1)
    assert begun is not None
    files = {"picture": "poster.jpg", "package": "twin.twin", "track": "track.npz", "sound": "sound.wav"}
    found = {"cover_key": "", "key": ""}
    for what, name in {**files, "background": "ground.png"}.items():
        found[f"{what}_key"] = key = f"results/{it.user_id}/{task.id}/{name}"
        if name != lost:
            it.platform.storage.put(key, b"x", owner=it.user_id, media_type="image/png", expires_ms=None)
    with pytest.raises(NotFoundError, match="waited too long"):
        twin_family.FAMILY.steps[-1].run(job_of(it.platform, begun, found))
    assert it.get("anchor/character_list?type=custom") == []


def test_an_avatar_from_a_video_among_the_others(it: Running) -> None:
    twin = made_twin(it)
    (row,) = it.get(f"anchor/character_list?type=custom&user_video_twin_id={twin.training_id}")
    assert (row["_id"], row["type"], row["name"]) == (twin.avatar.id, "custom", "me")
    assert it.download(row["people_img"]) == it.download(row["video_cover"]) == b"poster.jpg"
    shown = it.get("streaming-avatar/all_avatars")
    assert twin.avatar.id in [avatar["_id"] for avatar in shown]
    record = it.get(f"userVideoTwin/{twin.training_id}")
    assert it.download(record["image_url"]) == b"poster.jpg"


def test_a_room_is_told_of_the_package_and_of_the_newest_model(it: Running) -> None:
    twin = made_twin(it)
    model = made_model(it, twin)
    with stages(it.platform) as (stage,):
        it.post("streaming-avatar/agora-token", {"avatar_id": twin.avatar.id, "expire_seconds": 60})
        (room,) = stage.rooms.values()
    assert (room.spec.package_key, room.spec.model_key) == (twin.avatar.package_key, model.key)
    assert room.spec.picture_key == twin.avatar.picture_key


def test_trainings_of_others_and_other_tasks_are_not_found_as_trainings(it: Running) -> None:
    photo = it.post("talkingPhoto/start", {"image_url": PICTURE})
    model = made_model(it, made_twin(it))
    assert it.get(f"userVideoTwin/{photo['_id']}")["status"] == 404
    assert it.get(f"userVideoTwin/{model.id}")["current_status"] == "completed"
    assert it.get(f"userVideoTwin/{model.id}", **it.other)["status"] == 404
    assert [row["_id"] for row in it.get("userVideoTwin/userRecords")] == [
        it.platform.tasks.find(it.user_id, model.id)[0].facts["twin_id"]
    ]


def test_the_row_of_a_model_is_not_written_for_a_cancelled_task(it: Running) -> None:
    """Its last step came just after."""
    twin = made_twin(it)
    task = it.post("userVideoTwin/continueTranining", {"_id": twin.training_id})
    begun = it.platform.tasks.begin(task["_id"], 1)
    assert begun is not None
    it.post(f"userVideoTwin/{task['_id']}/cancel")
    found = {"model_key": "results/x", "key": "", "general_error": 1.0, "personal_error": 0.5, "seconds_used": 10.0}
    with pytest.raises(ConflictError, match="cancelled"):
        lip_model.FAMILY.steps[-1].run(job_of(it.platform, begun, found))
    assert it.get("video/lip_models") == []
