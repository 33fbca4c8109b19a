"""Sentences in clauses, for a voice that takes as long to make as to hear while somebody waits for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from avatarium.engine.speech.text.prepare import Sentence, Token
from avatarium.engine.speech.text.sentences import Boundary

SHORT = 24
"""Spoken characters: a clause that is shorter waits for the next."""
LONGEST = (28, 44, 64)
"""What is longer is cut at any word: of the first piece, the second and all others. While one is heard the next is
made, so that each may be half as long again as the one before it and leaves no hole."""
_MARKS = frozenset(",;:—–،、，；：)）")


class Clauses:
    """Cuts the sentences of one script; the first it meets begins with a short piece."""

    def __init__(self) -> None:
        self._given = 0

    def __call__(self, sentence: Sentence) -> Iterator[Sentence]:
        """A sentence in pieces that join without a jump in time: each ends where somebody might breathe."""
        parts = list(self._parts(sentence.tokens))
        for at, (tokens, boundary) in enumerate(parts):
            last = at == len(parts) - 1
            yield replace(
                sentence,
                tokens=tokens,
                boundary=sentence.boundary if last else boundary,
                pause_before_s=0.0 if at else sentence.pause_before_s,
                pause_after_s=sentence.pause_after_s if last else None,
            )
        if not parts:
            yield sentence

    def _parts(self, tokens: Sequence[Token]) -> Iterator[tuple[tuple[Token, ...], Boundary]]:
        held: list[Token] = []
        left = sum(len(token.spoken) + 1 for token in tokens)
        length = 0
        for token in tokens:
            held.append(token)
            length += len(token.spoken) + 1
            left -= len(token.spoken) + 1
            ends_clause = length >= SHORT and token.written[-1:] in _MARKS
            full = length >= LONGEST[min(self._given, len(LONGEST) - 1)]
            if (ends_clause or full) and left >= SHORT / 2:
                yield tuple(held), Boundary.CLAUSE if ends_clause else Boundary.WORD
                held, length, self._given = [], 0, self._given + 1
        if held:
            self._given += 1
            yield tuple(held), Boundary.SENTENCE
