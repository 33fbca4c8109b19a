"""What dubbing gives back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """How a segment came to lie in its slot."""

    id: str
    start_s: float
    """Where its sound begins."""
    end_s: float
    """Where its sound ends."""
    rate: float
    """Against the voice's normal speed, 0.85 to 1.25."""
    shortened: bool = False
    """Whether words were left out."""
    late_s: float = 0.0
    """How far its end goes on into what follows; 0 where it fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dubbed:
    """A dubbing that was rendered."""

    path: Path
    seconds: float
    """Length of the result, that of the original."""
    segments: tuple[Fitted, ...]
    srt_source: str
    srt_target: str
    lips: bool
    """Whether a face was seen and its lips were moved."""
    made: int
    """Segments that were spoken anew; the others came from the folder of an earlier rendering."""
    notes: tuple[str, ...] = ()
    """What its user should know, in sentences."""
