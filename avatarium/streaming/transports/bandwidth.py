"""What a connection carries, from what a viewer reports.

A browser's REMB says how fast data has come in lately, with a little added. While an avatar only listens next to
nothing is sent, so taken as a ceiling it would let the next sentence begin in a blur on the best of connections.
Here it is a ceiling only where it lies below what was really sent, that is, where the network held data back; from
there the ceiling grows again by a few percent a second. Loss counts too, as REMB knows nothing of it (the loss-based
part of draft-ietf-rmcat-gcc-02).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

WINDOW_S = 1.0
GROWTH = 1.08
"""A second, while nothing is held back."""
LOSS_HIGH, LOSS_LOW = 0.10, 0.02
FLOOR = 50_000
UNKNOWN = 600_000
"""What a connection is taken to carry that begins to lose packets while next to nothing is sent."""
FREE = 8_000_000
"""A ceiling that has grown so high is none."""
LOSS_GAP_S = 0.8
"""Reports come every second or so and twice for two streams; one of them counts."""


@dataclass(slots=True)
class Bandwidth:
    """Follows one connection. Instants are monotonic seconds."""

    _ceiling: float | None = None
    _grown_s: float = 0.0
    _lossy_s: float = -1.0
    _sent: deque[tuple[float, int]] = field(default_factory=deque)
    _sum: int = 0
    loss: float = 0.0
    """Share of packets lost, smoothed over some seconds."""

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

    def remb(self, bitrate: int, now_s: float) -> None:
        """The viewer estimated what can be received."""
        self._grow(now_s)
        held_back = bitrate < self.rate(now_s)
        if held_back and (self._ceiling is None or bitrate < self._ceiling):
            self._ceiling = max(float(bitrate), FLOOR)
        elif self._ceiling is not None and bitrate > self._ceiling:
            self._ceiling = float(bitrate)

    def lost(self, share: float, now_s: float) -> None:
        """The viewer reported the share of packets that were lost."""
        self.loss += 0.3 * (share - self.loss)
        if now_s - self._lossy_s < LOSS_GAP_S:
            return
        self._grow(now_s)
        if share > LOSS_HIGH:
            self._lossy_s = now_s
            reached = self._ceiling or max(self.rate(now_s), UNKNOWN)
            self._ceiling = max(reached * (1 - 0.5 * share), FLOOR)

    def _grow(self, now_s: float) -> None:
        passed_s = min(max(now_s - self._grown_s, 0.0), 5.0)
        self._grown_s = now_s
        if self._ceiling is None or self.loss > LOSS_HIGH:
            return
        self._ceiling *= GROWTH**passed_s
        if self._ceiling > FREE:
            self._ceiling = None

    def estimate(self, now_s: float) -> int | None:
        """Bits a second that the connection carries; None where nothing says that it is short of any."""
        self._grow(now_s)
        return None if self._ceiling is None else int(self._ceiling)
