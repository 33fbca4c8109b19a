"""The wire below DTLS against an aioice peer: candidates, ports, restarts, consent."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aioice
import pytest

from avatarium.clock import Clock, ManualClock
from avatarium.errors import UnavailableError
from avatarium.streaming.transports import addresses
from avatarium.streaming.transports import ice as ice_module
from avatarium.streaming.transports.ice import IceSettings
from avatarium.streaming.transports.link import IceIdentity, IceLink
from avatarium.streaming.transports.turn import IceServers, read_server
from tests.support.live_receiving import until


async def _peer() -> aioice.Connection:
    peer = aioice.Connection(ice_controlling=True)
    await peer.gather_candidates()
    return peer


def _identity(peer: aioice.Connection) -> IceIdentity:
    return IceIdentity(ufrag=peer.local_username, password=peer.local_password)


async def _connect_peer(peer: aioice.Connection, link: IceLink) -> None:
    peer.remote_username, peer.remote_password = link.local.ufrag, link.local.password
    for candidate in link.candidates:
        await peer.add_remote_candidate(candidate)
    await peer.add_remote_candidate(None)
    await peer.connect()


@asynccontextmanager
async def _linked(
    failed: list[str], settings: IceSettings | None = None
) -> AsyncIterator[tuple[IceLink, aioice.Connection]]:
    peer = await _peer()
    link = IceLink(
        settings or IceSettings(),
        _identity(peer),
        viewer="",
        name="7",
        clock=Clock(),
        failed=lambda: failed.append("lost"),
    )
    try:
        await link.gather()
        async with asyncio.timeout(30):
            await asyncio.gather(link.connect(), _connect_peer(peer, link))
        yield link, peer
    finally:
        await link.close()
        await peer.close()


async def _exchange(link: IceLink, peer: aioice.Connection) -> None:
    async with asyncio.timeout(30):
        link.send_now(b"\x80to you")
        assert await peer.recv() == b"\x80to you"
        await peer.send(b"\x80to me")
        assert await link._recv() == b"\x80to me"


def test_media_flows_on_through_a_restart_and_by_the_new_session_afterwards() -> None:
    async def run() -> None:
        failed: list[str] = []
        async with _linked(failed) as (link, peer):
            await _exchange(link, peer)
            other = await _peer()
            before = link.local
            await link.restart(_identity(other), other.local_candidates, within_s=30)
            assert link.local != before
            await _exchange(link, peer)
            async with asyncio.timeout(30):
                await _connect_peer(other, link)
            await until(lambda: link._restarting is not None and link._restarting.done())
            await _exchange(link, other)
            assert not failed
            await other.close()

    asyncio.run(run())


def test_a_restart_that_fails_leaves_the_session_as_it_was() -> None:
    async def run() -> None:
        failed: list[str] = []
        async with _linked(failed) as (link, peer):
            before = link.remote
            await link.restart(IceIdentity(ufrag="abcd", password="0" * 22), [], within_s=0.1)
            await until(lambda: link._restarting is not None and link._restarting.done())
            assert link.remote == before
            await _exchange(link, peer)
            assert not failed

    asyncio.run(run())


def test_a_peer_that_answers_nothing_is_gone_within_eight_seconds() -> None:
    assert ice_module.CONSENT_ENDS_S + ice_module.CONSENT_EVERY_S * 1.2 <= 8


def test_who_vanishes_is_noticed_and_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ice_module, "CONSENT_EVERY_S", 0.1)
    monkeypatch.setattr(ice_module, "CONSENT_ENDS_S", 0.5)

    async def run() -> None:
        failed: list[str] = []
        async with _linked(failed) as (_, peer):
            await peer.close()
            await until(lambda: bool(failed))
            await asyncio.sleep(0.2)
            assert failed == ["lost"]

    asyncio.run(run())


def test_a_slow_answer_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """aioice gave a check half a second: a connection with 300 ms each way counted as dead."""
    monkeypatch.setattr(ice_module, "CONSENT_EVERY_S", 0.2)
    monkeypatch.setattr(ice_module, "CONSENT_ENDS_S", 60.0)

    async def run() -> None:
        failed: list[str] = []
        async with _linked(failed) as (link, peer):
            answer = peer.request_received

            def late(*call: object) -> None:
                asyncio.get_running_loop().call_later(0.6, answer, *call)  # type: ignore[arg-type]

            monkeypatch.setattr(peer, "request_received", late)
            asking = link._connection
            await until(lambda: bool(asking._checks))
            began_s = asyncio.get_running_loop().time()
            await until(lambda: asking._answered_s > began_s)
            assert not failed

    asyncio.run(run())


def _candidates(settings: IceSettings, viewer: str) -> list[aioice.Candidate]:
    async def run() -> list[aioice.Candidate]:
        link = IceLink(
            settings,
            IceIdentity(ufrag="abcd", password="0" * 22),
            viewer=viewer,
            name="7",
            clock=ManualClock(),
            failed=lambda: None,
        )
        try:
            await link.gather()
            return link.candidates
        finally:
            await link.close()

    return asyncio.run(run())


def test_loopback_is_offered_to_viewers_on_this_machine_only() -> None:
    assert "127.0.0.1" in {found.host for found in _candidates(IceSettings(), "127.0.0.1")}
    if addresses.local_addresses():
        assert "127.0.0.1" not in {found.host for found in _candidates(IceSettings(), "198.51.100.7")}


def test_a_machine_without_a_network_offers_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "local_addresses", list)
    assert [found.host for found in _candidates(IceSettings(), "")] == ["127.0.0.1"]


def test_translated_addresses_stand_for_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "local_addresses", lambda: ["127.0.0.1"])
    settings = IceSettings(addresses=("203.0.113.5",))
    assert [found.host for found in _candidates(settings, "8.8.8.8")] == ["203.0.113.5"]
    near = {found.host for found in _candidates(settings, "192.168.1.9")}
    assert near == {"203.0.113.5", "127.0.0.1"}


def test_ports_are_taken_from_the_range() -> None:
    free = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    found = _candidates(IceSettings(ports=range(port, port + 1)), "127.0.0.1")
    assert {candidate.port for candidate in found} == {port}


def test_a_full_range_of_ports_is_a_plain_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "local_addresses", list)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(UnavailableError, match="AVATARIUM_ICE_PORTS"):
            _candidates(IceSettings(ports=range(port, port + 1)), "")


def test_a_silent_server_holds_an_answer_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "local_addresses", lambda: ["127.0.0.1"])
    monkeypatch.setattr(addresses, "is_loopback", lambda _: False)
    monkeypatch.setattr(ice_module, "GATHER_S", 0.1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        servers = IceServers(servers=(read_server(f"stun:127.0.0.1:{silent.getsockname()[1]}"),))
        settings = IceSettings(servers=servers)
        silent.settimeout(1)
        assert len(_candidates(settings, "")) == 1
        assert silent.recv(100)
        while _heard(silent):
            pass
        assert len(_candidates(settings, "")) == 1
        assert not _heard(silent)


def _heard(server: socket.socket) -> bool:
    server.settimeout(0.05)
    try:
        return bool(server.recv(100))
    except TimeoutError:
        return False
