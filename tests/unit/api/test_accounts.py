"""Keys, users and coins by their routes."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from avatarium.accounts import ledger
from avatarium.clock import iso
from tests.unit.api.kit import House

COINS = "/api/v1/user/remainingCoins"
HISTORY = "/api/v1/transactionRecord/creditsHistory"
EXCHANGE = "/api/v1/user/exchangeDiamonds"
PASSWORD = "a long enough password"


def test_log_in_make_a_key_use_it_list_it_revoke_it(installation: House) -> None:
    installation.platform.accounts.set_password(installation.user_id, PASSWORD)
    installation.clock.advance(1)  # so that the new key is the newest
    with installation.client() as client:
        login = client.post("/api/login/account", json={"username": "ada", "password": PASSWORD}).json()["data"]
        session = {"Authorization": f"Bearer {login['token']}"}
        made = client.post("/api/v1/token/generate", json={"alias": "my app"}, headers=session).json()["data"]
        mine = {"Authorization": f"Bearer {made['token']}"}
        assert made["token"].startswith("sk_")
        assert client.get(COINS, headers=mine).status_code == 200
        for method in ("GET", "POST"):
            listed = client.request(method, "/api/v1/token/list", headers=mine).json()["data"]
            assert [key["alias"] for key in listed] == ["my app", ""]
            assert made["token"] not in str(listed)
        assert client.post("/api/v1/token/delete", json={"_id": made["_id"]}, headers=session).status_code == 200
        assert client.get(COINS, headers=mine).json()["reason"] == "token_revoked"


def test_a_wrong_password_is_401_and_says_not_which(stranger: TestClient) -> None:
    answers = [
        stranger.post("/api/login/account", json={"username": name, "password": "wrong password"})
        for name in ("Ada", "Nobody")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json()["message"] == answers[1].json()["message"]


def test_another_users_key_is_not_found(installation: House, admin: TestClient) -> None:
    key = installation.platform.accounts.list_keys(installation.user_id)[0]
    assert admin.post("/api/v1/token/delete", json={"_id": key.id}).status_code == 404
    assert admin.delete(f"/api/v1/token/{key.id}").status_code == 404


def test_a_key_makes_none_that_may_do_more(installation: House) -> None:
    with installation.client(installation.key(scopes=["account", "read"], origins=["https://mine.example"])) as client:
        wider = client.post("/api/v1/token/generate", json={"alias": "x", "scopes": ["generate"]})
        same = client.post("/api/v1/token/generate", json={"alias": "x"}).json()["data"]
    assert wider.json()["reason"] == "scope_missing"
    assert same["scopes"] == ["account", "read"]
    assert same["origins"] == ["https://mine.example"]


def test_a_key_makes_no_key_that_outlives_it(installation: House) -> None:
    ends_ms = installation.clock.now_ms() + 60_000
    with installation.client(installation.key(expires_ms=ends_ms)) as client:
        longer = client.post("/api/v1/token/generate", json={"alias": "more", "expires_in": 3600}).json()["data"]
        forever = client.post("/api/v1/token/generate", json={"alias": "more"}).json()["data"]
    assert longer["expiresAt"] == forever["expiresAt"] == iso(ends_ms)


def test_a_key_for_some_pages_makes_no_key_for_others(installation: House) -> None:
    with installation.client(installation.key(origins=["https://mine.example"])) as client:
        body = {"alias": "x", "origins": ["https://mine.example", "https://evil.example"]}
        refused = client.post("/api/v1/token/generate", json=body)
    assert (refused.status_code, refused.json()["reason"]) == (403, "wrong_origin")


def test_a_client_token_opens_its_scopes_and_ends(installation: House, client: TestClient) -> None:
    made = client.post("/api/v1/token/client", json={"scopes": ["read"], "expires_in": 60}).json()["data"]
    with installation.client(made["token"]) as browser:
        assert browser.get(COINS).status_code == 200
        assert browser.post(EXCHANGE, json={"diamonds": 1}).status_code == 403
        assert browser.post("/api/v1/token/client", json={"scopes": ["read"]}).status_code == 403
        installation.clock.advance(61)
        assert browser.get(COINS).json()["reason"] == "token_expired"


def test_an_administrator_adds_a_user_who_can_begin(installation: House, admin: TestClient) -> None:
    made = admin.post("/api/v1/user/add", json={"username": "Bob", "coins": 7}).json()["data"]
    with installation.client(made["token"]) as bob:
        assert bob.get(COINS).json()["data"] == {"coins": 7, "diamonds": 0}
        assert bob.post("/api/v1/user/add", json={"username": "Eve"}).status_code == 403
    assert admin.post("/api/v1/user/add", json={"username": "BOB"}).status_code == 409


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_coins_are_told_on_both_methods(client: TestClient, method: str) -> None:
    assert client.request(method, COINS).json()["data"] == {"coins": 1000, "diamonds": 0}


def test_an_exchange_with_a_key_happens_once(client: TestClient) -> None:
    for _ in range(3):
        answer = client.post(EXCHANGE, json={"diamonds": 2}, headers={"Idempotency-Key": "mine"})
        assert answer.json()["data"] == {"coins": 800, "diamonds": 2}
    assert client.post(EXCHANGE, json={"diamonds": 1}).json()["data"] == {"coins": 700, "diamonds": 3}


@pytest.mark.parametrize(
    ("diamonds", "status"), [(11, 402), (0, 400), (-1, 400), (1.5, 400), (10**15, 400), ("x", 400), (None, 400)]
)
def test_exchanges_that_cannot_be_cost_nothing(client: TestClient, diamonds: object, status: int) -> None:
    answer = client.post(EXCHANGE, json={"diamonds": diamonds})
    assert (answer.status_code, answer.json()["code"]) == (status, status)
    assert client.get(COINS).json()["data"] == {"coins": 1000, "diamonds": 0}


def test_the_history_pages_and_filters(installation: House, client: TestClient) -> None:
    _spend(installation, 5)
    whole = client.get(HISTORY).json()["data"]
    assert whole["count"] == 6
    assert whole["rows"][0] | {"_id": "", "createdAt": ""} == {
        "_id": "",
        "amount": -1,
        "unit": "coin",
        "type": "hold",
        "is_consumption": True,
        "description": "a video",
        "task_id": "t4",
        "createdAt": "",
    }
    assert [row["task_id"] for row in client.get(f"{HISTORY}?pageNum=2&pageSize=2").json()["data"]["rows"]] == [
        "t2",
        "t1",
    ]
    assert client.get(f"{HISTORY}?is_consumption=true").json()["data"]["count"] == 5
    assert client.get(f"{HISTORY}?is_consumption=false").json()["data"]["count"] == 1
    assert client.request("GET", HISTORY, json={"pageSize": 1}).json()["data"]["rows"][0]["task_id"] == "t4"


def test_the_history_of_some_days_holds_both_ends(installation: House, client: TestClient) -> None:
    _spend(installation, 3)  # on 14, 15 and 16 November 2023
    days = {"startDate": "2023-11-15", "endDate": "2023-11-15"}
    assert [row["task_id"] for row in client.get(HISTORY, params=days).json()["data"]["rows"]] == ["t1"]
    answer = client.get(HISTORY, params={"startDate": "yesterday"})
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("`startDate`")


def test_users_see_only_their_own_history(installation: House, admin: TestClient) -> None:
    _spend(installation, 3)
    assert admin.get(HISTORY).json()["data"]["count"] == 1


def _spend(made: House, times: int) -> None:
    for n in range(times):
        with made.platform.database.write() as c:
            ledger.hold(c, made.user_id, 1, subject=f"t{n}", note="a video", now_ms=made.clock.now_ms())
        made.clock.advance(24 * 3600)
