"""Paths in any case, literal segments before values, and examples for every call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from avatarium.api.groups import GROUPS
from avatarium.api.routing import Route, by_specificity
from tests.unit.api.kit import House, house

PUBLIC = {"/healthz", "/readyz", "/api/login/account", "/api/v1/custom_back/randomBackground"}
"""Whoever adds a call without a key has to say so here."""


@pytest.mark.parametrize(
    "path", ["/api/v1/trial/echo", "/API/V1/TRIAL/ECHO", "/api/v1/Trial/echo/", "/api/v1/tRiAl/Echo"]
)
def test_paths_match_in_any_case_and_with_a_slash(client: TestClient, path: str) -> None:
    assert client.get(path, params={"msg": "hi"}).status_code == 200


def test_values_in_a_path_keep_their_case(stranger: TestClient) -> None:
    assert stranger.get("/API/v1/TRIAL/AbCdEf").json()["data"] == {"id": "AbCdEf"}


def test_a_line_feed_at_the_end_is_no_end(stranger: TestClient) -> None:
    assert stranger.get("/healthz%0a").status_code == 404


def test_literal_segments_win_over_values(stranger: TestClient) -> None:
    assert stranger.get("/api/v1/trial/STATUS").json()["data"] == "status"
    assert stranger.delete("/api/v1/trial/status").json()["data"] == {"id": "status"}


def test_every_route_stands_behind_those_that_are_more_literal(installation: House) -> None:
    keys = [by_specificity(route) for route in installation.app.routes]
    assert keys == sorted(keys)
    assert by_specificity(Route("/a/{b:path}", lambda b: b)) > by_specificity(Route("/a/{b}", lambda b: b))


def test_every_operation_has_a_group_a_title_and_examples(admin: TestClient) -> None:
    document = admin.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    seen: set[str] = set()
    for path, method, operation in _operations(document):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert set(operation["tags"]) <= {*GROUPS, "Trial"}, where
        assert operation["operationId"] not in seen, where
        seen.add(operation["operationId"])
        contents = operation["responses"]["200"]["content"]
        assert set(contents) == ({"text/event-stream"} if path.endswith("/events") else {"application/json"}), where
        for content in contents.values():
            assert content["example"], where
        if "application/json" in contents:
            assert set(contents["application/json"]["example"]) == {"code", "data", "trace_id"}, where
        if "requestBody" in operation and "Trial" not in operation["tags"]:
            assert "example" in operation["requestBody"]["content"]["application/json"], where


def test_every_error_is_documented_with_its_schema_and_an_example(admin: TestClient) -> None:
    document = admin.get("/openapi.json").json()
    for path, method, operation in _operations(document):
        assert {"400", "401", "429", "500", "503"} <= set(operation["responses"]), f"{method} {path}"
        assert "422" not in operation["responses"]
        for status, answer in operation["responses"].items():
            if status >= "400":
                content = answer["content"]["application/json"]
                assert content["schema"] == {"$ref": "#/components/schemas/ErrorBody"}
                assert content["example"]["code"] == int(status)
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_only_public_calls_are_documented_without_a_key(admin: TestClient) -> None:
    document = admin.get("/openapi.json").json()
    assert document["security"] == [{"key": []}]
    open_calls = {path for path, _, operation in _operations(document) if operation.get("security") == []}
    assert {path for path in open_calls if "rial" not in path} <= PUBLIC


def test_every_call_that_is_not_public_asks_for_a_key(tmp_path: Path) -> None:
    with house(tmp_path, rate_limit_anonymous="9999/minute") as made, made.client() as stranger:
        document = stranger.get("/openapi.json").json()
        for path, method, operation in _operations(document):
            if operation.get("security") != []:
                answer = stranger.request(method, path.replace("{_id}", "0" * 24), json={})
                assert answer.status_code == 401, f"{method} {path}"


def _operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, call) for path, item in document["paths"].items() for method, call in item.items()]
