"""What a player behind a WebSocket has already, by what it says, and what its connection carries by that."""

from __future__ import annotations

from collections import deque

from avatarium.streaming.transports.bandwidth import FLOOR, FREE, GROWTH

BEHIND_S = 1.0
"""Media that waits or was not acknowledged: from here pictures are left out ..."""
CAUGHT_UP_S = 0.5
"""... until no more than this is left."""
WINDOW_S = 2.0


class Player:
    """What a player has, by what it says."""

    def __init__(self, now_s: float) -> None:
        self.heard_s = now_s
        """When it said something last."""
        self.count = 0
        self.bytes = 0
        self._acknowledged = 0
        # Bytes and due times of messages that were sent and not acknowledged.
        self._open: deque[tuple[int, float]] = deque()
        self._got: deque[tuple[float, int]] = deque()
        self._ceiling: float | None = None
        self._grown_s = now_s

    @property
    def owes(self) -> bool:
        """Whether something was not acknowledged."""
        return bool(self._open)

    @property
    def oldest_s(self) -> float | None:
        """When the oldest of that was due."""
        return self._open[0][1] if self._open else None

    def sent(self, size_bytes: int, due_s: float) -> None:
        """A binary message was handed to the socket."""
        self.count += 1
        self.bytes += size_bytes
        self._open.append((size_bytes, due_s))

    def got(self, count: int, now_s: float) -> None:
        """It has so many binary messages in all."""
        self.heard_s = now_s
        taken = 0
        while self._acknowledged < min(count, self.count):
            taken += self._open.popleft()[0]
            self._acknowledged += 1
        self._got.append((now_s, taken))
        while self._got[0][0] < now_s - WINDOW_S:
            self._got.popleft()

    def estimate(self, behind_s: float, now_s: float) -> int | None:
        """Bits a second that arrive, where the player falls behind; it grows again when it no longer does."""
        passed_s, self._grown_s = min(now_s - self._grown_s, 5.0), now_s
        if behind_s > BEHIND_S:
            arrived = sum(size for at, size in self._got if at >= now_s - WINDOW_S) * 8 / WINDOW_S
            self._ceiling = max(min(0.8 * arrived, self._ceiling or arrived), float(FLOOR))
        elif self._ceiling is not None and behind_s < CAUGHT_UP_S:
            self._ceiling *= GROWTH**passed_s
            if self._ceiling > FREE:
                self._ceiling = None
        return None if self._ceiling is None else int(self._ceiling)
