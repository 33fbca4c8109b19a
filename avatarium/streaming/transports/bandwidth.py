"""What a connection carries, from what a viewer reports.

A browser's REMB says how fast data came in lately, with a little added. Taken as it is it does harm twice: while an
avatar only listens next to nothing is sent, and the next sentence would begin in a blur on the best of connections;
and on a busy machine, where packets are read late, it falls to a tenth with nothing wrong on the way. So it is a
ceiling only where it lies below what was really sent *and* something else says that data is held back: round trips
that grow, or loss. From there the ceiling grows by a few percent a second as long as nothing is held back. Loss and
round trips count by themselves too, for players that send no REMB (the loss-based part of
draft-ietf-rmcat-gcc-02).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

WINDOW_S = 1.0
GROWTH = 1.08
"""A second, while nothing is held back."""
QUEUE_S = 0.08
"""A round trip that is longer than the shortest by this waits in somebody's buffer."""
FULL_S = 0.35
"""And by this the rate is cut whatever REMB says."""
CUT = 0.85
CUT_GAP_S = 1.0
LEAK = 0.01
"""Share by which the shortest round trip follows each longer one: ways change."""
LOSS_HIGH = 0.10
UNKNOWN = 600_000
"""What a connection is taken to carry that begins to lose packets while next to nothing is sent."""
FLOOR = 50_000
FREE = 8_000_000
"""A ceiling that has grown so high is none."""


@dataclass(slots=True)
class Bandwidth:
    """Follows one connection. Instants are monotonic seconds."""

    loss: float = 0.0
    """Share of packets lost, smoothed over some seconds."""
    rtt_s: float | None = None
    """Smoothed."""
    _ceiling: float | None = None
    _grown_s: float = 0.0
    _cut_s: float = -10.0
    _shortest_s: float | None = None
    _queue_s: float = 0.0
    _sent: deque[tuple[float, int]] = field(default_factory=deque)
    _sum: int = 0

    def sent(self, size_bytes: int, now_s: float) -> None:
        """Something was sent."""
        self._sent.append((now_s, size_bytes))
        self._sum += size_bytes
        self._forget(now_s)

    def _forget(self, now_s: float) -> None:
        while self._sent and self._sent[0][0] < now_s - WINDOW_S:
            self._sum -= self._sent.popleft()[1]

    def rate(self, now_s: float) -> float:
        """Bits a second that are sent."""
        self._forget(now_s)
        return self._sum * 8 / WINDOW_S

    @property
    def strained(self) -> bool:
        """Whether data is held back somewhere on the way."""
        return self._queue_s > QUEUE_S or self.loss > LOSS_HIGH

    def remb(self, bitrate: int, now_s: float) -> None:
        """The viewer estimated what can be received."""
        self._grow(now_s)
        if self._ceiling is not None and bitrate > self._ceiling:
            self._ceiling = float(bitrate)
        elif self.strained and bitrate < self.rate(now_s):
            self._lower(bitrate, now_s)

    def round_trip(self, rtt_s: float, now_s: float) -> None:
        """A round trip was measured."""
        self._grow(now_s)
        shortest = rtt_s if self._shortest_s is None else self._shortest_s
        self._shortest_s = rtt_s if rtt_s < shortest else shortest + LEAK * (rtt_s - shortest)
        self._queue_s = rtt_s - self._shortest_s
        self.rtt_s = rtt_s if self.rtt_s is None else 0.8 * self.rtt_s + 0.2 * rtt_s
        if self._queue_s > FULL_S and now_s - self._cut_s >= CUT_GAP_S:
            self._lower(CUT * (self._ceiling or self.rate(now_s)), now_s)

    def lost(self, share: float, now_s: float) -> None:
        """The viewer reported the share of packets that were lost."""
        self._grow(now_s)
        self.loss += 0.3 * (share - self.loss)
        # Reports come every second, for two streams: one of them counts.
        if min(share, self.loss) > LOSS_HIGH and now_s - self._cut_s >= CUT_GAP_S:
            reached = self._ceiling or max(self.rate(now_s), UNKNOWN)
            self._lower(reached * (1 - 0.5 * share), now_s)

    def _lower(self, bitrate: float, now_s: float) -> None:
        self._cut_s = now_s
        if self._ceiling is None or bitrate < self._ceiling:
            self._ceiling = max(bitrate, FLOOR)

    def _grow(self, now_s: float) -> None:
        passed_s = min(max(now_s - self._grown_s, 0.0), 5.0)
        self._grown_s = now_s
        if self._ceiling is None or self.strained:
            return
        self._ceiling *= GROWTH**passed_s
        if self._ceiling > FREE:
            self._ceiling = None

    def estimate(self, now_s: float) -> int | None:
        """Bits a second that the connection carries; None where nothing says that it is short of any."""
        self._grow(now_s)
        return None if self._ceiling is None else int(self._ceiling)
