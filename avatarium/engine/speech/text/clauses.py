"""Sentences in clauses, for a voice that takes as long to make as to hear while somebody waits for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from avatarium.engine.speech.text.prepare import Sentence, Token
from avatarium.engine.speech.text.sentences import Boundary

SHORT, LONG = 24, 64
"""Spoken characters: a clause that is shorter waits for the next, and what is longer than this is cut at any word."""
FIRST = 28
"""Of the very first words, where no clause ends sooner."""
_MARKS = frozenset(",;:—–،、，；：)）")


class Clauses:
    """Cuts the sentences of one script; the first it meets begins with a short piece."""

    def __init__(self) -> None:
        self._begun = False

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
            full = length >= (LONG if self._begun else FIRST)
            if (ends_clause or full) and left >= SHORT / 2:
                yield tuple(held), Boundary.CLAUSE if ends_clause else Boundary.WORD
                held, length, self._begun = [], 0, True
        if held:
            self._begun = True
            yield tuple(held), Boundary.SENTENCE
