"""What a performance tells while it goes on: marks in time, and what was really said when it was cut."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from avatarium.engine.speech.records import Word


class MarkKind(StrEnum):
    """What happens at a mark."""

    STARTED = "started"
    """An utterance begins to sound."""
    ENDED = "ended"
    """All of an utterance has been said, even if that was nothing; one that was cut has no such mark."""
    WORD = "word"
    VISEME = "viseme"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that happens within an utterance."""

    kind: MarkKind
    tag: str
    """Of the utterance."""
    at_s: float
    """Since the utterance began."""
    end_s: float
    """Since the utterance began; ``at_s`` for what has no length."""
    media_s: float = 0.0
    """Time of the room at ``at_s``."""
    text: str = ""
    """The word, or the name of the viseme."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What was said of an utterance that was cut."""

    tag: str
    said_ms: int
    """How much of it sounded; 0 for one that was waiting."""
    words: tuple[Word, ...] = ()
    """Those that were said wholly, as of the start of the utterance."""
    last_word_share: float = 0.0
    """How much was said of the word after them, 0..1."""
