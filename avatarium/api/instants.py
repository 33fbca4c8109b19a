"""Instants that clients send, as ISO 8601 or as a bare day."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from avatarium.clock import DAY_MS, SECOND_MS

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_LOST_PLUS = re.compile(r" (\d{2}:?\d{2})\Z", re.ASCII)


def instant_ms(text: str, *, end: bool = False) -> int:
    """Milliseconds since 1970; without a zone it is UTC. A bare day is its first millisecond or, for ``end``, its last.

    Raises:
        ValueError: it is neither.
    """
    text = text.strip()
    # A plus sign that was not escaped in a URL arrives as a blank.
    fixed = _LOST_PLUS.sub(r"+\1", text) if "T" in text else text
    try:
        moment = datetime.fromisoformat(fixed)
        whole = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        ms = round(whole.timestamp() * SECOND_MS)
    except (ValueError, OverflowError):
        raise ValueError("must be a time such as 2025-01-02T03:04:05Z or a day such as 2025-01-02") from None
    return ms + DAY_MS - 1 if end and _DAY.fullmatch(text) else ms
