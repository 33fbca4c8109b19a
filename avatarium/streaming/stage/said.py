"""What was really said of an utterance that was cut, to the word and the millisecond."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avatarium.engine.live import Cut
    from avatarium.engine.speech import Word
    from avatarium.streaming.stage.utterances import Utterance

TOLD_MAX = 100
"""Characters in events of a text that was never begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """How far an utterance came."""

    command_id: str
    text: str
    """All that was to be said, as far as it was known."""
    said_text: str
    """Its beginning, up to the last word that was wholly said."""
    said_ms: int
    words: tuple[dict[str, Any], ...] = field(default=())
    """Those wholly said, with their times in the utterance."""

    def as_json(self) -> dict[str, Any]:
        """The record as plain values."""
        return {
            "command_id": self.command_id,
            "text": self.text,
            "said_text": self.said_text,
            "said_ms": self.said_ms,
            "words_said": len(self.words),
            "words": list(self.words),
        }

    def as_event(self) -> dict[str, Any]:
        """The same for all who listen; of what was never begun only the beginning, as much of it may have waited."""
        return self.as_json() | ({} if self.said_ms else {"text": self.text[:TOLD_MAX]})


def said_of(utterance: Utterance, cut: Cut | None) -> Said:
    """How far an utterance came, by what the performer says; nothing where the performer never had it."""
    words: tuple[Word, ...] = cut.words if cut is not None else ()
    return Said(
        command_id=utterance.command_id,
        text=utterance.text,
        said_text=beginning(utterance.text, [word.text for word in words]),
        said_ms=cut.said_ms if cut is not None else 0,
        words=tuple(
            {"text": word.text, "start_ms": round(word.start_s * 1000), "end_ms": round(word.end_s * 1000)}
            for word in words
        ),
    )


def beginning(text: str, words: Iterable[str]) -> str:
    """The part of a text that ends with the last of its first words, as it was written; the words alone where the text
    has other ones."""
    at, spoken = 0, list(words)
    for word in spoken:
        found = text.find(word, at)
        if found < 0:
            return " ".join(spoken)
        at = found + len(word)
    return text[:at]
