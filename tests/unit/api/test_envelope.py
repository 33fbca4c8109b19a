"""The shape of every answer, and of every error."""

from __future__ import annotations

import uuid

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from avatarium.api.envelope import Answer
from avatarium.api.routing import Router
from avatarium.errors import (
    AssetError,
    AvatariumError,
    FaceError,
    OutputError,
    RequestError,
    StalledError,
    TooFewCoinsError,
    UnavailableError,
)
from tests.unit.api.kit import House

ERROR_FIELDS = {"code", "message", "msg", "reason", "data", "trace_id"}


def test_success_is_200_with_code_0_and_a_trace_id(client: TestClient) -> None:
    answer = client.post("/api/v1/trial/echo", json={"msg": "hi"})
    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {"code", "data", "trace_id"}
    assert body["code"] == 0
    assert str(uuid.UUID(body["trace_id"])) == answer.headers["X-Trace-Id"] == body["trace_id"]


def test_a_trace_id_of_the_client_is_kept_if_it_is_a_uuid(client: TestClient) -> None:
    mine = str(uuid.uuid4())
    assert client.get("/healthz", headers={"X-Trace-Id": mine}).json()["trace_id"] == mine
    assert client.get("/healthz", headers={"X-Trace-Id": "<b>" * 12}).json()["trace_id"] != "<b>" * 12


@pytest.mark.parametrize(
    ("error", "status", "number", "retry"),
    [
        (RequestError("No.", code="both_backgrounds", number=30005), 400, 30005, None),
        (TooFewCoinsError("No.", code="too_few_coins"), 402, 402, None),
        (UnavailableError("No.", code="away", retry_after_s=4.2), 503, 503, "5"),
        (FaceError("No.", code="no_face"), 400, 400, None),
        (AssetError("No.", code="asset_missing"), 503, 503, "30"),
        (StalledError("No.", code="stalled"), 503, 503, "30"),
    ],
)
def test_each_error_of_ours_has_its_status(
    installation: House, error: AvatariumError, status: int, number: int, retry: str | None
) -> None:
    installation.add(_raising(error))
    with installation.client() as client:
        answer = client.get("/raise")
    body = answer.json()
    assert (answer.status_code, body["code"], answer.headers.get("Retry-After")) == (status, number, retry)
    assert set(body) == ERROR_FIELDS
    assert body["message"] == body["msg"] == "No."
    assert body["reason"] == error.code


@pytest.mark.parametrize("error", [RuntimeError("a secret"), OutputError("/home/ada/a secret", code="cannot_write")])
def test_bugs_and_unwritable_results_leak_nothing_but_are_logged(installation: House, error: Exception) -> None:
    installation.add(_raising(error))
    with installation.client(Origin="https://page.example") as client, capture_logs() as logs:
        answer = client.get("/raise")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["reason"] == "server_error"
    assert answer.headers["Access-Control-Allow-Origin"] == "*", "or a page could not read what happened"
    assert [line for line in logs if line["log_level"] == "error"]


def test_unknown_routes_are_404_in_an_envelope(stranger: TestClient) -> None:
    answer = stranger.get("/api/v1/nothing")
    assert answer.status_code == 404
    assert set(answer.json()) == ERROR_FIELDS
    assert answer.json()["reason"] == "no_route"


def test_a_wrong_method_is_405_and_names_those_of_all_routes_on_the_path(stranger: TestClient) -> None:
    answer = stranger.patch("/api/v1/trial/echo")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "DELETE, GET, POST, PUT"
    assert answer.json()["reason"] == "wrong_method"


@pytest.mark.parametrize("path", ["userVideoTwin/eyeContact", "userVideoTwin/training", "userVoice/clone"])
def test_a_call_that_is_not_served_is_404_though_an_id_could_stand_there(stranger: TestClient, path: str) -> None:
    answer = stranger.post(f"/api/v1/{path}", json={})
    assert (answer.status_code, answer.json()["reason"]) == (404, "no_route")
    assert stranger.post(f"/api/v1/userVoice/{'a' * 24}", json={}).status_code == 405


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({}, "msg", "`msg` is missing. It is: the text to speak."),
        ({"msg": 5}, "msg", "`msg` must be a text. It is: the text to speak."),
        ({"msg": "hi", "times": "many"}, "times", "`times` must be a whole number."),
        ({"msg": "hi", "times": 10}, "times", "`times` must be at most 9."),
        ({"msg": "x" * 101}, "msg", "`msg` must have at most 100 characters. It is: the text to speak."),
        ({"msg": "hi", "loud": "perhaps"}, "loud", "`loud` must be true or false."),
        ({"msg": "hi", "tags": "one"}, "tags", "`tags` must be a list."),
        ({"msg": "hi", "tags": ["one", 2]}, "tags.1", "`tags.1` must be a text."),
    ],
)
def test_a_field_that_is_wrong_is_named_with_what_is_wanted(
    client: TestClient, body: dict[str, object], field: str, words: str
) -> None:
    answer = client.post("/api/v1/trial/echo", json=body)
    found = answer.json()
    assert answer.status_code == 400
    assert found["message"] == found["msg"] == words
    assert found["detail"] == [{"field": field, "message": words}]
    assert found["reason"] == "invalid_request"


@pytest.mark.parametrize("language", ["zh-CN", "zh", "ZH_cn"])
def test_general_sentences_come_in_chinese_on_request(installation: House, language: str) -> None:
    with installation.client(x_lang=language) as client:
        assert client.get("/nothing").json()["message"] == "没有这个接口。所有接口请见 /docs。"
        assert "密钥" in client.post("/api/v1/trial/echo", json={}).json()["msg"]
        assert "`msg`" in client.put("/api/v1/trial/echo", json={}).json()["msg"]
        assert client.put("/api/v1/trial/echo", content=b"{").json()["msg"] == "请求内容不是有效的 JSON。"


def test_what_the_engine_says_stays_english(installation: House) -> None:
    installation.add(_raising(FaceError("There is no face in the picture.", code="no_face")))
    with installation.client(x_lang="zh-CN") as client:
        assert client.get("/raise").json()["message"] == "There is no face in the picture."


def test_numbers_that_json_lacks_become_null() -> None:
    assert Answer({"x": float("nan")}).body == b'{"x":null}'


def _raising(error: Exception) -> Router:
    router = Router()

    @router.get("/raise")
    def fail() -> Answer:
        raise error

    return router
