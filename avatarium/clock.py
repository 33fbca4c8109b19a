"""Time, injected, so that tests can turn it. Instants are integers: milliseconds since 1970, UTC."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

SECOND_MS = 1000
HOUR_MS = 3600 * SECOND_MS
DAY_MS = 24 * HOUR_MS


class Clock:
    """The clock of the machine."""

    def now_ms(self) -> int:
        """What the wall clock shows. It may jump: stamps and expiries only, never durations."""
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        """Seconds that only ever grow, for deadlines and durations."""
        return time.monotonic()


@dataclass(slots=True)
class ManualClock(Clock):
    """A clock that stands until it is moved."""

    ms: int = 1_700_000_000_000

    def now_ms(self) -> int:
        return self.ms

    def monotonic_s(self) -> float:
        return self.ms / SECOND_MS

    def advance(self, seconds: float) -> None:
        """Move on; a negative number is a clock that was set back."""
        self.ms += round(seconds * SECOND_MS)


def iso(ms: int) -> str:
    """An instant as the API writes it: ``2025-01-02T03:04:05.678Z``."""
    moment = datetime.fromtimestamp(ms / SECOND_MS, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % SECOND_MS:03d}Z"
