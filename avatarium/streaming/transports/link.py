"""The wire below DTLS: an ICE session that a restart can replace while media flows (RFC 8445 section 2.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import aioice

from avatarium.clock import Clock
from avatarium.streaming.transports.ice import IceConnection, IceSettings

ARRIVED_MAX = 512
"""Datagrams that wait to be read. More come only from a flood."""
REMOTE_MAX = 32
"""Candidates that one viewer may name: each costs packets to an address of the viewer's choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IceIdentity:
    """User name fragment and password of one end (RFC 8839)."""

    ufrag: str
    password: str
    lite: bool = False


class IceLink:
    """What aiortc's DTLS transport takes for its ICE transport, and more.

    ``failed`` is called where a connection that was there is gone and no restart is under way.
    """

    def __init__(
        self,
        settings: IceSettings,
        remote: IceIdentity,
        *,
        viewer: str,
        name: str,
        clock: Clock,
        failed: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._viewer = viewer
        self._name = name
        self._clock = clock
        self._failed = failed
        self._arrived: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._closed = False
        self._connection = self._new()
        self._next: IceConnection | None = None
        self._restarting: asyncio.Task[None] | None = None
        self._named = 0
        self.remote = remote

    def _new(self) -> IceConnection:
        return IceConnection(
            self._settings,
            viewer=self._viewer,
            credentials_for=self._name,
            clock=self._clock,
            deliver=self._deliver,
            lost=self._lost,
        )

    @property
    def role(self) -> str:
        """``controlled``, unless the viewer is a lite agent."""
        return "controlling" if self._connection.ice_controlling else "controlled"

    @property
    def local(self) -> IceIdentity:
        """What the viewer is to be told, of the session that is being made or in use."""
        newest = self._next or self._connection
        return IceIdentity(ufrag=newest.local_username, password=newest.local_password)

    @property
    def candidates(self) -> list[aioice.Candidate]:
        """Where the viewer can reach that session."""
        return list((self._next or self._connection).offered)

    async def gather(self) -> None:
        """Open sockets; see :meth:`IceConnection.gather_candidates`."""
        await self._connection.gather_candidates()

    async def connect(self) -> None:
        """Check candidates until a pair works; waits as long as candidates may come.

        Raises:
            ConnectionError: closed meanwhile.
        """
        await self._connect(self._connection)

    async def _connect(self, connection: IceConnection) -> None:
        remote = self.remote
        connection.ice_controlling = remote.lite
        connection.remote_is_lite = remote.lite
        connection.remote_username, connection.remote_password = remote.ufrag, remote.password
        await connection.connect()

    async def add_candidates(self, candidates: Iterable[aioice.Candidate]) -> None:
        """Further addresses of the viewer. Names of the local network are passed over: the viewer's own checks tell
        its address, and looking a name up takes seconds."""
        for candidate in candidates:
            if self._named >= REMOTE_MAX:
                return
            if candidate.transport.lower() != "udp" or candidate.host.endswith(".local"):
                continue
            self._named += 1
            await (self._next or self._connection).add_remote_candidate(candidate)

    async def restart(self, remote: IceIdentity, candidates: Iterable[aioice.Candidate], *, within_s: float) -> None:
        """Begin a second session beside the first, which carries media until the second does.

        Returns as soon as ``local`` and ``candidates`` are those of the second one.

        Raises:
            UnavailableError: no socket could be opened.
        """
        await self._stop_restart()
        following = self._new()
        try:
            await following.gather_candidates()
        except BaseException:
            await following.close()
            raise
        before, self.remote = self.remote, remote
        self._named, self._next = 0, following
        await self.add_candidates(candidates)
        self._restarting = asyncio.create_task(self._swap(following, before, within_s))

    async def _swap(self, following: IceConnection, before: IceIdentity, within_s: float) -> None:
        try:
            async with asyncio.timeout(within_s):
                await self._connect(following)
        except (ConnectionError, TimeoutError):
            self._next, self.remote = None, before
            await following.close()
            if self._connection.is_lost:
                self._lost(self._connection)
            return
        self._connection, self._next, old = following, None, self._connection
        await old.close()

    async def _stop_restart(self) -> None:
        if self._restarting is not None:
            self._restarting.cancel()
            await asyncio.gather(self._restarting, return_exceptions=True)
            self._restarting = None
        if self._next is not None:
            unfinished, self._next = self._next, None
            await unfinished.close()

    def _deliver(self, data: bytes) -> None:
        if data and self._arrived.qsize() < ARRIVED_MAX:
            self._arrived.put_nowait(data)

    def _lost(self, connection: IceConnection) -> None:
        if connection is self._connection and self._next is None and not self._closed:
            self._failed()

    def send_now(self, data: bytes) -> None:
        """Send a datagram; never waits.

        Raises:
            ConnectionError: there is no connection.
        """
        self._connection.send_now(data)

    async def _send(self, data: bytes) -> None:
        self.send_now(data)

    async def _recv(self) -> bytes:
        data = await self._arrived.get()
        if data is None:
            self._arrived.put_nowait(None)
            raise ConnectionError("closed")
        return data

    @property
    def path(self) -> str:
        """Kinds of the candidates in use, ours first, such as ``host/prflx``; empty while there is no connection."""
        pair = self._connection.pair
        return f"{pair.local_candidate.type}/{pair.remote_candidate.type}" if pair else ""

    async def close(self) -> None:
        """Close the sockets; whoever reads is woken by an error."""
        self._closed = True
        self._arrived.put_nowait(None)
        await self._stop_restart()
        await self._connection.close()
