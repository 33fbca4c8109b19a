"""What a short text became that is read out at length, in parts of which each is soon made."""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from avatarium.engine.speech.g2p.transcript import Transcriber
from avatarium.engine.speech.text.prepare import Sentence, Token
from avatarium.engine.speech.text.sentences import Boundary

LONGEST_BREATH = 320
"""Spoken characters, and signs of phonemes at normal speed: about 20 s. A written sentence has 240 characters at most,
but 240 digits or emoji are read for minutes, and so are words that nobody can pronounce, which are spelled."""
LONGEST_TOKEN = 80
"""Spoken characters of one token, where its sentence is too long."""

Lengths = Callable[[Sequence[Token]], list[int]]


def breaths(sentence: Sentence, transcribe: Transcriber, *, rate: float = 1.0) -> Iterator[Sentence]:
    """A sentence as it is, or in parts of like length where it is too long; cut between words.

    Of a token that is cut, all that was written stands in its last part: only then it was wholly said.

    Args:
        sentence: of a script.
        transcribe: the front end, which alone knows what it spells.
        rate: speed; what is said slowly is cut sooner.
    """
    # By characters first, so that the front end is given no more than one breath at a time.
    for part in _parts(sentence, _characters, LONGEST_BREATH):
        yield from _parts(part, partial(_signs, transcribe), round(LONGEST_BREATH * min(rate, 1.0)))


def _parts(sentence: Sentence, lengths: Lengths, longest: int) -> Iterator[Sentence]:
    sizes = lengths(sentence.tokens)
    if sum(sizes) <= longest:
        yield sentence
        return
    tokens = [part for token, size in zip(sentence.tokens, sizes, strict=True) for part in _cut(token, size, longest)]
    sizes = lengths(tokens)
    parts = list(_filled(tokens, sizes, sum(sizes) / math.ceil(sum(sizes) / longest)))
    last = len(parts) - 1
    for at, held in enumerate(parts):
        yield replace(
            sentence,
            tokens=held,
            boundary=sentence.boundary if at == last else Boundary.WORD,
            pause_before_s=0.0 if at else sentence.pause_before_s,
            pause_after_s=sentence.pause_after_s if at == last else None,
        )


def _filled(tokens: Sequence[Token], sizes: Sequence[int], most: float) -> Iterator[tuple[Token, ...]]:
    held: list[Token] = []
    length = 0
    for token, size in zip(tokens, sizes, strict=True):
        if held and length + size > most:
            yield tuple(held)
            held, length = [], 0
        held.append(token)
        length += size
    yield tuple(held)


def _characters(tokens: Sequence[Token]) -> list[int]:
    return [len(token.spoken) + 1 for token in tokens]


def _signs(transcribe: Transcriber, tokens: Sequence[Token]) -> list[int]:
    counts = Counter(transcribe(tokens).owners)
    return [counts[at] + 1 for at in range(len(tokens))]


def _cut(token: Token, size: int, longest: int) -> Iterator[Token]:
    width = min(LONGEST_TOKEN, math.ceil(len(token.spoken) / math.ceil(size / longest)))
    *before, last = textwrap.wrap(token.spoken, max(width, 1), break_on_hyphens=False) or [token.spoken]
    yield from (Token(written="", spoken=part) for part in before)
    yield Token(written=token.written, spoken=last)
