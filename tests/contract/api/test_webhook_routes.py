"""The log of notices, sending again, and the key that signs them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from avatarium.tasks import notices
from avatarium.tasks.courier import webhook_secret
from tests.running import Running, running

FACE = {"image_url": "https://files.example/face.jpg", "webhook_url": "https://app.example/hook", "webhook_token": "t"}


@pytest.fixture
def it(tmp_path: Path, database_url: str) -> Iterator[Running]:
    with running(tmp_path, database_url) as made:
        yield made


def ended(it: Running) -> str:
    task = it.post("talkingPhoto/start", FACE)
    it.post(f"talkingPhoto/{task['_id']}/cancel")
    return str(task["_id"])


def test_the_end_of_a_task_is_in_the_log(it: Running) -> None:
    task_id = ended(it)
    log = it.get("webhooks/deliveries")
    assert log["count"] == 1
    notice = log["rows"][0]
    assert (notice["task_id"], notice["event"], notice["url"]) == (task_id, "task.failed", FACE["webhook_url"])
    assert (notice["state"], notice["attempts"], notice["deliveredAt"]) == ("waiting", 0, "")
    assert "token" not in notice
    assert it.get("webhooks/deliveries", **it.other) == {"rows": [], "count": 0}


def test_a_notice_that_was_given_up_is_sent_again(it: Running) -> None:
    ended(it)
    notice = it.get("webhooks/deliveries")["rows"][0]
    path = f"webhooks/deliveries/{notice['_id']}/replay"
    assert it.post(path)["reason"] == "delivery_waiting"
    with it.platform.database.write() as c:
        due = notices.due(c, now_ms=it.platform.clock.now_ms(), limit=9)[0]
        assert due.next_ms is not None
        error = "The receiver answered with 500."
        notices.note_outcome(c, due, claimed_ms=due.next_ms, status=500, error=error, next_ms=None, delivered_ms=None)
    assert it.get("webhooks/deliveries")["rows"][0]["state"] == "failed"
    assert it.post(path, **it.other)["reason"] == "delivery_not_found"
    again = it.post(path)
    assert (again["state"], again["attempts"], again["error"]) == ("waiting", 0, "")


def test_everybody_has_a_key_of_their_own(it: Running) -> None:
    mine, theirs = it.get("webhooks/secret")["secret"], it.get("webhooks/secret", **it.other)["secret"]
    assert mine == webhook_secret(it.platform.secret, it.user_id) != theirs
    key = it.platform.accounts.create_key(it.user_id, scopes=["read", "generate"])[1]
    assert it.get("webhooks/secret", Authorization=f"Bearer {key}")["status"] == 403


def test_unknown_deliveries_are_not_found(it: Running) -> None:
    assert it.post(f"webhooks/deliveries/{'f' * 24}/replay")["status"] == 404
