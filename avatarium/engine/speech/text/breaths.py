"""What a short text became that is read out at length, in parts of which each is soon made."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace

from avatarium.engine.speech.text.prepare import Sentence, Token
from avatarium.engine.speech.text.sentences import Boundary

LONGEST_BREATH = 320
"""Spoken characters, about 20 s. A written sentence has 240 at most, but 240 digits or emoji are read for minutes."""
LONGEST_TOKEN = 80
"""Spoken characters of one token, where its sentence is too long."""


def breaths(sentence: Sentence) -> Iterator[Sentence]:
    """A sentence as it is, or in parts of like length where it is too long; cut between words.

    Of a token that is cut, all that was written stands in its last part: only then it was wholly said.
    """
    total = sum(_length(token) for token in sentence.tokens)
    if total <= LONGEST_BREATH:
        yield sentence
        return
    parts = list(_filled(sentence.tokens, total / math.ceil(total / LONGEST_BREATH)))
    last = len(parts) - 1
    for at, tokens in enumerate(parts):
        yield replace(
            sentence,
            tokens=tokens,
            boundary=sentence.boundary if at == last else Boundary.WORD,
            pause_before_s=0.0 if at else sentence.pause_before_s,
            pause_after_s=sentence.pause_after_s if at == last else None,
        )


def _filled(tokens: Sequence[Token], size: float) -> Iterator[tuple[Token, ...]]:
    held: list[Token] = []
    length = 0
    for token in (part for whole in tokens for part in _cut(whole)):
        if held and length + _length(token) > size:
            yield tuple(held)
            held, length = [], 0
        held.append(token)
        length += _length(token)
    yield tuple(held)


def _length(token: Token) -> int:
    # Capitals and figures that are left may be spelled, at about three letters each.
    return len(token.spoken) + 1 + 2 * sum(c.isupper() or c.isdigit() for c in token.spoken)


def _cut(token: Token) -> Iterator[Token]:
    *before, last = textwrap.wrap(token.spoken, LONGEST_TOKEN, break_on_hyphens=False) or [token.spoken]
    yield from (Token(written="", spoken=part) for part in before)
    yield Token(written=token.written, spoken=last)
