"""Through a real coturn: a viewer that may only relay, our own relay, wrong credentials."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection
from aiortc.rtcconfiguration import RTCIceTransportPolicy

from avatarium.clock import Clock
from avatarium.streaming.transports import addresses
from avatarium.streaming.transports.ice import IceSettings
from avatarium.streaming.transports.turn import IceServers, read_server
from avatarium.streaming.transports.whep import answer_offer
from tests.support.live_broadcast import Broadcast, broadcasting
from tests.support.live_receiving import Receiver
from tests.support.live_turn import SECRET, Turn, turn_server


@pytest.fixture(scope="module")
def coturn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Turn]:
    own = [address for address in addresses.local_addresses() if ":" not in address]
    with turn_server(tmp_path_factory.mktemp("turn"), (own or ["127.0.0.1"])[0]) as turn:
        yield turn


def _servers(turn: Turn, transport: str, secret: str = SECRET) -> IceServers:
    return IceServers(servers=(read_server(f"turn:{turn.host}:{turn.port}?transport={transport}"),), secret=secret)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_viewer_that_may_only_relay_sees_pictures(coturn: Turn, transport: str) -> None:
    """With the credentials that the service gives browsers."""

    async def run() -> None:
        (told,) = _servers(coturn, transport).for_browser("7", Clock())
        config = RTCConfiguration(iceServers=[RTCIceServer(**told)], iceTransportPolicy=RTCIceTransportPolicy.RELAY)
        async with broadcasting(Broadcast()) as host:
            receiver = Receiver(pc=RTCPeerConnection(config))
            offer = await receiver.offer()
            assert "typ relay" in offer and "typ host" not in offer
            viewer, answer = await answer_offer(
                host, offer, uid=7, may_publish=False, ice=IceSettings(), size=host.size
            )
            host.admit(viewer)
            await receiver.accept(answer)
            await receiver.until_pictures(20)
            await receiver.close()

    asyncio.run(run())


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_viewer_reaches_us_by_our_own_relay(coturn: Turn, transport: str) -> None:
    """As where no UDP comes in at all: the viewer is told of nothing but the relay."""

    async def run() -> None:
        async with broadcasting(Broadcast()) as host:
            receiver = Receiver()
            offer = await receiver.offer()
            ice = IceSettings(servers=_servers(coturn, transport))
            viewer, answer = await answer_offer(host, offer, uid=7, may_publish=False, ice=ice, size=host.size)
            host.admit(viewer)
            lines = [line for line in answer.splitlines() if "typ host" not in line and "typ srflx" not in line]
            assert any("typ relay" in line for line in lines)
            for protocol in viewer._link._connection._protocols:
                if protocol.local_candidate.type == "host":
                    protocol.transport.abort()
            await receiver.accept("\r\n".join(lines) + "\r\n")
            await receiver.until_pictures(20)
            assert str(viewer.figures()["path"]).startswith("relay/")
            await receiver.close()

    asyncio.run(run())


def test_wrong_credentials_cost_the_relay_and_nothing_else(coturn: Turn) -> None:
    async def run() -> None:
        async with broadcasting(Broadcast()) as host:
            receiver = Receiver()
            ice = IceSettings(servers=_servers(coturn, "udp", secret="another"))
            viewer, answer = await answer_offer(
                host, await receiver.offer(), uid=7, may_publish=False, ice=ice, size=host.size
            )
            host.admit(viewer)
            assert "typ relay" not in answer
            await receiver.accept(answer)
            await receiver.until_pictures(3)
            await receiver.close()

    asyncio.run(run())
