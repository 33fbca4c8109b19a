"""The routes of the browser module and of the pages about live rooms."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from avatarium.api.routes import live_network
from avatarium.streaming.browser.bundle import Form, script
from tests.unit.api.kit import House


@pytest.mark.parametrize(("path", "form"), [("/agora-rtc.js", Form.MODULE), ("/agora-rtc.global.js", Form.CLASSIC)])
def test_the_module_is_for_pages_of_any_host(path: str, form: Form, stranger: TestClient) -> None:
    answer = stranger.get(path, headers={"Origin": "https://shop.example"})
    assert answer.content == script(form)
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "public" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/agora-rtc.js", "/agora-rtc.global.js", "/live", "/live/network", "/live/live.css"])
def test_what_a_browser_has_is_not_sent_again(path: str, stranger: TestClient) -> None:
    tag = stranger.get(path).headers["etag"]
    again = stranger.get(path, headers={"If-None-Match": f'"other", W/{tag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == tag
    assert stranger.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("path", ["/live", "/live/", "/live/network"])
def test_pages_may_load_their_own_host_only(path: str, stranger: TestClient) -> None:
    answer = stranger.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    rules = dict(rule.strip().split(" ", 1) for rule in answer.headers["content-security-policy"].split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == "'self'"
    assert rules["connect-src"] == "'self' ws://testserver wss://testserver"
    assert rules["frame-ancestors"] == "'none'"
    assert "*" not in answer.headers["content-security-policy"]


def test_a_strange_host_never_gets_into_the_policy(stranger: TestClient) -> None:
    answer = stranger.get("/live", headers={"Host": "x; script-src *"})
    assert "script-src *" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize("name", ["live.html", "nothing.js", "..%2f..%2fsettings.py", "files.py", ".css"])
def test_nothing_else_is_served(name: str, stranger: TestClient) -> None:
    answer = stranger.get(f"/live/{name}")
    assert answer.status_code == 404
    assert answer.json()["reason"] == "no_route"


def test_facts_tell_price_and_limits_without_a_key(installation: House, stranger: TestClient) -> None:
    facts = stranger.get("/live/facts.json").json()
    assert (facts["unit_s"], facts["unit_coins"]) == (5, installation.platform.prices["live"])
    assert facts["longest_s"] == installation.platform.settings.live_longest_s


def test_without_a_stage_the_network_test_says_so(stranger: TestClient) -> None:
    answer = stranger.post("/live/network/offer", json={"sdp": "v=0"})
    assert (answer.status_code, answer.json()["reason"]) == (503, "no_stage")


def test_an_offer_is_bounded(stranger: TestClient) -> None:
    assert stranger.post("/live/network/offer", json={"sdp": "v" * 40_000}).status_code == 400


def test_a_socket_gives_one_message_back(stranger: TestClient) -> None:
    with stranger.websocket_connect("/live/network/echo") as socket:
        socket.send_text("hello")
        assert socket.receive_text() == "hello"


@pytest.mark.parametrize("sends", [True, False])
def test_a_socket_that_tests_nothing_is_closed_without_a_word(
    stranger: TestClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sends: bool
) -> None:
    monkeypatch.setattr(live_network, "ECHO_S", 0.05)
    with stranger.websocket_connect("/live/network/echo") as socket:
        if sends:
            socket.send_bytes(b"no text")
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text()
    assert closed.value.code == 1000 and "bug" not in capsys.readouterr().out


def test_relays_are_lent_for_two_minutes_and_fixed_passwords_never(installation: House, stranger: TestClient) -> None:
    settings = installation.platform.settings
    servers = ["stun:stun.example", "turn:turn.example:3478", "turn:me:secret@own.example"]
    changed = settings.model_copy(update={"ice_servers": servers, "turn_secret": type(settings.turn_secret)("x")})
    installation.platform.settings = changed
    answer = stranger.get("/live/network/ice").json()["data"]["ice_servers"]
    assert [server["urls"] for server in answer] == [
        ["stun:stun.example:3478"],
        ["turn:turn.example:3478?transport=udp"],
    ]
    expires_s = int(answer[1]["username"].split(":")[0])
    assert 0 < expires_s - installation.clock.now_ms() // 1000 <= 120
    assert "secret" not in str(answer)
