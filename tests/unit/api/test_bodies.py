"""Bodies as clients send them: odd types, no types, on GET, empty, huge, broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.unit.api.kit import House, house, trial

OPEN = "/api/v1/trial/open"
ECHO = "/api/v1/trial/echo"


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "application/octet-stream", "", "nonsense", "text/plain;x=1"]
)
def test_json_is_json_under_any_content_type(stranger: TestClient, content_type: str) -> None:
    answer = stranger.post(OPEN, content=b' {"msg": "hi"} ', headers={"Content-Type": content_type})
    assert answer.json()["data"] == {"msg": "hi"}


def test_json_without_a_content_type(stranger: TestClient) -> None:
    request = stranger.build_request("POST", OPEN, content=b'{"a": [1]}')
    request.headers.pop("Content-Type", None)
    assert stranger.send(request).json()["data"] == {"a": [1]}


def test_a_form_is_taken_as_texts(stranger: TestClient) -> None:
    answer = stranger.post(OPEN, data={"msg": "héllo", "tags": ["a", "b"]})
    assert answer.json()["data"] == {"msg": "héllo", "tags": ["a", "b"]}


@pytest.mark.parametrize("body", [b"", b"   ", b"{}", b"null", b"\xef\xbb\xbf{}"])
@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_nothing_is_an_empty_object(stranger: TestClient, body: bytes, content_type: str) -> None:
    answer = stranger.post(OPEN, content=body, headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["data"]) == (200, {})


def test_json_on_a_get_is_its_query_and_what_the_address_says_wins(client: TestClient) -> None:
    given = {"msg": "body", "times": 3, "loud": True, "tags": ["a", "b"], "unknown": {"x": 1}, "none": None}
    answer = client.request("GET", f"{ECHO}?msg=address", json=given)
    data = answer.json()["data"]
    assert data["msg"] == "address"
    assert (data["times"], data["loud"], data["tags"]) == (3, True, ["a", "b"])


def test_json_on_a_delete_is_read_too(stranger: TestClient) -> None:
    assert stranger.request("DELETE", ECHO, json={"msg": "hi"}).json()["data"]["msg"] == "hi"
    assert stranger.delete(f"{ECHO}?msg=hi").json()["data"]["msg"] == "hi"


def test_unknown_fields_are_ignored(client: TestClient) -> None:
    assert client.post(ECHO, json={"msg": "hi", "prompt": "?"}).status_code == 200


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"msg": ', "bad_json"),
        (b'{"msg": NaN}', "bad_json"),
        (b'{"msg": "\\ud800"}', "bad_json"),
        (b"\xff\xfe{\x00}\x00", "bad_json"),
        (b'{"a":' * 300 + b"1" + b"}" * 300, "bad_json"),
        (b'{"a": ' + b"9" * 5000 + b"}", "bad_json"),
        (b'{"a": 99999999999999999999}', "number_too_large"),
        (b'{"a": [1e999]}', "number_too_large"),
        (b'{"a": ["b\\u0000"]}', "nul_character"),
        (b'{"\\u0000": 1}', "nul_character"),
        (b"[1]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"7", "not_an_object"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(stranger: TestClient, body: bytes, reason: str) -> None:
    answer = stranger.post(OPEN, content=body)
    assert (answer.status_code, answer.json()["reason"]) == (400, reason)


def test_a_broken_body_is_told_where_it_breaks(stranger: TestClient) -> None:
    message = stranger.post(OPEN, content=b'{"msg": "hi",}').json()["message"]
    assert message == "The body is not valid JSON: trailing comma at line 1 column 14."


def test_long_runs_of_digits_in_texts_are_no_numbers(stranger: TestClient) -> None:
    given = {"url": "https://example.com/" + "1" * 40 + "?x=1e999", "s": "\\u0000"}
    assert stranger.post(OPEN, json=given).json()["data"] == given


def test_multipart_is_refused_with_what_to_do(stranger: TestClient) -> None:
    answer = stranger.post(OPEN, files={"file": b"x"})
    assert (answer.status_code, answer.json()["reason"]) == (400, "not_json")


@pytest.mark.parametrize("address", ["/api/v1/trial/a%00b", f"{ECHO}?msg=a%00b"])
def test_no_nul_reaches_a_database_by_the_address(client: TestClient, address: str) -> None:
    assert client.get(address).json()["reason"] == "nul_character"


def test_bodies_have_a_largest_size(tmp_path: Path) -> None:
    with house(tmp_path, body_max_bytes=1000) as made:
        made.add(trial())
        with made.client() as client:
            whole = client.post(OPEN, json={"a": "x" * 1000})
            in_pieces = client.post(OPEN, content=(b"x" * 100 for _ in range(20)))
            assert client.post(OPEN, json={"a": "x" * 900}).status_code == 200
    for answer in (whole, in_pieces):
        assert answer.status_code == 413
        assert answer.json()["reason"] == "body_too_large"
        assert answer.headers["Connection"] == "close"


def test_large_bodies_are_read_beside_the_event_loop(stranger: TestClient) -> None:
    given = {"a": ["x" * 50] * 5000}
    assert stranger.post(OPEN, json=given).json()["data"] == given


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda text: text.encode("utf-8", "ignore"))),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    content_type=st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/plain", "é", ""]),
)
def test_no_bytes_are_a_bug(stranger: TestClient, body: bytes, method: str, content_type: str) -> None:
    headers = {b"Content-Type": content_type.encode("latin-1")}
    for path in (OPEN, ECHO):
        answer = stranger.request(method, path, content=body, headers=headers)
        assert answer.status_code < 500
        assert "code" in answer.json()


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_fields = st.sampled_from(["msg", "times", "loud", "tags", "other"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(_fields, _values), method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]))
def test_no_json_is_a_bug(client: TestClient, body: dict[str, Any], method: str) -> None:
    answer = client.request(method, ECHO, content=json.dumps(body).encode("utf-8", "surrogatepass"))
    assert answer.status_code in (200, 400)
    if answer.status_code == 400:
        assert answer.json()["message"].endswith((".", "…"))


def test_the_body_is_still_there_for_those_who_wait_for_the_client_to_leave(installation: House) -> None:
    with installation.client() as client:
        assert client.put(ECHO, json={"msg": "hi"}).json()["data"]["msg"] == "hi"
