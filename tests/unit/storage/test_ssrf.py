"""No address that a user gives reaches anything but the public network."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from avatarium.errors import RequestError
from avatarium.settings import load_settings
from avatarium.storage import Fetcher, Kind
from avatarium.storage.guard import is_allowed
from avatarium.tasks.poster import Poster
from tests.unit.storage.webserver import Answer, Stranger, reply

PRIVATE = [
    "http://127.0.0.1:{port}/",
    "http://localhost:{port}/",
    "http://127.1:{port}/",
    "http://2130706433:{port}/",  # decimal
    "http://0x7f000001:{port}/",  # hexadecimal
    "http://0177.0.0.1:{port}/",  # octal
    "http://0x7f.1:{port}/",
    "http://0.0.0.0:{port}/",
    "http://[::1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",  # IPv4 mapped
    "http://[::ffff:7f00:1]:{port}/",
    "http://[::127.0.0.1]:{port}/",  # IPv4 compatible
    "http://[64:ff9b::7f00:1]:{port}/",  # NAT64
    "http://[2002:7f00:1::]:{port}/",  # 6to4
    "http://[::]:{port}/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://100.64.0.1/",  # carrier-grade NAT
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[fe80::1]/",
    "http://168.63.129.16/",  # the wire server of a cloud
]
NAMES = {
    "inside.example": ["10.1.2.3"],
    "metadata.example": ["169.254.169.254"],
    "loopback.example": ["127.0.0.1"],
    "mapped.example": ["::ffff:10.0.0.1"],
    "mixed.example": ["93.184.216.34", "127.0.0.1"],  # one public answer does not vouch for the other
    "mixed6.example": ["2606:2800:220:1::1", "::1"],
}


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Where sockets were connected to; none beyond this machine really is."""
    seen: list[Any] = []
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        seen.append(address)
        if address[0] not in ("127.0.0.1", "::1"):
            raise ConnectionRefusedError("not from a test")
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    yield seen


@pytest.fixture
def stranger(serve: Callable[[Answer], Stranger]) -> Stranger:
    """Counts who comes to the loopback address."""
    return serve(reply(b"secret"))


def resolve_to(monkeypatch: pytest.MonkeyPatch, answers: Callable[[str], list[str]]) -> None:
    real = socket.getaddrinfo

    def lookup(host: str, port: Any, *rest: Any, **more: Any) -> list[Any]:
        if not host.endswith(".example"):
            return list(real(host, port, *rest, **more))
        return [
            (socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port or 0))
            for ip in answers(host)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)


def refusal(fetcher: Fetcher, url: str, into: Path) -> RequestError:
    with pytest.raises(RequestError) as refused:
        fetcher.fetch(url, into, kind=Kind.ANY, owner="anna")
    assert not into.exists()
    return refused.value


@pytest.mark.parametrize("form", PRIVATE)
def test_private_addresses_in_every_spelling(
    form: str, fetcher_for: Callable[..., Fetcher], stranger: Stranger, connected: list[Any], tmp_path: Path
) -> None:
    problem = refusal(fetcher_for(), form.format(port=stranger.port), tmp_path / "got")
    assert problem.code in ("url_private", "bad_url")
    assert connected == []
    assert stranger.connections == 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_names_that_lead_inside(
    name: str,
    scheme: str,
    fetcher_for: Callable[..., Fetcher],
    connected: list[Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolve_to(monkeypatch, lambda host: NAMES[host])
    assert refusal(fetcher_for(), f"{scheme}://{name}/clip.mp4", tmp_path / "got").code == "url_private"
    assert connected == []


def test_a_name_that_is_public_when_judged_and_private_afterwards(
    fetcher_for: Callable[..., Fetcher], connected: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([["93.184.216.34"]])
    resolve_to(monkeypatch, lambda _host: next(answers, ["127.0.0.1"]))
    assert refusal(fetcher_for(), "http://rebinding.example/", tmp_path / "got").code == "url_unreachable"
    assert {address[0] for address in connected} == {"93.184.216.34"}


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_redirects_are_not_followed(
    status: str,
    fetcher_for: Callable[..., Fetcher],
    serve: Callable[[Answer], Stranger],
    stranger: Stranger,
    tmp_path: Path,
) -> None:
    redirecting = serve(reply(b"", status=status, headers=f"Location: {stranger.url}\r\n"))
    problem = refusal(fetcher_for(redirecting), redirecting.url, tmp_path / "got")
    assert problem.code == "url_redirect"
    assert "final address" in problem.message
    assert redirecting.connections == 1
    assert stranger.connections == 0


def test_a_proxy_of_the_environment_is_not_asked(
    fetcher_for: Callable[..., Fetcher], stranger: Stranger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{stranger.port}")
    assert refusal(fetcher_for(), "http://10.0.0.1/", tmp_path / "got").code == "url_private"
    assert stranger.connections == 0


def test_only_the_named_port_of_an_allowed_host_is_reached(
    fetcher_for: Callable[..., Fetcher], serve: Callable[[Answer], Stranger], stranger: Stranger, tmp_path: Path
) -> None:
    other = serve(reply(b"secret"))
    assert refusal(fetcher_for(stranger), other.url, tmp_path / "got").code == "url_private"
    assert other.connections == 0


@pytest.mark.parametrize(
    "form", ["http://127.0.0.1:{other}\\@{allowed}/", "http://{allowed}@127.0.0.1:{other}/", "http://{allowed}#@x:1/"]
)
def test_an_allowed_host_cannot_be_feigned(
    form: str,
    fetcher_for: Callable[..., Fetcher],
    serve: Callable[[Answer], Stranger],
    stranger: Stranger,
    tmp_path: Path,
) -> None:
    other = serve(reply(b"secret"))
    url = form.format(other=other.port, allowed=stranger.allowed)
    assert refusal(fetcher_for(stranger), url, tmp_path / "got").code in ("bad_url", "wrong_kind")
    assert other.connections == 0


def test_an_allowed_ipv6_receiver_was_refused_as_private() -> None:
    """Nobody listens there, which only who may connect finds out."""
    allowing = load_settings(fetch_allow=["[::1]:9"], webhook_timeout_s=5)
    with pytest.raises(RequestError) as refused:
        Poster(allowing).post("http://[::1]:9/notice", b"{}", {})
    assert refused.value.code == "url_unreachable"
    with pytest.raises(RequestError) as other:
        Poster(allowing).post("http://[::1]:10/notice", b"{}", {})
    assert other.value.code == "url_private"


@pytest.mark.parametrize(
    ("url", "entry", "allowed"),
    [
        ("http://files.internal:8080/a", "files.internal:8080", True),
        ("http://FILES.internal:8080/a", "files.internal:8080", True),
        ("http://files.internal/a", "files.internal:80", True),
        ("https://files.internal/a", "files.internal:443", True),
        ("https://files.internal/a", "files.internal:80", False),
        ("http://[fd00::7]/a", "[fd00::7]:80", True),
        ("http://[fd00::7]:81/a", "[fd00::7]:80", False),
    ],
)
def test_which_addresses_are_allowed(url: str, entry: str, allowed: bool) -> None:
    assert is_allowed(url, {entry}) is allowed
