"""Our end of ICE (RFC 8445): sockets, candidates, consent (RFC 7675).

aioice does the checks. What differs from it here: which addresses and ports are opened and offered; loopback for
viewers on this machine; several STUN and TURN servers, none of which may hold an answer up; and consent that
ends within 8 s instead of half a minute, measured in answers and not in time-outs of half a second, which a slow
but living connection would miss.
"""

from __future__ import annotations

import asyncio
import ipaddress
import random
import socket
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field

import aioice
import structlog
from aioice import stun, turn
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import CandidatePair, StunProtocol, relayed_candidate, server_reflexive_candidate

from avatarium.clock import Clock
from avatarium.errors import OptionError, UnavailableError
from avatarium.settings import Settings
from avatarium.streaming.transports import addresses
from avatarium.streaming.transports.turn import IceServer, IceServers, Path

GATHER_S = 2.0
"""How long STUN and TURN servers may hold an answer up."""
SILENT_S = 60.0
"""For how long one that did not answer is not asked again."""
CONSENT_EVERY_S = 1.5
CONSENT_TRIES = 2
"""Times that a check is sent again, after 0.5 s and 1 s more: an answer may take 3.5 s."""
CONSENT_ENDS_S = 6.0
"""A peer that has answered nothing for so long is gone."""
PORT = 1
"""ICE's component: media and RTCP share one."""
log = structlog.get_logger()

_Found = tuple[aioice.Candidate, StunProtocol | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class IceSettings:
    """How this installation is reached by media."""

    servers: IceServers = field(default_factory=IceServers)
    addresses: tuple[str, ...] = ()
    """Addresses outside that a router translates to this machine's, one to one."""
    ports: range = range(0)
    """UDP ports that may be opened; empty takes any."""
    silent: dict[IceServer, float] = field(default_factory=dict, compare=False, repr=False)
    """Servers that did not answer, and until when they are left alone (monotonic seconds)."""

    @classmethod
    def of(cls, settings: Settings) -> IceSettings:
        """Read the settings.

        Raises:
            OptionError: one of them cannot be understood.
        """
        return cls(
            servers=IceServers.of(settings),
            addresses=tuple(_address(text) for text in settings.ice_addresses),
            ports=read_ports(settings.ice_ports),
        )


def read_ports(text: str) -> range:
    """Understand ``50000-50100``; empty is an empty range.

    Raises:
        OptionError: it is no range of ports.
    """
    if not text.strip():
        return range(0)
    first, dash, last = text.partition("-")
    try:
        ports = range(int(first), int(last if dash else first) + 1)
    except ValueError:
        ports = range(0)
    if not ports or ports[0] < 1 or ports[-1] > 65535:
        raise OptionError(
            f"AVATARIUM_ICE_PORTS is {text!r}; give a range of UDP ports, such as 50000-50100.", code="bad_setting"
        )
    return ports


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip()))
    except ValueError as problem:
        raise OptionError(
            f"{text!r} in AVATARIUM_ICE_ADDRESSES is no IP address; give the one that viewers reach.",
            code="bad_setting",
        ) from problem


