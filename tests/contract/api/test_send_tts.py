"""`video/send_tts` and what was made: as clients call it, on both databases, with the engine's own fast voice."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from avatarium.catalogue.voices import voice_id
from avatarium.clock import Clock
from avatarium.engine.speech import find_voice
from avatarium.errors import AssetError, AvatariumError, TextError, UnavailableError
from avatarium.families.tts import FAMILY
from avatarium.tasks.family import Step
from avatarium.tasks.job import Job
from tests.support.speaking import PATIENCE_S, Speaking, speaking

RECORD = {
    **dict.fromkeys(("_id", "name", "current_status", "result_url", "cover_url", "failed_message"), str),
    **dict.fromkeys(("failed_code", "engine", "createdAt", "updatedAt", "msg", "tts_id", "user_voice_id"), str),
    **dict.fromkeys(("country", "region", "audio_url", "marks_url"), str),
    **dict.fromkeys(("coins", "progress", "characters"), int),
    "speechRate": float,
}


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[Speaking]:
    with speaking(tmp_path / "home", database_url, result_days=1) as made:
        yield made


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Callable[[AvatariumError | None], None]:
    """Let speech be a few bytes, or fail."""

    def put(problem: AvatariumError | None) -> None:
        def step(job: Job[Any]) -> dict[str, Any]:
            if problem:
                raise problem
            path = job.scratch / "speech.mp3"
            path.write_bytes(b"\xff\xfb" + bytes(100))
            return {"key": job.publish(path, "speech.mp3", "audio/mpeg", duration_s=1.5), "duration_s": 1.5}

        monkeypatch.setattr(FAMILY, "steps", (Step("speak", step),))

    put(None)
    return put


def test_a_speech_is_made_charged_and_found_again(house: Speaking) -> None:
    url = house.post("video/send_tts", {"msg": "Hello there.", "country": "en", "region": "US", "speechRate": 1.2})
    assert isinstance(url, str) and urlsplit(url).path.endswith("/speech.mp3")
    heard = house.client.get(url, headers={"Authorization": ""})
    assert heard.status_code == 200
    assert heard.headers["content-type"] == "audio/mpeg"
    assert house.coins == 99
    (record,) = house.get("tts/preview/list")["data"]
    marks = house.client.get(record["marks_url"]).json()
    assert [word[0] for word in marks["words"]] == ["Hello", "there."]
    stored = house.platform.storage.info(house.platform.storage.key_of(url) or "")
    assert stored is not None and stored.duration_s is not None
    assert stored.duration_s == pytest.approx(marks["samples"] / marks["rate"])
    assert 0.4 < stored.duration_s < 2
    assert record["duration_s"] == pytest.approx(stored.duration_s, abs=1e-3)


def test_every_field_that_clients_read_is_there(house: Speaking, quick: object) -> None:
    house.post("video/send_tts", {"msg": "Hello."})
    page = house.get("tts/preview/list", current="1", pageSize="5")
    assert (page["current"], page["total"], page["success"]) == (1, 1, True)
    (record,) = page["data"]
    assert {name: type(record[name]) for name in RECORD} == RECORD
    assert record["current_status"] == "completed"
    assert (record["coins"], record["progress"], record["characters"]) == (1, 100, 6)
    assert record["tts_id"] == voice_id(find_voice("hibari-ava"))
    assert record["result_url"].split("?")[0] == record["audio_url"].split("?")[0]


def test_the_list_is_of_one_user_newest_first_in_pages(house: Speaking, quick: object) -> None:
    for number in range(3):
        house.post("video/send_tts", {"msg": f"Number {number}"})
    house.client.post("/api/v1/video/send_tts", json={"msg": "Not hers"}, headers=dict(house.other))
    assert [row["msg"] for row in house.get("tts/preview/list")["data"]] == ["Number 2", "Number 1", "Number 0"]
    second = house.get("tts/preview/list", current=2, pageSize=2)
    assert (second["total"], [row["msg"] for row in second["data"]]) == (3, ["Number 0"])


def test_a_deleted_speech_leaves_the_list_and_keeps_its_sound(house: Speaking, quick: object) -> None:
    """A client may delete the record and go on with the URL that it has."""
    url = house.post("video/send_tts", {"msg": "Hello."})
    record_id = house.get("tts/preview/list")["data"][0]["_id"]
    assert house.client.delete(f"/api/v1/tts/preview/{record_id}", headers=dict(house.other)).status_code == 404
    assert house.delete(f"tts/preview/{record_id}") == {"_id": record_id}
    assert house.get("tts/preview/list")["data"] == []
    assert house.client.get(url).status_code == 200
    gone = house.delete(f"tts/preview/{record_id}")
    assert (gone["status"], gone["reason"]) == (404, "task_not_found")


def test_the_same_key_makes_and_costs_one(house: Speaking, quick: object) -> None:
    first = house.post("video/send_tts", {"msg": "Once."}, Idempotency_Key="k1")
    again = house.post("video/send_tts", {"msg": "Once."}, Idempotency_Key="k1")
    assert urlsplit(first).path == urlsplit(again).path
    assert house.coins == 99
    other = house.post("video/send_tts", {"msg": "Twice."}, Idempotency_Key="k1")
    assert (other["status"], other["reason"]) == (409, "idempotency_key_reused")
    assert house.coins == 99


class Turned(Clock):
    """A clock that can be turned on while somebody waits."""

    ahead_s = 0.0

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self.ahead_s


def test_what_takes_too_long_goes_on_and_is_found_by_its_key(tmp_path: Path, database_url: str, quick: object) -> None:
    clock = Turned()
    with speaking(tmp_path / "home", database_url, clock=clock) as house, ThreadPoolExecutor(1) as pool:
        house.worker.hold.clear()
        waiting = pool.submit(house.post, "video/send_tts", {"msg": "Slow."}, Idempotency_Key="slow")
        assert listed(house)["current_status"] == "initialized"
        while not waiting.done():  # the call may only be about to look at the clock
            clock.ahead_s += 150
            wait([waiting], timeout=0.5)
        late = waiting.result()
        assert (late["status"], late["reason"]) == (503, "still_speaking")
        assert int(late["retry_after"]) > 0
        house.worker.hold.set()
        url = house.post("video/send_tts", {"msg": "Slow."}, Idempotency_Key="slow")
        assert isinstance(url, str)
        assert house.coins == 99


def listed(house: Speaking) -> dict[str, Any]:
    """The only record, as soon as it is there."""
    until_s = time.monotonic() + PATIENCE_S
    while not (rows := house.get("tts/preview/list")["data"]):
        assert time.monotonic() < until_s, "it was never accepted"
    record: dict[str, Any] = rows[0]
    return record


def test_a_cancelled_speech_says_so_and_costs_nothing(house: Speaking, quick: object) -> None:
    house.worker.hold.clear()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(house.post, "video/send_tts", {"msg": "Never."})
        house.platform.tasks.cancel(house.user_id, FAMILY, listed(house)["_id"])
        answer = waiting.result(timeout=PATIENCE_S)
    assert (answer["status"], answer["reason"]) == (409, "cancelled")
    assert house.coins == 100


@pytest.mark.parametrize(
    ("problem", "status"),
    [
        (TextError("Nothing in the text can be spoken.", code="nothing_to_say"), 400),
        (AssetError("The model kokoro cannot be fetched. Check the network.", code="asset_no_pip"), 503),
        (UnavailableError("The disk is full.", code="storage_full"), 503),
        (AvatariumError("Something went wrong inside.", code="engine_bug"), 500),
    ],
)
def test_a_failure_is_told_with_its_sentence_and_costs_nothing(
    house: Speaking, quick: Callable[[AvatariumError], None], problem: AvatariumError, status: int
) -> None:
    quick(problem)
    answer = house.post("video/send_tts", {"msg": "Hello."})
    assert (answer["status"], answer["reason"], answer["message"]) == (status, problem.code, problem.message)
    assert (answer["retry_after"] is not None) == (status == 503)
    assert house.coins == 100
    (record,) = house.get("tts/preview/list")["data"]
    assert (record["current_status"], record["failed_code"]) == ("failed", problem.code)
    assert (record["audio_url"], record["marks_url"], record["coins"]) == ("", "", 0)


def test_a_text_without_a_word_is_refused_by_the_engine(house: Speaking) -> None:
    answer = house.post("video/send_tts", {"msg": "... !!! ---"})
    assert (answer["status"], answer["reason"]) == (400, "nothing_to_say")
    assert house.coins == 100


def test_emoji_are_read_out(house: Speaking) -> None:
    url = house.post("video/send_tts", {"msg": "😀🎉"})
    assert isinstance(url, str), url
    assert house.coins == 99


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({}, 400, "invalid_request"),
        ({"msg": ""}, 400, "invalid_request"),
        ({"msg": "   "}, 400, "invalid_request"),
        ({"msg": "a" * 3001}, 400, "invalid_request"),
        ({"msg": "Hi.", "speechRate": 3}, 400, "invalid_request"),
        ({"msg": "Hi.", "speechRate": 0}, 400, "invalid_request"),
        ({"msg": "Hi.", "tts_id": "a", "user_voice_id": "b"}, 400, "two_voices"),
        ({"msg": "Hi.", "tts_id": "64f0c0ffee0000000000b001"}, 404, "voice_not_found"),
        ({"msg": "Hi.", "user_voice_id": "64f0c0ffee0000000000c001"}, 404, "voice_not_found"),
        ({"msg": "Hi.", "country": "eo", "region": "XX"}, 400, "no_voice_for_language"),
        ({"msg": "Привет, как дела?", "country": "en"}, 400, "wrong_script"),
        ({"msg": "How are you doing today?", "country": "ja"}, 400, "wrong_script"),
        ({"msg": "Hi.", "webhook_url": "ftp://x"}, 400, "bad_webhook_url"),
    ],
)
def test_what_is_refused_costs_nothing(house: Speaking, body: dict[str, Any], status: int, reason: str) -> None:
    answer = house.post("video/send_tts", body)
    assert (answer["status"], answer["reason"]) == (status, reason)
    assert house.coins == 100
    assert house.get("tts/preview/list")["total"] == 0


def test_too_few_coins(house: Speaking, quick: object) -> None:
    for _ in range(6):
        house.post("video/send_tts", {"msg": "a" * 3000})
    answer = house.post("video/send_tts", {"msg": "a" * 3000})
    assert (answer["status"], answer["reason"]) == (402, "too_few_coins")
    assert "15" in answer["message"] and "10" in answer["message"]
    assert house.coins == 10


def test_a_key_is_needed(house: Speaking) -> None:
    for method, path in (("POST", "video/send_tts"), ("GET", "tts/preview/list"), ("DELETE", "tts/preview/x")):
        assert house.client.request(method, f"/api/v1/{path}", headers={"Authorization": ""}).status_code == 401


def test_examples_are_answers_of_the_kind_that_is_given(house: Speaking, quick: object) -> None:
    described = house.client.get("/openapi.json").json()["paths"]
    house.post("video/send_tts", {"msg": "Hello."})
    shown = _example(described["/api/v1/tts/preview/list"]["get"])
    given = house.get("tts/preview/list")
    assert set(shown["data"]) == set(given)
    assert set(shown["data"]["data"][0]) == set(given["data"][0])
    asked = described["/api/v1/video/send_tts"]["post"]
    assert asked["summary"] and _example(asked)["data"].startswith("https://")
    body = asked["requestBody"]["content"]["application/json"]["example"]
    assert json.dumps(body)


def _example(operation: dict[str, Any]) -> dict[str, Any]:
    example: dict[str, Any] = operation["responses"]["200"]["content"]["application/json"]["example"]
    return example
