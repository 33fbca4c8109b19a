"""What is shown at once, and when."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """Lines that are shown together."""

    start_s: float
    end_s: float
    lines: tuple[str, ...]
    """In the order in which letters are written, whichever way they run."""

    @property
    def text(self) -> str:
        """The lines below each other."""
        return "\n".join(self.lines)
