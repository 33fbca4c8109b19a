"""Prices without a task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from avatarium.catalogue.shipped import shipped_avatars
from tests.running import COINS, Running, running
from tests.support.twins import made_twin

FACE = {"image_url": "https://files.example/face.jpg"}
VIDEO = {"anchor_id": shipped_avatars()[0].id, "audioSrc": "https://files.example/speech.mp3"}


@pytest.fixture(scope="module")
def it(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("quotes")) as made:
        yield made


def quote(it: Running, endpoint: str, body: Any) -> Any:
    return it.post("generation/quote", {"endpoint": endpoint, "requestBody": body})


@pytest.mark.parametrize(
    "endpoint",
    [
        "/api/v1/talkingPhoto/start",
        "POST /api/v1/talkingPhoto/start",
        "post /API/V1/TALKINGPHOTO/START",
        "talkingPhoto/start",
        "/talkingPhoto/start/",
        " POST  talkingphoto/start ",
    ],
)
def test_a_path_may_be_written_in_many_ways(it: Running, endpoint: str) -> None:
    found = quote(it, endpoint, FACE | {"duration": 5})
    assert (found["coins"], found["generationRequestValidated"], found["estimated"]) == (13, True, False)


@pytest.mark.parametrize(
    ("endpoint", "body", "coins", "estimated"),
    [
        ("talkingPhoto/start", FACE, 8, False),
        ("talkingPhoto/start", FACE | {"audio_url": "https://files.example/a.mp3"}, 26, True),
        ("video/generate", VIDEO, 10, True),
        ("video/send_tts", {"msg": "x" * 201}, 2, False),
        ("watermark/start", {"media_url": "https://files.example/a.mp4", "text": "x"}, 1, False),
        ("userVideoTwin/startTraining", FACE, 100, False),
        ("userVideoTwin/startTraining", {"video_url": "https://files.example/a.mp4"}, 0, False),
        ("userVideoTwin/advice", FACE, 0, False),
    ],
)
def test_every_family_has_a_price(it: Running, endpoint: str, body: Any, coins: int, estimated: bool) -> None:
    found = quote(it, endpoint, body)
    assert (found["coins"], found["estimated"]) == (coins, estimated)
    assert found["expected_s"] > 0
    assert it.balance() == (COINS, 0) and not it.worker.waiting


def test_a_model_is_quoted_by_either_name(it: Running) -> None:
    training = made_twin(it).training_id
    for endpoint in ("userVideoTwin/continueTranining", "userVideoTwin/continueTraining"):
        found = quote(it, endpoint, {"_id": training})
        assert (found["coins"], found["diamonds"], found["estimated"]) == (100, 1, False)
    assert quote(it, "userVideoTwin/continueTraining", {"_id": "f" * 24})["reason"] == "twin_not_found"


def test_every_family_that_there_is_can_be_quoted(it: Running) -> None:
    for family in it.platform.families.values():
        for path in family.paths:
            answer = quote(it, path, {})
            assert answer.get("reason") != "unsupported_endpoint"


def test_a_recording_of_ours_is_quoted_exactly(it: Running) -> None:
    sound = it.upload(b"x", "a.mp3", duration_s=61.5)
    found = quote(it, "video/generate", VIDEO | {"audioSrc": sound})
    assert (found["coins"], found["estimated"]) == (62, False)


@pytest.mark.parametrize(
    ("endpoint", "body", "reason"),
    [
        ("video/nothing", {}, "unsupported_endpoint"),
        ("", {}, "unsupported_endpoint"),
        ("GET /api/v1/video/generate", {}, "unsupported_endpoint"),
        ("video/awsResult", {}, "unsupported_endpoint"),
        ("talkingPhoto/start", {}, "invalid_request"),
        ("talkingPhoto/start", FACE | {"duration": 99}, "invalid_request"),
        ("talkingPhoto/start", "text", "invalid_request"),
        ("talkingPhoto/start", None, "invalid_request"),
        ("talkingPhoto/start", {"image_url": "nowhere"}, "bad_url"),
        ("userVideoTwin/startTraining", {"video_url": "https://files.example/a.mp4", **FACE}, "two_sources"),
        ("video/generate", VIDEO | {"back_id": "a", "custom_back_id": "b"}, "two_backgrounds"),
    ],
)
def test_what_would_be_refused_has_no_price(it: Running, endpoint: str, body: Any, reason: str) -> None:
    answer = quote(it, endpoint, body)
    assert (answer["status"], answer["reason"]) == (400, reason)


def test_a_wrong_field_is_named_with_its_place(it: Running) -> None:
    answer = quote(it, "talkingPhoto/start", FACE | {"duration": "x"})
    assert answer["detail"][0]["field"] == "requestBody.duration"
