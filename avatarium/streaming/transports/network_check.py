"""Whether viewers can reach this installation's media, in words for the person who runs it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from aioice import stun
from aioice.ice import StunProtocol
from aioice.turn import create_turn_endpoint

from avatarium.clock import Clock
from avatarium.errors import AvatariumError
from avatarium.settings import Settings
from avatarium.streaming.transports import addresses
from avatarium.streaming.transports.ice import IceSettings
from avatarium.streaming.transports.turn import IceServer, Path

ANSWER_S = 3.0
"""For which a server is waited for."""
PORTS_TRIED = 400
FEW_PORTS = 20
CHECKER = "network-check"


class State(StrEnum):
    """How one thing fares."""

    GOOD = "good"
    LIMITED = "limited"
    BLOCKED = "blocked"
    UNSET = "not set"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found about one thing."""

    what: str
    state: State
    detail: str
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAnswer:
    """What a STUN or TURN server said."""

    finding: Finding
    seen: str = ""
    """The address under which it sees this machine."""
    relays: bool = False


def check_network(settings: Settings, clock: Clock | None = None) -> list[Finding]:
    """Look at everything; takes some seconds where a server is silent. Never raises for what it finds."""
    try:
        ice = IceSettings.of(settings)
    except AvatariumError as problem:
        return [Finding(what="settings", state=State.BLOCKED, detail=problem.message, advice=problem.message)]
    own = addresses.local_addresses()
    answers = asyncio.run(_ask_all(ice.servers.for_user(CHECKER, clock or Clock())))
    return [
        _page(settings),
        _addresses(ice, own, answers),
        _ports(ice),
        *(answer.finding for answer in answers),
        *([] if answers else [_no_servers(ice, own)]),
        _one_port(),
    ]


def _page(settings: Settings) -> Finding:
    url = urlsplit(settings.base_url)
    if url.scheme == "https":
        detail = f"{settings.base_url}: browsers give its pages the microphone"
        return Finding(what="page", state=State.GOOD, detail=detail)
    if addresses.is_loopback(url.hostname or "") or (url.hostname or "").endswith(".localhost"):
        return Finding(
            what="page",
            state=State.GOOD if settings.host in ("127.0.0.1", "::1", "localhost") else State.LIMITED,
            detail=f"{settings.base_url}: browsers on this machine give its pages the microphone, others do not",
            advice="" if settings.host in ("127.0.0.1", "::1", "localhost") else _HTTPS,
        )
    detail = f"{settings.base_url} is not HTTPS: viewers see and hear, but browsers keep the microphone from it"
    return Finding(what="page", state=State.LIMITED, detail=detail, advice=_HTTPS)


_HTTPS = (
    "Browsers give a microphone only to pages on https:// or localhost. Put a proxy with a certificate before the "
    "service and set AVATARIUM_PUBLIC_URL to its https:// address."
)


def _addresses(ice: IceSettings, own: list[str], answers: Iterable[ServerAnswer]) -> Finding:
    what = "addresses"
    seen = next((answer.seen for answer in answers if answer.seen), "")
    if ice.addresses:
        listed = ", ".join(ice.addresses)
        if seen and seen not in ice.addresses:
            return Finding(
                what=what,
                state=State.LIMITED,
                detail=f"viewers are offered {listed}, but a server outside sees this machine as {seen}",
                advice=f"Is AVATARIUM_ICE_ADDRESSES right? If {seen} is this machine's address, write that.",
            )
        return Finding(what=what, state=State.GOOD, detail=f"viewers are offered {listed}, as the settings say")
    if not own:
        detail = "this machine is in no network; viewers on it are offered 127.0.0.1"
        return Finding(what=what, state=State.LIMITED, detail=detail)
    listed = ", ".join(own[: addresses.ADDRESSES_MAX])
    if addresses.any_public(own):
        return Finding(what=what, state=State.GOOD, detail=f"viewers are offered {listed}")
    known = f" A server outside sees it as {seen}." if seen else ""
    return Finding(
        what=what,
        state=State.LIMITED,
        detail=f"viewers are offered {listed}, which only the local network reaches",
        advice="For viewers outside: set AVATARIUM_ICE_ADDRESSES to the address that your router or cloud translates "
        f"to this machine and forward the UDP ports of AVATARIUM_ICE_PORTS to it, or set up a TURN server.{known}",
    )


def _ports(ice: IceSettings) -> Finding:
    what = "UDP ports"
    if not ice.ports:
        return Finding(
            what=what,
            state=State.GOOD if not ice.addresses else State.LIMITED,
            detail="any free port is taken",
            advice="Where a firewall or router stands before this machine, set AVATARIUM_ICE_PORTS, such as "
            "50000-50100, and let these UDP ports in.",
        )
    tried = list(ice.ports)[:PORTS_TRIED]
    free = sum(_binds(port) for port in tried)
    written = f"{ice.ports[0]}-{ice.ports[-1]}"
    detail = f"{written}: {free} of {len(tried)} tried are free; each viewer takes one"
    if not free:
        return Finding(
            what=what,
            state=State.BLOCKED,
            detail=detail,
            advice=f"No port of AVATARIUM_ICE_PORTS={written} can be opened; choose others.",
        )
    if free < min(FEW_PORTS, len(tried)) or len(ice.ports) < FEW_PORTS:
        return Finding(
            what=what,
            state=State.LIMITED,
            detail=detail,
            advice="That is room for few viewers at once; widen AVATARIUM_ICE_PORTS.",
        )
    return Finding(what=what, state=State.GOOD, detail=f"{detail}; the firewall must let them in")


