"""The routes that all families share, tried on talking photos: nothing is drawn here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from avatarium.ids import is_id
from tests.running import COINS, Running, running

FACE = {"name": "demo", "image_url": "https://files.example/face.jpg", "prompt": "", "negative_prompt": ""}
FIVE = FACE | {"duration": 5}
PRICE = 13


@pytest.fixture
def it(tmp_path: Path, database_url: str) -> Iterator[Running]:
    with running(tmp_path, database_url, user_open=6) as made:
        yield made


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path) as made:
        yield made


def test_a_start_holds_the_price_and_gives_the_record(it: Running) -> None:
    task = it.post("talkingPhoto/start", FIVE)
    assert is_id(task["_id"])
    documented = {"_id", "name", "duration", "current_status", "coins", "createdAt", "failed_message", "failed_code"}
    assert documented | {"result_url", "cover_url", "image_url", "audio_url", "prompt", "negative_prompt"} <= set(task)
    assert (task["current_status"], task["coins"], task["duration"]) == ("initialized", PRICE, 5)
    assert (task["result_url"], task["failed_message"], task["failed_code"]) == ("", "", "")
    assert task["queue_position"] == 0 and task["eta_s"] > 0
    assert it.balance() == (COINS - PRICE, 0)


def test_tasks_are_listed_newest_first_in_every_shape_that_clients_read(it: Running) -> None:
    ids = [it.post("talkingPhoto/start", FIVE)["_id"] for _ in range(3)]
    page = it.get("talkingPhoto/allRecords?pageNum=1&pageSize=2")
    assert page["count"] == 3 and page["rows"] == page["list"]
    rest = it.get("talkingPhoto/allRecords?pageNum=2&pageSize=2")
    assert {row["_id"] for row in page["rows"] + rest["rows"]} == set(ids)
    assert len(page["rows"]) == 2 and len(rest["rows"]) == 1
    assert it.get("talkingPhoto/allRecords?status=completed")["count"] == 0
    assert it.get("talkingPhoto/allRecords?status=pending")["count"] == 3
    assert it.get("talkingPhoto/allRecords?status=nonsense")["reason"] == "unknown_status"


def test_waiting_tasks_tell_how_many_stand_before_them(it: Running) -> None:
    ids = [it.post("talkingPhoto/start", FIVE)["_id"] for _ in range(3)]
    places = [it.get(f"talkingPhoto/{task_id}")["queue_position"] for task_id in ids]
    assert sorted(places)[0] == 0 and max(places) <= 2


def test_a_batch_leaves_out_what_is_not_there(it: Running) -> None:
    mine, theirs = it.post("talkingPhoto/start", FIVE), it.post("talkingPhoto/start", FIVE, **it.other)
    found = it.post("talkingPhoto/batchDetail", {"ids": [mine["_id"], theirs["_id"], "f" * 24, "x"]})
    assert [record["_id"] for record in found] == [mine["_id"]]
    assert it.post("talkingPhoto/batchDetail", {"ids": []}) == []
    assert it.post("talkingPhoto/batchDetail", {"ids": ["f" * 24] * 201})["status"] == 400
    assert it.post("talkingPhoto/batchDetail", {})["status"] == 400


def test_literal_paths_win_over_ids_in_any_case_of_letters(quick: Running) -> None:
    task = quick.post("TALKINGPHOTO/START", FIVE)
    assert quick.get("talkingphoto/allrecords")["count"] == 1
    assert quick.get(f"talkingphoto/{task['_id']}/")["_id"] == task["_id"]
    assert quick.get("talkingPhoto/status")["status"] == 404


@pytest.mark.parametrize("task_id", ["f" * 24, "1", "not-an-id", "%20", "a" * 90])
def test_unknown_ids_are_not_found(quick: Running, task_id: str) -> None:
    for answer in (
        quick.get(f"talkingPhoto/{task_id}"),
        quick.delete(f"talkingPhoto/{task_id}"),
        quick.post(f"talkingPhoto/{task_id}/cancel"),
        quick.post("talkingPhoto/retry", {"_id": task_id}),
        quick.get(f"tasks/{task_id}"),
        quick.post(f"tasks/{task_id}/cancel"),
    ):
        assert (answer["status"], answer["reason"]) == (404, "task_not_found")


def test_other_peoples_tasks_are_not_there(it: Running) -> None:
    task = it.post("talkingPhoto/start", FIVE)
    path = f"talkingPhoto/{task['_id']}"
    for answer in (
        it.get(path, **it.other),
        it.delete(path, **it.other),
        it.post(f"{path}/cancel", **it.other),
        it.post("talkingPhoto/retry", {"_id": task["_id"]}, **it.other),
        it.get(f"tasks/{task['_id']}", **it.other),
        it.post(f"tasks/{task['_id']}/cancel", **it.other),
    ):
        assert (answer["status"], answer["reason"]) == (404, "task_not_found")
    assert it.get("talkingPhoto/allRecords", **it.other)["count"] == 0
    assert it.get(path)["current_status"] == "initialized"


def test_a_task_of_another_family_is_not_there(quick: Running) -> None:
    task = quick.post("talkingPhoto/start", FIVE)
    assert quick.get(f"watermark/{task['_id']}")["status"] == 404
    assert quick.post("video/awsResult", {"_id": task["_id"]})["status"] == 404


def test_cancelling_gives_the_coins_back_once(it: Running) -> None:
    task = it.post("talkingPhoto/start", FIVE)
    for _ in range(2):
        ended = it.post(f"talkingPhoto/{task['_id']}/cancel")
        assert (ended["current_status"], ended["failed_code"], ended["coins"]) == ("failed", "cancelled", 0)
        assert "queue_position" not in ended
    assert it.balance() == (COINS, 0)
    it.work()
    assert it.get(f"talkingPhoto/{task['_id']}")["failed_code"] == "cancelled"


def test_deleting_cancels_and_hides(it: Running) -> None:
    task = it.post("talkingPhoto/start", FIVE)
    assert it.delete(f"talkingPhoto/{task['_id']}") == {"_id": task["_id"]}
    assert it.balance() == (COINS, 0)
    assert it.get("talkingPhoto/allRecords")["count"] == 0
    assert it.get(f"talkingPhoto/{task['_id']}")["status"] == 404
    assert it.delete(f"talkingPhoto/{task['_id']}")["status"] == 404


def test_a_failed_task_can_be_tried_again_and_costs_again(it: Running) -> None:
    task = it.post("talkingPhoto/start", FIVE)
    assert it.post("talkingPhoto/retry", {"_id": task["_id"]})["reason"] == "task_not_failed"
    it.post(f"talkingPhoto/{task['_id']}/cancel")
    again = it.post("talkingPhoto/retry", {"_id": task["_id"]})
    assert (again["_id"], again["current_status"], again["failed_message"]) == (task["_id"], "initialized", "")
    assert it.balance() == (COINS - PRICE, 0)


def test_the_same_key_makes_and_costs_once(it: Running) -> None:
    first = it.post("talkingPhoto/start", FIVE, Idempotency_Key="k1")
    again = it.post("talkingPhoto/start", FIVE | {"unknown": 1, "duration": "5"}, Idempotency_Key="k1")
    assert again["_id"] == first["_id"]
    assert it.balance() == (COINS - PRICE, 0)
    other = it.post("talkingPhoto/start", FIVE | {"duration": 6}, Idempotency_Key="k1")
    assert (other["status"], other["reason"]) == (409, "idempotency_key_reused")
    theirs = it.post("talkingPhoto/start", FIVE, Idempotency_Key="k1", **it.other)
    assert theirs["_id"] != first["_id"]
    assert it.post("talkingPhoto/start", FIVE, Idempotency_Key="x" * 300)["status"] == 400


def test_who_has_too_little_pays_nothing(tmp_path: Path) -> None:
    with running(tmp_path, prices={"talking_photo": 300}) as it:
        answer = it.post("talkingPhoto/start", FIVE)
        assert (answer["status"], answer["reason"]) == (402, "too_few_coins")
        assert "1500" in answer["message"]
        assert it.balance() == (COINS, 0) and not it.worker.waiting
        assert it.get("talkingPhoto/allRecords")["count"] == 0


def test_too_many_waiting_tasks_are_turned_away(it: Running) -> None:
    for _ in range(6):
        it.post("talkingPhoto/start", FIVE)
    answer = it.post("talkingPhoto/start", FIVE)
    assert (answer["status"], answer["reason"]) == (429, "too_many_tasks")
    assert it.balance() == (COINS - 6 * PRICE, 0)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"image_url": None}, "invalid_request"),
    ({"image_url": 12}, "bad_url"),
    ({"image_url": "face.jpg"}, "bad_url"),
    ({"image_url": "ftp://files.example/face.jpg"}, "bad_url"),
    ({"image_url": "file:///etc/passwd"}, "bad_url"),
    ({"image_url": "data:image/png;base64,AAAA"}, "bad_url"),
    ({"image_url": "https://me:secret@files.example/face.jpg"}, "bad_url"),
    ({"image_url": "https://files.example/a face.jpg"}, "bad_url"),
    ({"image_url": ["https://files.example/face.jpg"]}, "invalid_request"),
    ({"audio_url": "speech.mp3"}, "bad_url"),
    ({"duration": 21}, "invalid_request"),
    ({"duration": -1}, "invalid_request"),
    ({"duration": "long"}, "invalid_request"),
    ({"prompt": "x" * 5001}, "invalid_request"),
    ({"name": "x" * 257}, "invalid_request"),
    ({"webhook_url": "nowhere"}, "bad_webhook_url"),
    ({"webhook_url": "javascript:alert(1)"}, "bad_webhook_url"),
    ({"webhook_token": "x" * 257}, "invalid_request"),
]


@pytest.mark.parametrize(("wrong", "reason"), BAD, ids=[str(wrong)[:40] for wrong, _ in BAD])
def test_bad_requests_get_a_sentence_and_cost_nothing(quick: Running, wrong: dict[str, Any], reason: str) -> None:
    answer = quick.post("talkingPhoto/start", FIVE | wrong)
    assert (answer["status"], answer["reason"]) == (400, reason)
    assert next(iter(wrong)) in answer["message"] and answer["message"].endswith(".")
    assert quick.balance() == (COINS, 0) and not quick.worker.waiting


def test_files_of_others_and_old_addresses_are_refused_before_anything_is_charged(quick: Running) -> None:
    theirs = quick.upload(b"x", owner=quick.other_id)
    unsigned = theirs.partition("?")[0]
    gone = quick.upload(b"x")
    quick.platform.storage.delete(quick.platform.storage.key_of(gone) or "")
    assert quick.post("talkingPhoto/start", FIVE | {"image_url": gone})["reason"] == "file_gone"
    # Whoever holds the signature may read: it is like any address. Without one it is not ours, and is not fetched yet.
    assert "_id" in quick.post("talkingPhoto/start", FIVE | {"image_url": theirs})
    refused = quick.post("talkingPhoto/start", FIVE | {"image_url": unsigned})
    quick.work()
    record = quick.get(f"talkingPhoto/{refused['_id']}")
    assert record["current_status"] == "failed" and record["failed_code"]
    assert quick.balance()[0] == COINS


def test_a_private_address_fails_the_task_and_gives_the_coins_back(quick: Running) -> None:
    task = quick.post("talkingPhoto/start", FIVE | {"image_url": "http://127.0.0.1:9/face.jpg"})
    quick.work()
    record = quick.get(f"talkingPhoto/{task['_id']}")
    assert (record["current_status"], record["failed_code"], record["coins"]) == ("failed", "url_private", 0)
    assert record["failed_message"] and quick.balance() == (COINS, 0)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"<html><body>not a picture</body></html>", "wrong_kind"),
        (b"", "url_empty"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 200, "picture_unreadable"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "wrong_kind"),
        (b"#EXTM3U\nhttp://127.0.0.1/a.ts\n", "wrong_kind"),
    ],
    ids=["html", "nothing", "broken", "ffconcat", "m3u8"],
)
def test_what_is_no_picture_fails_with_a_sentence_and_costs_nothing(quick: Running, content: bytes, code: str) -> None:
    task = quick.post("talkingPhoto/start", FIVE | {"image_url": quick.upload(content, "face.jpg")})
    quick.work()
    record = quick.get(f"talkingPhoto/{task['_id']}")
    assert (record["current_status"], record["failed_code"]) == ("failed", code)
    assert record["failed_message"].endswith(".") and quick.balance() == (COINS, 0)


def test_a_key_that_may_only_read_starts_nothing(quick: Running) -> None:
    key = quick.platform.accounts.create_key(quick.user_id, scopes=["read"])[1]
    reading = {"Authorization": f"Bearer {key}"}
    task = quick.post("talkingPhoto/start", FIVE)
    assert quick.get(f"talkingPhoto/{task['_id']}", **reading)["_id"] == task["_id"]
    for answer in (
        quick.post("talkingPhoto/start", FIVE, **reading),
        quick.delete(f"talkingPhoto/{task['_id']}", **reading),
        quick.post(f"talkingPhoto/{task['_id']}/cancel", **reading),
    ):
        assert (answer["status"], answer["reason"]) == (403, "scope_missing")


def test_every_route_of_the_families_is_described_with_an_example(quick: Running) -> None:
    document = quick.client.app.openapi()  # type: ignore[attr-defined]
    groups = ("talkingPhoto/", "/video/", "userVideoTwin/", "watermark/", "webhooks/", "/tasks/", "generation/")
    operations = [
        operation
        for path, methods in document["paths"].items()
        if any(group in path for group in groups)
        for operation in methods.values()
    ]
    assert len(operations) > 35
    for operation in operations:
        assert operation["summary"] and operation["description"]
        assert "example" in next(iter(operation["responses"]["200"]["content"].values()))
