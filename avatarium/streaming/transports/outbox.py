"""What waits to be sent to one viewer: packets until they are due, then pictures at a pace.

Sound is sent at the moment at which it is due. A key frame of forty packets sent at once would fill the buffer of
a slow connection and delay the sound behind it, so pictures leave at a multiple of what the connection carries.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from aiortc.rtp import RtpPacket

from avatarium.streaming.transports.viewer import LivePacket

WAITING_MAX = 24
"""Packets that are not due yet, of each kind: the room is one tick ahead."""
PACED_MAX_S = 0.5
"""Pictures that have waited longer for the connection are given up, up to the next key frame."""
PACE = 2.5
"""Times the estimate, as libwebrtc has it."""
PACE_MIN = 1_500_000
PACE_FREE = 20_000_000
"""Bits a second where nothing is known against it: a key frame in about ten milliseconds."""
STEP_S = 0.005
BURST_BYTES = 6_000


@dataclass(order=True, slots=True)
class _Due:
    due_s: float
    order: int
    packet: LivePacket = field(compare=False)
    is_sound: bool = field(compare=False)


class Outbox:
    """Sends in time; belongs to the thread of the event loop, never blocks.

    Args:
        sound: sends a sound packet.
        split: makes a picture into datagrams; an empty list gives it up.
        send: sends one of them and tells its bytes.
        overflown: pictures were given up: a key frame is needed.
    """

    def __init__(
        self,
        *,
        sound: Callable[[LivePacket], None],
        split: Callable[[LivePacket], list[RtpPacket]],
        send: Callable[[RtpPacket], int],
        overflown: Callable[[], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._sound, self._split, self._send, self._overflown = sound, split, send, overflown
        self._waiting: list[_Due] = []
        self._counts: Counter[bool] = Counter()
        self._order = 0
        self._generation = 0
        self._paced: deque[tuple[float, RtpPacket]] = deque()
        self._due_timer: asyncio.Handle | None = None
        self._due_at_s = 0.0
        self._pace_timer: asyncio.TimerHandle | None = None
        self._credit = float(BURST_BYTES)
        self._credited_s = 0.0
        self.pace = float(PACE_FREE)
        self.dropped = 0

    def put(self, packet: LivePacket, *, is_sound: bool) -> None:
        """Take a packet; it leaves at its ``due_s``, at once where that has passed. Sound of an older generation that
        waits does not leave any more; pictures do, as those behind them build on them."""
        if packet.generation > self._generation:
            self._generation = packet.generation
            self._forget_sound()
        if self._counts[is_sound] >= WAITING_MAX:
            self.dropped += 1
            if not is_sound:
                self._overflown()
            return
        self._counts[is_sound] += 1
        self._order += 1
        heapq.heappush(self._waiting, _Due(packet.due_s, self._order, packet, is_sound))
        self._wait()

    def _forget_sound(self) -> None:
        self.dropped += self._counts[True]
        self._counts[True] = 0
        self._waiting = [due for due in self._waiting if not due.is_sound]
        heapq.heapify(self._waiting)

    def again(self, packets: list[RtpPacket]) -> None:
        """Send what a viewer missed, before the pictures that wait."""
        now = self._loop.time()
        self._paced.extendleft((now, packet) for packet in reversed(packets))
        self._drain()

    def estimate(self, bitrate: int | None) -> None:
        """What the connection carries, in bits a second."""
        self.pace = float(PACE_FREE if bitrate is None else min(max(bitrate * PACE, PACE_MIN), PACE_FREE))

    @property
    def paced(self) -> int:
        """Datagrams that are due and wait for the connection."""
        return len(self._paced)

    def _wait(self) -> None:
        head = self._waiting[0].due_s if self._waiting else None
        if self._due_timer is not None:
            if head is not None and self._due_at_s <= head:
                return
            self._due_timer.cancel()
            self._due_timer = None
        if head is not None:
            self._due_at_s = head
            self._due_timer = self._loop.call_at(head, self._release)

    def _release(self) -> None:
        self._due_timer = None
        # The loop's timers may be early by their resolution.
        now = self._loop.time() + 0.001
        while self._waiting and self._waiting[0].due_s <= now:
            due = heapq.heappop(self._waiting)
            self._counts[due.is_sound] -= 1
            if due.is_sound:
                self._sound(due.packet)
            else:
                self._paced.extend((now, packet) for packet in self._split(due.packet))
        self._drain()
        self._wait()

    def _drain(self) -> None:
        if self._pace_timer is not None:
            return
        now = self._loop.time()
        if self._paced and now - self._paced[0][0] > PACED_MAX_S:
            self.dropped += len(self._paced)
            self._paced.clear()
            self._overflown()
        burst = max(BURST_BYTES, self.pace * STEP_S / 4)
        self._credit = min(self._credit + (now - self._credited_s) * self.pace / 8, burst)
        self._credited_s = now
        while self._paced and self._credit > 0:
            self._credit -= self._send(self._paced.popleft()[1])
        if self._paced:
            self._pace_timer = self._loop.call_later(STEP_S, self._paced_on)

    def _paced_on(self) -> None:
        self._pace_timer = None
        self._drain()

    def close(self) -> None:
        """Forget all that waits."""
        for timer in (self._due_timer, self._pace_timer):
            if timer is not None:
                timer.cancel()
        self._due_timer = self._pace_timer = None
        self._waiting.clear()
        self._paced.clear()
        self._counts.clear()
