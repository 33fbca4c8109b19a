"""Sentences of languages without blanks between words, as one line that knows its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from avatarium.engine.speech.text.prepare import Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What is said, without blanks but between words of Latin letters; ``owners[i]`` is the token of character i."""

    text: str
    owners: tuple[int, ...]


def line_of(tokens: Sequence[Token]) -> Line:
    """The spoken words of all tokens in one line."""
    text: list[str] = []
    owners: list[int] = []
    for owner, token in enumerate(tokens):
        for word in token.spoken.split():
            if text and text[-1].isascii() and text[-1].isalnum() and word[0].isascii() and word[0].isalnum():
                word = f" {word}"
            text += word
            owners += [owner] * len(word)
    return Line(text="".join(text), owners=tuple(owners))
