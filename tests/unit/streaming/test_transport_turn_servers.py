"""STUN and TURN servers in the settings, and coturn's credentials."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from avatarium.clock import ManualClock
from avatarium.errors import OptionError
from avatarium.settings import Settings
from avatarium.streaming.transports.ice import IceSettings, read_ports
from avatarium.streaming.transports.turn import IceServers, Path, read_server


@pytest.mark.parametrize(("text", "url"), [
    ("stun:a.example", "stun:a.example:3478"),
    ("turn:a.example", "turn:a.example:3478?transport=udp"),
    ("turn:a.example:443?transport=tcp", "turn:a.example:443?transport=tcp"),
    ("turns:a.example", "turns:a.example:5349?transport=tcp"),
    ("turns:a.example:443", "turns:a.example:443?transport=tcp"),
    ("turn:[2001:db8::1]:3478", "turn:[2001:db8::1]:3478?transport=udp"),
])  # fmt: skip
def test_servers_are_read_and_told_to_browsers(text: str, url: str) -> None:
    assert read_server(text).url == url


@pytest.mark.parametrize("text", [
    "", "a.example", "http://a.example", "turn:", "turn:a.example:0", "turn:a.example:99999", "turn:a b", "stun:a:b:c",
])  # fmt: skip
def test_what_is_no_server_is_refused_with_examples(text: str) -> None:
    with pytest.raises(OptionError, match="stun:host:3478"):
        read_server(text)


def test_credentials_are_those_that_coturn_computes() -> None:
    """draft-uberti-behave-turn-rest: base64(HMAC-SHA1(secret, "expiry:name"))."""
    clock = ManualClock(ms=1_700_000_000_000)
    servers = IceServers(
        servers=(read_server("turn:a.example"), read_server("stun:a.example")), secret="s", lasts_s=3600
    )
    relay, teller = servers.for_browser("42", clock)
    assert relay["username"] == "1700003600:42"
    digest = hmac.new(b"s", b"1700003600:42", hashlib.sha1).digest()
    assert relay["credential"] == base64.b64encode(digest).decode()
    assert set(teller) == {"urls"}


def test_fixed_credentials_stand_and_are_not_in_the_url() -> None:
    servers = IceServers(servers=(read_server("turn:joe:pass@a.example"),), secret="s")
    (told,) = servers.for_browser("42", ManualClock())
    assert told == {"urls": ["turn:a.example:3478?transport=udp"], "username": "joe", "credential": "pass"}
    assert "pass" not in repr(servers)


def test_the_settings_are_read() -> None:
    settings = Settings(
        ice_servers=["turns:a.example:443"], turn_secret="s", turn_hours=2, ice_addresses=["203.0.113.5"],
        ice_ports="50000-50010",
    )  # fmt: skip
    ice = IceSettings.of(settings)
    assert ice.servers.servers[0].path is Path.TLS and ice.servers.lasts_s == 7200
    assert ice.addresses == ("203.0.113.5",)
    assert (ice.ports[0], ice.ports[-1], len(ice.ports)) == (50000, 50010, 11)


def test_ports_are_read() -> None:
    assert read_ports("") == range(0)
    assert list(read_ports("4000")) == [4000]


@pytest.mark.parametrize("text", ["many", "5-4", "0-10", "1-70000", "1-2-3", "-5"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="50000-50100"):
        read_ports(text)


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(OptionError, match="AVATARIUM_ICE_ADDRESSES"):
        IceSettings.of(Settings(ice_addresses=["my.host.example"]))
