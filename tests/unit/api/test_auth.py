"""Who may call, from where, and how often."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import Request
from starlette.testclient import TestClient

from avatarium.api.auth import address_of
from tests.support.windows import still_window
from tests.unit.api.kit import House, house

COINS = "/api/v1/user/remainingCoins"


@pytest.mark.parametrize("header", ["Bearer {}", "bearer {}", "BEARER   {} "])
def test_a_key_in_the_header_opens(installation: House, header: str) -> None:
    with installation.client() as client:
        answer = client.get(COINS, headers={"Authorization": header.format(installation.user_key)})
    assert answer.json()["data"] == {"coins": 1000, "diamonds": 0}


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer sk_wrong", "Basic abc", "sk_plain", "Bearer é"])
def test_anything_else_is_401(stranger: TestClient, header: str) -> None:
    answer = stranger.get(COINS, headers={b"Authorization": header.encode()})
    assert answer.status_code == 401
    assert answer.json()["code"] == 401


@pytest.mark.parametrize("name", ["token", "api_key", "access_token"])
def test_a_key_in_the_address_is_refused_with_where_it_belongs(installation: House, name: str) -> None:
    with installation.client() as client:
        answer = client.get(COINS, params={name: installation.user_key})
    assert (answer.status_code, answer.json()["reason"]) == (401, "key_elsewhere")
    assert "Authorization" in answer.json()["message"]


def test_the_key_is_asked_for_before_the_body_is_judged(stranger: TestClient) -> None:
    assert stranger.post("/api/v1/trial/echo", json={"times": "x"}).status_code == 401


def test_a_key_serves_the_pages_that_it_lists(installation: House) -> None:
    key = installation.key(origins=["https://mine.example"])
    with installation.client(key) as client:
        assert client.get(COINS, headers={"Origin": "https://mine.example"}).status_code == 200
        assert client.get(COINS, headers={"Origin": "https://other.example"}).status_code == 403
        assert client.get(COINS).status_code == 200


def test_a_key_with_scopes_does_what_they_say(installation: House) -> None:
    with installation.client(installation.key(scopes=["upload"])) as client:
        refused = client.get(COINS)
        assert (refused.status_code, refused.json()["reason"]) == (403, "scope_missing")
        presign = client.post("/api/v1/r2/upload-presigned-url", json={"key": "a.jpg"})
        assert presign.status_code == 200


def test_users_are_no_administrators(client: TestClient) -> None:
    answer = client.post("/api/v1/user/add", json={"username": "Bob"})
    assert (answer.status_code, answer.json()["reason"]) == (403, "admin_only")


def test_a_key_may_come_so_often_and_is_told(tmp_path: Path) -> None:
    with still_window(), house(tmp_path, rate_limit="3/minute") as made, made.client(made.user_key) as client:
        left = [client.get(COINS).headers["X-RateLimit-Remaining"] for _ in range(3)]
        answer = client.get(COINS)
        with made.client(made.admin_key) as other:
            assert other.get(COINS).status_code == 200
    assert left == ["2", "1", "0"]
    assert answer.status_code == 429
    assert answer.json()["reason"] == "rate_limited"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["X-RateLimit-Remaining"] == "0"


def test_guessing_keys_is_limited_by_address(tmp_path: Path) -> None:
    with still_window(), house(tmp_path, rate_limit_anonymous="3/minute") as made, made.client() as client:
        statuses = [
            client.get(COINS, headers={"Authorization": f"Bearer sk_{guess}"}).status_code for guess in range(5)
        ]
        assert client.get(COINS, headers={"Authorization": f"Bearer {made.user_key}"}).status_code == 200
    assert statuses == [401, 401, 401, 429, 429]


def test_browsers_may_ask_before_they_call(installation: House) -> None:
    asked = {
        "Origin": "https://page.example",
        "Access-Control-Request-Method": "DELETE",
        "Access-Control-Request-Headers": "authorization,x-lang,idempotency-key,content-type",
    }
    with installation.client() as client:
        answer = client.options(COINS, headers=asked)
        told = client.get(COINS, headers={"Origin": "https://page.example"})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "DELETE" in answer.headers["Access-Control-Allow-Methods"]
    assert "idempotency-key" in answer.headers["Access-Control-Allow-Headers"]
    assert "Retry-After" in told.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in told.headers


def test_only_pages_that_are_listed_may_call_where_there_is_a_list(tmp_path: Path) -> None:
    with house(tmp_path, cors_origins=["https://mine.example"]) as made, made.client() as client:
        mine = client.get("/healthz", headers={"Origin": "https://mine.example"})
        other = client.get("/healthz", headers={"Origin": "https://other.example"})
    assert mine.headers["Access-Control-Allow-Origin"] == "https://mine.example"
    assert "Access-Control-Allow-Origin" not in other.headers


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:0:1::9", "2001:db8:0:1::/64"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
    ],
)
def test_all_of_a_network_of_ipv6_is_one_address(address: str, counted: str) -> None:
    assert address_of(Request({"type": "http", "client": (address, 1), "headers": []})) == counted
