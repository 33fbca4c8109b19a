"""What the doctor says of networks: real sockets, a real coturn where there is one."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from avatarium.cli.app import app
from avatarium.settings import Settings
from avatarium.streaming.transports import addresses, network_check
from avatarium.streaming.transports.network_check import Finding, State, check_network
from tests.support.live_turn import SECRET, turn_server


@pytest.fixture
def private(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "local_addresses", lambda: ["192.168.1.5"])


def _found(findings: list[Finding], what: str) -> Finding:
    return next(finding for finding in findings if finding.what.startswith(what))


@contextmanager
def _silent_port() -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        yield silent.getsockname()[1]


@pytest.mark.parametrize(("url", "host", "state"), [
    ("", "127.0.0.1", State.GOOD),
    ("", "0.0.0.0", State.LIMITED),
    ("http://avatars.example", "0.0.0.0", State.LIMITED),
    ("https://avatars.example", "0.0.0.0", State.GOOD),
])  # fmt: skip
def test_pages_without_https_have_no_microphone(url: str, host: str, state: State) -> None:
    found = _found(check_network(Settings(public_url=url, host=host)), "page")
    assert found.state is state
    assert ("AVATARIUM_PUBLIC_URL" in found.advice) == (state is State.LIMITED)


@pytest.mark.usefixtures("private")
def test_a_private_address_reaches_the_local_network_only() -> None:
    found = _found(check_network(Settings()), "addresses")
    assert found.state is State.LIMITED and "AVATARIUM_ICE_ADDRESSES" in found.advice
    translated = _found(check_network(Settings(ice_addresses=["203.0.113.5"])), "addresses")
    assert translated.state is State.GOOD and "203.0.113.5" in translated.detail


def test_a_range_without_a_free_port_is_blocked() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("", 0))
        port = taken.getsockname()[1]
        found = _found(check_network(Settings(ice_ports=str(port))), "UDP ports")
    assert found.state is State.BLOCKED
    assert _found(check_network(Settings(ice_ports="50000-50100")), "UDP ports").state is not State.BLOCKED


def test_a_silent_server_is_named_with_what_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_check, "ANSWER_S", 0.2)
    with _silent_port() as port:
        found = _found(check_network(Settings(ice_servers=[f"stun:127.0.0.1:{port}"])), "stun:")
        relay = _found(check_network(Settings(ice_servers=[f"turn:a:b@127.0.0.1:{port}"])), "turn:")
    assert found.state is relay.state is State.BLOCKED
    assert "firewall" in found.advice and "UDP" in found.advice


def test_a_closed_port_a_name_that_is_none_and_missing_credentials_are_told_apart() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    refused = _found(check_network(Settings(ice_servers=[f"turn:a:b@127.0.0.1:{port}?transport=tcp"])), "turn:")
    assert refused.state is State.BLOCKED and "TCP" in refused.detail
    nameless = _found(check_network(Settings(ice_servers=["stun:nowhere.invalid"])), "stun:")
    assert nameless.state is State.BLOCKED and "name" in nameless.detail
    bare = _found(check_network(Settings(ice_servers=["turn:127.0.0.1"])), "turn:")
    assert bare.state is State.BLOCKED and "AVATARIUM_TURN_SECRET" in bare.advice


def test_settings_that_cannot_be_read_are_what_is_found() -> None:
    (found,) = check_network(Settings(ice_ports="many"))
    assert found.state is State.BLOCKED and "AVATARIUM_ICE_PORTS" in found.detail


def test_a_working_coturn_is_good_and_wrong_credentials_are_said_to_be(tmp_path: Path) -> None:
    with turn_server(tmp_path) as turn:
        base = f"127.0.0.1:{turn.port}"
        servers = [f"stun:{base}", f"turn:{base}", f"turn:{base}?transport=tcp"]
        good = check_network(Settings(ice_servers=servers, turn_secret=SECRET))
        assert [finding.state for finding in good if finding.what.startswith(("stun", "turn"))] == [State.GOOD] * 3
        assert "relays by 127.0.0.1" in _found(good, "turn:").detail
        wrong = check_network(Settings(ice_servers=servers[1:], turn_secret="other"))
        found = _found(wrong, "turn:")
        assert found.state is State.BLOCKED and "static-auth-secret" in found.advice
        plain = check_network(Settings(ice_servers=[f"turns:a:b@{base}"]))
        assert _found(plain, "turns:").state is State.BLOCKED


def test_the_command_says_it_in_words_and_in_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVATARIUM_HOME", str(tmp_path))
    told = CliRunner().invoke(app, ["doctor", "--network"])
    assert told.exit_code == 0 and "one port" in told.stdout
    monkeypatch.setenv("AVATARIUM_ICE_SERVERS", '["turn:127.0.0.1"]')
    told = CliRunner().invoke(app, ["doctor", "--network", "--json"])
    report = json.loads(told.stdout)
    assert told.exit_code == 1 and report["well"] is False
    assert any(finding["state"] == "blocked" for finding in report["findings"])