class IceConnection(aioice.Connection):
    """One ICE session with one viewer; after a restart there is another.

    ``deliver`` gets every datagram that is not STUN, ``lost`` is called once when consent has ended or the socket
    in use broke.
    """

    def __init__(
        self,
        settings: IceSettings,
        *,
        viewer: str,
        credentials_for: str,
        clock: Clock,
        deliver: Callable[[bytes], None],
        lost: Callable[[IceConnection], None],
    ) -> None:
        super().__init__(ice_controlling=False)
        self._settings = settings
        self._viewer = viewer
        self._credentials_for = credentials_for
        self._clock = clock
        self._deliver = deliver
        self._lost = lost
        self._answered_s = 0.0
        self._checks: set[asyncio.Task[None]] = set()
        self.offered: list[aioice.Candidate] = []
        """What to tell the viewer."""
        self.is_lost = False
        """Whether ``lost`` has been called."""

    async def gather_candidates(self) -> None:
        """Open the sockets; takes milliseconds without servers, at most ``GATHER_S`` with them.

        Raises:
            UnavailableError: no socket could be opened.
        """
        self._local_candidates_start = True
        own = addresses.local_addresses()
        for address in addresses.to_bind(own, self._viewer):
            if protocol := await self._open(address):
                self._protocols.append(protocol)
                self._local_candidates.append(protocol.local_candidate)
        if not self._protocols:
            raise UnavailableError(
                "No UDP port is free for media; widen AVATARIUM_ICE_PORTS or come again later.",
                code="no_media_port",
                retry_after_s=5,
            )
        self.offered = self._translated(own)
        if not addresses.any_public([*own, *self._settings.addresses]):
            await self._ask_servers()
        self._local_candidates_end = True

    async def _open(self, address: str) -> StunProtocol | None:
        loop = asyncio.get_running_loop()
        for port in _shuffled(self._settings.ports) or [0]:
            try:
                transport, protocol = await loop.create_datagram_endpoint(
                    lambda: StunProtocol(self), local_addr=(address, port)
                )
            except OSError:
                continue
            buffers: socket.socket = transport.get_extra_info("socket")
            buffers.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, turn.UDP_SOCKET_BUFFER_SIZE)
            protocol.local_candidate = _host_candidate(*transport.get_extra_info("sockname")[:2])
            return protocol
        log.warning("no port for media", address=address)
        return None

    def _translated(self, own: Sequence[str]) -> list[aioice.Candidate]:
        """Where a router translates addresses, those outside stand for ours, except to a viewer on our side of it."""
        outside = self._settings.addresses
        if not outside:
            return list(self._local_candidates)
        translated = [
            _host_candidate(address, inside.port)
            for address in outside
            if (inside := next((c for c in self._local_candidates if _same_family(c.host, address)), None))
        ]
        near = addresses.is_loopback(self._viewer) or addresses.is_private(self._viewer)
        return translated + (list(self._local_candidates) if near or not translated else [])

    async def _ask_servers(self) -> None:
        now = asyncio.get_running_loop().time()
        asked = {
            asyncio.create_task(coroutine): server
            for server in self._settings.servers.for_user(self._credentials_for, self._clock)
            if self._settings.silent.get(_bare(server), 0.0) <= now
            for coroutine in self._questions(server)
        }
        if not asked:
            return
        try:
            done, pending = await asyncio.wait(asked, timeout=GATHER_S)
        finally:
            for task in asked:
                task.cancel()
        for task in done:
            self._take(task, asked[task])
        for server in {asked[task] for task in pending} - {asked[t] for t in done if not _failed(t)}:
            log.warning("a server for ICE is silent", server=server.url)
            self._settings.silent[_bare(server)] = now + SILENT_S
        await asyncio.gather(*pending, return_exceptions=True)

    def _questions(self, server: IceServer) -> list[Coroutine[None, None, _Found]]:
        if server.relays:
            return [
                relayed_candidate(
                    component=PORT,
                    hide_related_address=False,
                    protocol_factory=lambda: StunProtocol(self),
                    turn_server=(server.host, server.port),
                    turn_username=server.username,
                    turn_password=server.password,
                    turn_ssl=server.path is Path.TLS,
                    turn_transport="udp" if server.path is Path.UDP else "tcp",
                )
            ]
        return [
            server_reflexive_candidate(protocol, (server.host, server.port))
            for protocol in self._protocols
            if _same_family(protocol.local_candidate.host, "0.0.0.0")
            and not addresses.is_loopback(protocol.local_candidate.host)
        ]

    def _take(self, task: asyncio.Task[_Found], server: IceServer) -> None:
        if _failed(task):
            log.warning("a server for ICE refused", server=server.url, problem=repr(task.exception()))
            return
        candidate, relay = task.result()
        if relay is not None:
            self._protocols.append(relay)
        if all((candidate.host, candidate.port) != (known.host, known.port) for known in self.offered):
            self._local_candidates.append(candidate)
            self.offered.append(candidate)

    @property
    def pair(self) -> CandidatePair | None:
        """The addresses in use."""
        return self._nominated.get(PORT)

    def send_now(self, data: bytes) -> None:
        """Send a datagram; never waits.

        Raises:
            ConnectionError: no pair of candidates works yet, or none does any more.
        """
        pair = self.pair
        if pair is None:
            raise ConnectionError("no candidate pair")
        pair.protocol.transport.sendto(data, pair.remote_addr)

    def data_received(self, data: bytes, component: int) -> None:
        self._deliver(data)

    def protocol_lost(self, protocol: StunProtocol) -> None:
        if not self._closing and any(pair.protocol is protocol for pair in self._nominated.values()):
            self._give_up()

    async def query_consent(self) -> None:
        """Ask, while connected, whether media is still wanted; tell when nobody has said so for too long."""
        loop = asyncio.get_running_loop()
        self._answered_s = loop.time()
        while loop.time() - self._answered_s < CONSENT_ENDS_S:
            await asyncio.sleep(CONSENT_EVERY_S * random.uniform(0.8, 1.2))
            check = asyncio.create_task(self._check_consent())
            self._checks.add(check)
            check.add_done_callback(self._checks.discard)
        self._give_up()

    def _give_up(self) -> None:
        if not self.is_lost:
            self.is_lost = True
            self._lost(self)

    async def _check_consent(self) -> None:
        pair = self.pair
        if pair is None or self.remote_password is None:
            return
        try:
            await pair.protocol.request(
                self.build_request(pair, nominate=False),
                pair.remote_addr,
                integrity_key=self.remote_password.encode(),
                retransmissions=CONSENT_TRIES,
            )
        except stun.TransactionError:
            return
        self._answered_s = asyncio.get_running_loop().time()

    async def close(self) -> None:
        for check in (checks := list(self._checks)):
            check.cancel()
        await asyncio.gather(*checks, return_exceptions=True)
        await super().close()


def _host_candidate(host: str, port: int) -> aioice.Candidate:
    return aioice.Candidate(
        foundation=candidate_foundation("host", "udp", host),
        component=PORT,
        transport="udp",
        priority=candidate_priority(PORT, "host"),
        host=host,
        port=port,
        type="host",
    )


def _same_family(one: str, other: str) -> bool:
    return ipaddress.ip_address(one).version == ipaddress.ip_address(other).version


def _shuffled(ports: range) -> list[int]:
    return random.sample(ports, len(ports))


def _bare(server: IceServer) -> IceServer:
    return IceServer(host=server.host, port=server.port, relays=server.relays, path=server.path)


def _failed(task: asyncio.Task[_Found]) -> bool:
    return task.cancelled() or task.exception() is not None