def _binds(port: int) -> bool:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
        return True


def _no_servers(ice: IceSettings, own: list[str]) -> Finding:
    reached = addresses.any_public([*own, *ice.addresses])
    return Finding(
        what="TURN",
        state=State.UNSET,
        detail="none is set" + ("; viewers reach this machine directly" if reached else ""),
        advice="Viewers in offices whose firewall lets no UDP out then get pictures over the page's own connection, "
        "a little later. A TURN server on port 443 serves them better: AVATARIUM_ICE_SERVERS.",
    )


def _one_port() -> Finding:
    return Finding(
        what="one port",
        state=State.GOOD,
        detail="where no UDP passes, media goes over a WebSocket of the page's own address; a proxy must pass "
        "WebSockets on",
    )


async def _ask_all(servers: Iterable[IceServer]) -> list[ServerAnswer]:
    return list(await asyncio.gather(*(ask_server(server) for server in servers)))


async def ask_server(server: IceServer) -> ServerAnswer:
    """Ask a STUN server for our address, or a TURN server for an allocation with our credentials."""
    if server.relays and not server.username:
        return _answer(
            server,
            State.BLOCKED,
            "it wants credentials and there are none",
            "Set AVATARIUM_TURN_SECRET to coturn's static-auth-secret, or write turn:user:password@host.",
        )
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    try:
        async with asyncio.timeout(ANSWER_S):
            seen, relayed = await (_allocation(server) if server.relays else _binding(server))
    except TimeoutError:
        return _silent(server)
    except stun.TransactionFailed as problem:
        return _refused(server, problem)
    except (stun.TransactionTimeout, ConnectionError) as problem:
        return _silent(server, getattr(problem, "strerror", None) or str(problem))
    except ssl.SSLError as problem:
        advice = f"The certificate of {server.host} must be one that browsers trust, for this very name."
        return _answer(server, State.BLOCKED, f"TLS fails: {problem.reason or problem}", advice)
    except OSError as problem:
        reason = "its name is not known" if isinstance(problem, socket.gaierror) else str(problem)
        return _answer(server, State.BLOCKED, reason, f"Is {server.host}:{server.port} right, and does it run?")
    took = f"in {(loop.time() - began_s) * 1000:.0f} ms"
    detail = f"relays by {relayed}, answered {took}" if server.relays else f"sees this machine as {seen}, {took}"
    return _answer(server, State.GOOD, detail, seen=seen, relays=server.relays)


def _answer(
    server: IceServer, state: State, detail: str, advice: str = "", *, seen: str = "", relays: bool = False
) -> ServerAnswer:
    finding = Finding(what=server.url, state=state, detail=detail, advice=advice)
    return ServerAnswer(finding=finding, seen=seen, relays=relays)


def _silent(server: IceServer, why: str = "") -> ServerAnswer:
    kind = server.path.value.upper()
    detail = f"no answer over {kind}" + (f" ({why})" if why else "")
    advice = f"Does {server.host}:{server.port} run, and does the firewall let {kind} out to it?"
    return _answer(server, State.BLOCKED, detail, advice)


def _refused(server: IceServer, problem: stun.TransactionFailed) -> ServerAnswer:
    code, reason = problem.response.attributes.get("ERROR-CODE", (0, ""))
    advice = f"The server says: {code} {reason}."
    if code in (401, 441):
        advice = (
            "It does not take our credentials: AVATARIUM_TURN_SECRET must be coturn's static-auth-secret, coturn "
            "must run with use-auth-secret, and both clocks must agree."
        )
    elif code == 486:
        advice = "It has given all allocations that one user may have; raise coturn's user-quota."
    return _answer(server, State.BLOCKED, f"refused: {code} {reason}", advice)


class _Alone:
    """What a STUN protocol without an ICE session reports to."""

    def data_received(self, data: bytes, component: int) -> None: ...

    def protocol_lost(self, protocol: StunProtocol) -> None: ...

    def request_received(self, message: stun.Message, addr: tuple[str, int], protocol: StunProtocol) -> None: ...


async def _binding(server: IceServer) -> tuple[str, str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(server.host, server.port, family=socket.AF_INET, type=socket.SOCK_DGRAM)
    _, protocol = await loop.create_datagram_endpoint(_protocol, family=socket.AF_INET)
    try:
        request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        response, _ = await protocol.request(request, (str(found[0][4][0]), server.port))
        return str(response.attributes["XOR-MAPPED-ADDRESS"][0]), ""
    finally:
        await protocol.close()


async def _allocation(server: IceServer) -> tuple[str, str]:
    transport, protocol = await create_turn_endpoint(
        _protocol,
        server_addr=(server.host, server.port),
        username=server.username,
        password=server.password,
        ssl=server.path is Path.TLS or None,
        transport="udp" if server.path is Path.UDP else "tcp",
    )
    relayed, seen = transport.get_extra_info("sockname"), transport.get_extra_info("related_address")
    with suppress(TimeoutError):
        async with asyncio.timeout(ANSWER_S):
            await protocol.close()
    return str(seen[0]), f"{relayed[0]}:{relayed[1]}"


def _protocol() -> StunProtocol:
    return StunProtocol(_Alone())  # type: ignore[arg-type]
