"""A line between a viewer and a room that loses, delays and narrows, in plain sockets: no privileges needed."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

Address = tuple[str, int]
_CANDIDATE = re.compile(r"^a=candidate:(\S+) 1 udp (\d+) ([0-9.]+) (\d+) typ host.*$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How a line is, in each direction."""

    delay_s: float = 0.002
    loss: float = 0.0
    rate: float | None = None
    """Bits a second towards the viewer."""
    buffer_s: float = 0.6
    """What waits longer for the narrow part is dropped."""


GOOD = Condition()
BAD = Condition(delay_s=0.2, loss=0.05, rate=500_000)


class _End(asyncio.DatagramProtocol):
    def __init__(self, line: BadLine, *, front: bool) -> None:
        self._line, self._front = line, front

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._line.take(data, addr, front=self._front)


class BadLine:
    """Forwards between whoever sends to its front and one address behind it."""

    def __init__(self, behind: Address, seed: int = 1) -> None:
        self.condition = GOOD
        self.dropped = 0
        self._behind = behind
        self._viewer: Address | None = None
        self._chance = random.Random(seed)
        self._free_s = 0.0
        self.front: asyncio.DatagramTransport
        self.back: asyncio.DatagramTransport

    def take(self, data: bytes, addr: Address, *, front: bool) -> None:
        """A datagram came in at one end."""
        loop, now = asyncio.get_running_loop(), asyncio.get_running_loop().time()
        if front:
            self._viewer = addr
        if self._chance.random() < self.condition.loss:
            self.dropped += 1
            return
        leaves_s = now
        if not front and self.condition.rate is not None:
            leaves_s = max(now, self._free_s) + (len(data) + 28) * 8 / self.condition.rate
            if leaves_s - now > self.condition.buffer_s:
                self.dropped += 1
                return
            self._free_s = leaves_s
        loop.call_at(leaves_s + self.condition.delay_s, self._pass, data, front)

    def _pass(self, data: bytes, front: bool) -> None:
        if self.front.is_closing():
            return
        if front:
            self.back.sendto(data, self._behind)
        elif self._viewer is not None:
            self.front.sendto(data, self._viewer)


@asynccontextmanager
async def bad_line(answer: str) -> AsyncIterator[tuple[BadLine, str]]:
    """A line to the first IPv4 candidate of an answer, and the answer as it leads over the line alone."""
    found = _CANDIDATE.search(answer)
    assert found is not None, answer
    host, port = found[3], int(found[4])
    line, loop = BadLine((host, port)), asyncio.get_running_loop()
    line.front, _ = await loop.create_datagram_endpoint(lambda: _End(line, front=True), local_addr=(host, 0))
    line.back, _ = await loop.create_datagram_endpoint(lambda: _End(line, front=False), local_addr=(host, 0))
    here = line.front.get_extra_info("sockname")[1]
    others = "".join(text + "\r\n" for text in answer.splitlines() if not text.startswith("a=candidate:"))
    own = f"a=candidate:{found[1]} 1 udp {found[2]} {host} {here} typ host\r\na=end-of-candidates"
    try:
        yield line, others.replace("a=end-of-candidates", own)
    finally:
        line.front.close()
        line.back.close()


def without_candidates(offer: str) -> str:
    """An offer whose viewer cannot be reached directly."""
    return "".join(text + "\r\n" for text in offer.splitlines() if not text.startswith("a=candidate:"))
