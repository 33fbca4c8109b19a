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
GROWTH, REGROWTH = 1.08, 1.25
"""A second, while nothing is held back; and as long as the rate before the last cut is far."""
NEAR = 0.8
QUEUE_S = 0.08
"""Round trips that are longer than the shortest by this wait in somebody's buffer ..."""
TRIPS = 3
"""... if the last so many are: a machine that is busy reads a report late now and then."""
FULL_S = 0.35
"""And by this the rate is cut whatever REMB says."""
CUT, CUT_MOST = 0.85, 0.65
"""Shares of the rate that a cut leaves: without REMB, and at the least, whatever REMB says."""
CUT_GAP_S = 1.0
SHORTEST_S = 10.0
"""The shortest round trip is that of so long: ways change, and what we queued ourselves is gone by then."""
LOSS_HIGH = 0.10
UNKNOWN = 600_000
"""What a connection is taken to carry that begins to lose packets while next to nothing is sent."""
FLOOR = 150_000
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
    _before: float = 0.0
    _queue_s: float = 0.0
    _trips: deque[tuple[float, float]] = field(default_factory=deque)
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
        if self.strained and bitrate < self.rate(now_s):
            self._lower(bitrate, now_s)

    def round_trip(self, rtt_s: float, now_s: float) -> None:
        """A round trip was measured."""
        self._grow(now_s)
        self._trips.append((now_s, rtt_s))
        while self._trips[0][0] < now_s - SHORTEST_S:
            self._trips.popleft()
        trips = [trip for _, trip in self._trips]
        self._queue_s = min(trips[-TRIPS:]) - min(trips)
        self.rtt_s = rtt_s if self.rtt_s is None else 0.8 * self.rtt_s + 0.2 * rtt_s
        if self._queue_s > FULL_S and now_s - self._cut_s >= CUT_GAP_S:
            self._lower(CUT * self._reached(now_s), now_s)

    def lost(self, share: float, now_s: float) -> None:
        """The viewer reported the share of packets that were lost."""
        self._grow(now_s)
        self.loss += 0.3 * (share - self.loss)
        # Reports come every second, for two streams: one of them counts.
        if min(share, self.loss) > LOSS_HIGH and now_s - self._cut_s >= CUT_GAP_S:
            self._lower(self._reached(now_s) * (1 - 0.5 * share), now_s)

    def _reached(self, now_s: float) -> float:
        return self._ceiling or max(self.rate(now_s), UNKNOWN)

    def _lower(self, bitrate: float, now_s: float) -> None:
        if now_s - self._cut_s >= CUT_GAP_S:
            self._cut_s, self._before = now_s, self._reached(now_s)
        left = max(bitrate, CUT_MOST * self._before, FLOOR)
        self._ceiling = left if self._ceiling is None else min(left, self._ceiling)

    def _grow(self, now_s: float) -> None:
        passed_s = min(max(now_s - self._grown_s, 0.0), 5.0)
        self._grown_s = now_s
        if self._ceiling is None or self.strained:
            return
        self._ceiling *= (REGROWTH if self._ceiling < NEAR * self._before else GROWTH) ** passed_s
        if self._ceiling > FREE:
            self._ceiling = None

    def estimate(self, now_s: float) -> int | None:
        """Bits a second that the connection carries; None where nothing says that it is short of any."""
        self._grow(now_s)
        return None if self._ceiling is None else int(self._ceiling)
