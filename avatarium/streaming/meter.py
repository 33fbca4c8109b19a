"""How many messages a second a peer may send: what is queued is handed out without a pause, and would be all we do."""

from __future__ import annotations

from avatarium.clock import Clock


class Meter:
    """Counts messages against a rate, with a reserve for those that a bad line held up and let go together."""

    def __init__(self, clock: Clock, *, rate: float, burst: int) -> None:
        self._clock = clock
        self._rate = rate
        self._burst = burst
        self._left = float(burst)
        self._at_s = clock.monotonic_s()

    def count(self) -> float:
        """One more came: seconds by which that is too soon, 0 where it is not."""
        now_s = self._clock.monotonic_s()
        self._left = min(self._left + (now_s - self._at_s) * self._rate, self._burst) - 1
        self._at_s = now_s
        return max(0.0, -self._left / self._rate)
