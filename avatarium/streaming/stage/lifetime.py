"""When a room ends by itself, and when it says that it soon will."""

from __future__ import annotations

from dataclasses import dataclass, field

from avatarium.clock import SECOND_MS
from avatarium.streaming.models import EndReason

WARN_AT_S = (60, 30, 10)


@dataclass(slots=True, kw_only=True)
class Lifetime:
    """The dates of one room; instants are milliseconds."""

    opened_ms: int
    expires_ms: int
    join_s: float
    """After so much time without a first viewer it ends."""
    grace_s: float
    """After so much time without the last one it ends."""
    joined_ms: int | None = None
    lost_ms: int | None = None
    """Since when nobody is connected any more."""
    _warned: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._arm(self.opened_ms)

    def joined(self, now_ms: int) -> None:
        """Somebody is connected."""
        self.joined_ms = now_ms if self.joined_ms is None else self.joined_ms
        self.lost_ms = None

    def lost(self, now_ms: int) -> None:
        """Nobody is any more."""
        if self.joined_ms is not None and self.lost_ms is None:
            self.lost_ms = now_ms

    def extend(self, expires_ms: int, now_ms: int) -> None:
        """It lasts until then, and warns anew."""
        self.expires_ms = expires_ms
        self._warned.clear()
        self._arm(now_ms)

    def left_s(self, now_ms: int) -> float:
        """Time until it expires."""
        return max(0.0, (self.expires_ms - now_ms) / SECOND_MS)

    def over(self, now_ms: int) -> EndReason | None:
        """Why it is over; None while it is not."""
        if self.joined_ms is None and now_ms >= min(self.opened_ms + self.join_s * SECOND_MS, self.expires_ms):
            return EndReason.NEVER_JOINED
        if now_ms >= self.expires_ms:
            return EndReason.EXPIRED
        if self.lost_ms is not None and now_ms >= self.lost_ms + self.grace_s * SECOND_MS:
            return EndReason.VIEWER_LOST
        return None

    def warning(self, now_ms: int) -> int | None:
        """How many seconds are left, where that is to be told now; each number is told once."""
        left_s = self.left_s(now_ms)
        due = [seconds for seconds in WARN_AT_S if left_s <= seconds and seconds not in self._warned]
        self._warned.update(due)
        return min(due) if due else None

    def _arm(self, now_ms: int) -> None:
        """What is past already needs no warning."""
        self._warned.update(seconds for seconds in WARN_AT_S if self.left_s(now_ms) < seconds)
