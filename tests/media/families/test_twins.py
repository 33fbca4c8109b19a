"""Avatars of users' own: made from a picture, used in a video, removed; nothing stays of one that was given up."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from PIL import Image

from avatarium.clock import HOUR_MS
from avatarium.engine.video import probe
from avatarium.errors import NotFoundError, UnavailableError
from avatarium.families.twin import FAMILY, avatar_id_of
from avatarium.storage.models import objects
from avatarium.tasks.models import Task
from avatarium.tasks.states import State
from tests.running import Running, job_of

PRICE = 100


def train(it: Running, **body: Any) -> dict[str, Any]:
    task = it.post("userVideoTwin/startTraining", {"name": "me", "gender": "female"} | body)
    assert "_id" in task, task
    it.work()
    record: dict[str, Any] = it.get(f"userVideoTwin/{task['_id']}")
    return record


def avatars(it: Running, twin_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = it.get(f"anchor/character_list?type=custom&user_video_twin_id={twin_id}")
    return found


def files_after(it: Running, twin_id: str, hours: float) -> dict[str, int | None]:
    """When each file of a training expires, of those that the sweep leaves after some hours."""
    it.platform.storage.expire(it.platform.clock.now_ms() + round(hours * HOUR_MS))
    query = sa.select(objects.c.key, objects.c.expires_ms).where(objects.c.task_id == twin_id)
    with it.platform.database.read() as c:
        return {row.key: row.expires_ms for row in c.execute(query)}


def all_steps(it: Running, **body: Any) -> tuple[Task, dict[str, Any]]:
    """A training whose steps are done, but whose end has not been told."""
    it.post("userVideoTwin/startTraining", body)
    task = it.platform.tasks.begin(*it.worker.waiting.popleft())
    assert task is not None
    results: dict[str, Any] = {}
    for step in FAMILY.steps:
        results |= step.run(job_of(it.platform, task, results))
    return task, results


def test_an_avatar_from_a_picture_speaks_in_a_video_and_is_removed(
    it: Running, photo_url: str, speech_url: str, tmp_path: Path
) -> None:
    before = it.balance()[0]
    twin = train(it, image_url=photo_url, gender="FEMALE")
    assert (twin["current_status"], twin["status"], twin["failed_message"]) == ("completed", "completed", "")
    assert (twin["name"], twin["gender"], twin["coins"]) == ("me", "female", PRICE)
    assert it.balance()[0] == before - PRICE
    (avatar,) = avatars(it, twin["_id"])
    assert (avatar["_id"], avatar["type"], avatar["name"]) == (twin["anchor_id"], "custom", "me")
    assert it.get("userVideoTwin/records?status=completed")["rows"][0]["_id"] == twin["_id"]
    assert twin["_id"] in [row["_id"] for row in it.get("userVideoTwin/userRecords")]
    assert twin["_id"] not in [row["_id"] for row in it.get("userVideoTwin/trainingRecords")]
    assert it.post("userVideoTwin/batchDetail", {"ids": [twin["_id"]]})[0]["anchor_id"] == avatar["_id"]
    preview = probe(it.save(twin["preview_result_url"], tmp_path / "preview.mp4"))
    assert preview.sound is not None and 1.5 < preview.duration_s < 8
    people = np.array(Image.open(io.BytesIO(it.download(twin["people_img"]))))
    assert people.shape[2] == 4 and 0.2 < (people[..., 3] > 128).mean() < 0.9
    assert max(Image.open(io.BytesIO(it.download(twin["cover_url"]))).size) == 512

    body = {"anchor_id": avatar["_id"], "anchor_type": 1, "audioSrc": speech_url, "resolution": 480}
    video = it.post("video/generate", body)
    it.work()
    record = it.post("video/awsResult", {"_id": video["_id"]})[0]
    assert record["status"] == "success", record["msg"]
    assert it.post("video/generate", body, **it.other)["reason"] == "avatar_not_found"

    assert it.post("userVideoTwin/remove", {"_id": twin["_id"]}, **it.other)["reason"] == "task_not_found"
    assert it.post("userVideoTwin/remove", {"_id": twin["_id"]}) == {"_id": twin["_id"]}
    assert avatars(it, twin["_id"]) == [] and it.get(f"userVideoTwin/{twin['_id']}")["status"] == 404
    assert it.post("video/generate", body)["reason"] == "avatar_not_found"
    assert files_after(it, twin["_id"], 0) == {}
    assert it.client.get(twin["preview_result_url"]).status_code == 404
    assert it.post("userVideoTwin/remove", {"_id": twin["_id"]})["status"] == 404
    assert it.balance()[0] == before - PRICE - record["coins"]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({}, "no_source"),
        ({"image_url": "nowhere"}, "bad_url"),
        ({"image_url": "https://files.example/a.jpg", "gender": "robot"}, "invalid_request"),
        ({"image_url": "https://files.example/a.jpg", "name": "x" * 300}, "invalid_request"),
        ({"image_url": "https://files.example/a.jpg", "video_backgroud_color": "greenish"}, "invalid_request"),
    ],
)
def test_bad_requests_cost_nothing(it: Running, wrong: dict[str, Any], reason: str) -> None:
    before = it.balance()
    answer = it.post("userVideoTwin/startTraining", wrong)
    assert (answer["status"], answer["reason"]) == (400, reason)
    assert it.balance() == before


def test_a_picture_without_a_face_costs_nothing_and_leaves_nothing(it: Running) -> None:
    before = it.balance()
    out = io.BytesIO()
    Image.new("RGB", (400, 400), (90, 120, 160)).save(out, "PNG")
    twin = train(it, image_url=it.upload(out.getvalue(), "wall.png"))
    assert (twin["current_status"], twin["failed_code"], twin["anchor_id"]) == ("failed", "no_face", "")
    assert it.balance() == before and avatars(it, twin["_id"]) == []


def test_a_picture_of_two_is_taken_with_advice(it: Running, photo: bytes) -> None:
    one = Image.open(io.BytesIO(photo)).convert("RGB").resize((512, 640))
    both = Image.new("RGB", (1024, 640))
    both.paste(one, (0, 0))
    both.paste(one, (512, 0))
    out = io.BytesIO()
    both.save(out, "JPEG")
    twin = train(it, image_url=it.upload(out.getvalue(), "two.jpg"), skipPreview=True)
    assert twin["current_status"] == "completed" and twin["preview_result_url"] == ""
    assert any("2 faces" in sentence for sentence in twin["advice"])
    it.delete(f"userVideoTwin/{twin['_id']}")


def test_a_training_that_is_cancelled_before_its_last_step_leaves_no_avatar(it: Running, photo_url: str) -> None:
    before = it.balance()

    def cancel(task: Task, step: str) -> None:
        if step == "keep":
            it.post(f"userVideoTwin/{task.id}/cancel")

    it.worker.before_step = cancel
    twin = train(it, image_url=photo_url, skipPreview=True)
    assert twin["failed_code"] == "cancelled" and it.balance() == before
    assert avatars(it, twin["_id"]) == []


@pytest.mark.parametrize("path", ["userVideoTwin/{}/cancel", "tasks/{}/cancel"])
def test_a_training_that_is_cancelled_after_its_last_step_leaves_no_avatar(
    it: Running, photo_url: str, path: str
) -> None:
    """The worker had written the avatar, and was about to say that all is done."""
    before = it.balance()
    task, _ = all_steps(it, image_url=photo_url, skipPreview=True)
    assert len(avatars(it, task.id)) == 1
    it.post(path.format(task.id))
    assert avatars(it, task.id) == [] and it.balance() == before


def test_a_training_that_failed_after_its_last_step_left_a_usable_avatar(it: Running, photo_url: str) -> None:
    task, results = all_steps(it, image_url=photo_url, skipPreview=True)
    assert it.platform.catalogue.avatar(it.user_id, results["anchor_id"])
    it.platform.tasks.finish(task, State.FAILED, failed_code="engine_crashed")
    assert avatars(it, task.id) == []
    assert files_after(it, task.id, 2) == {}
    it.post("userVideoTwin/retry", {"_id": task.id})
    it.work()
    (avatar,) = avatars(it, task.id)
    assert avatar["_id"] == results["anchor_id"]
    kept = files_after(it, task.id, 24 * 365)
    assert len(kept) == 3 and set(kept.values()) == {None}
    it.delete(f"userVideoTwin/{task.id}")


def test_a_failed_training_kept_the_photos_for_ever(it: Running, photo_url: str) -> None:
    def break_down(task: Task, step: str) -> None:
        if step == "keep":
            raise UnavailableError("The storage is away.", code="storage_away")

    it.worker.before_step = break_down
    twin = train(it, image_url=photo_url, skipPreview=True)
    assert twin["failed_code"] == "storage_away"
    assert len(files_after(it, twin["_id"], 0)) == 3
    assert files_after(it, twin["_id"], 2) == {}


def test_what_nobody_ends_expires_by_itself(it: Running, photo_url: str) -> None:
    twin = it.post("userVideoTwin/startTraining", {"image_url": photo_url, "skipPreview": True})
    task = it.platform.tasks.begin(*it.worker.waiting.popleft())
    assert task is not None
    look = next(step for step in FAMILY.steps if step.name == "look")
    results = look.run(job_of(it.platform, task, {})) | {"key": ""}
    assert None not in files_after(it, twin["_id"], 0).values()
    assert files_after(it, twin["_id"], 24 * 365) == {}
    with pytest.raises(NotFoundError, match="gone"):
        FAMILY.steps[-1].run(job_of(it.platform, task, results))
    it.delete(f"userVideoTwin/{twin['_id']}")


def test_a_step_that_is_done_twice_makes_one_avatar(it: Running, photo_url: str) -> None:
    twin = it.post("userVideoTwin/startTraining", {"image_url": photo_url, "skipPreview": True})
    task = it.platform.tasks.begin(*it.worker.waiting.popleft())
    assert task is not None
    results: dict[str, Any] = {}
    for step in (*FAMILY.steps, *FAMILY.steps):
        results |= step.run(job_of(it.platform, task, results))
    (avatar,) = avatars(it, twin["_id"])
    assert avatar["_id"] == results["anchor_id"] == avatar_id_of(twin["_id"])
    it.delete(f"userVideoTwin/{twin['_id']}")


def test_a_training_that_is_done_does_not_expire(it: Running, photo_url: str) -> None:
    twin = train(it, image_url=photo_url, skipPreview=True)
    assert it.platform.tasks.get(it.user_id, FAMILY, twin["_id"]).expires_ms is None
    it.delete(f"userVideoTwin/{twin['_id']}")
