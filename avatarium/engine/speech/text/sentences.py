"""Long text into pieces that a voice can take in one breath."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from avatarium.engine.speech.text.locales import Locale
from avatarium.engine.speech.tongues import UNSPACED

LONGEST_PIECE = 240
"""Characters; a sentence that is longer is cut at a clause. 240 letters stay below the voices' 510 phonemes."""
LONGEST_UNSPACED_PIECE = 80
"""The same of Chinese and Japanese, whose characters are a syllable or two each."""
SHORTEST_PIECE = 25
"""A cut at a clause leaves at least this many characters on its left."""


class Boundary(Enum):
    """What a piece of text ends at."""

    WORD = auto()
    CLAUSE = auto()
    SENTENCE = auto()
    PARAGRAPH = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Text to be spoken in one go."""

    text: str
    boundary: Boundary


_END = re.compile(r"[.!?…।॥]+[\"'”’»)\]]*(?=\s)|[。！？｡．]+[」』）”’\"]*|\n+")
_CLAUSE = re.compile(r"(?<=[,;:—–،])\s+|\s+(?=[—–(])|(?<=[、，；：])")
_TERMINAL = frozenset(".!?…:;。！？।॥")
_WORD_BEFORE = re.compile(r"([^\s(\"'“‘«]+)$")
_STARTERS = frozenset(
    (
        "The",
        "A",
        "An",
        "He",
        "She",
        "It",
        "They",
        "We",
        "I",
        "You",
        "But",
        "And",
        "In",
        "On",
        "At",
        "This",
        "That",
        "If",
    )
)
"""Words that begin a sentence after ``U.S.``, which may end one or not."""
_WRAPPED_LINE = 50
"""Characters; a line this long that ends without punctuation was wrapped by an editor."""


def pieces(text: str, locale: Locale) -> Iterator[Piece]:
    """Sentences, one by one; those that are too long in several pieces."""
    longest = LONGEST_UNSPACED_PIECE if locale.language in UNSPACED else LONGEST_PIECE
    start = 0
    for end in _END.finditer(text):
        if not _ends(text, start, end, locale):
            continue
        yield from _cut(text[start : end.end()], _boundary(end.group()), longest)
        start = end.end()
    yield from _cut(text[start:], Boundary.SENTENCE, longest)


def opening(piece: Piece, longest: int) -> tuple[Piece, ...]:
    """The first sentence of a live voice: cut at its first clause when it is long, so that sound comes early."""
    if len(piece.text) <= longest:
        return (piece,)
    places = (m for m in _CLAUSE.finditer(piece.text, SHORTEST_PIECE // 2))
    place = next((m for m in places if m.start() <= longest), None)
    if place is None:
        return (piece,)
    head, tail = piece.text[: place.start()].strip(), piece.text[place.end() :].strip()
    if not (any(c.isalnum() for c in head) and any(c.isalnum() for c in tail)):
        return (piece,)
    return Piece(text=head, boundary=Boundary.CLAUSE), Piece(text=tail, boundary=piece.boundary)


def _boundary(mark: str) -> Boundary:
    return Boundary.PARAGRAPH if mark.count("\n") > 1 else Boundary.SENTENCE


def _ends(text: str, start: int, end: re.Match[str], locale: Locale) -> bool:
    before, after = text[start : end.start()], text[end.end() : end.end() + 40].lstrip()
    mark = end.group()
    if "\n" in mark:
        return mark.count("\n") > 1 or not _wrapped(before, after)
    if not after or mark[0] in "。！？｡．।॥":
        return True
    if after[0].islower():
        return False
    if mark[0] not in ".…":
        return True
    if mark[0] == "…" or mark.startswith(".."):
        return True
    word = _WORD_BEFORE.search(before)
    return word is None or not _abbreviates(word.group(1), before, after, locale)


def _wrapped(before: str, after: str) -> bool:
    line = before.rsplit("\n", 1)[-1].rstrip()
    if not line or not after or line[-1] in _TERMINAL:
        return False
    return after[0].islower() or len(line) >= _WRAPPED_LINE


def _abbreviates(word: str, before: str, after: str, locale: Locale) -> bool:
    if word in locale.titles or (word.lower() in locale.before_number and after[0] in "0123456789+("):
        return True
    if "." in word and word.isupper():
        return after.split(" ")[0] not in _STARTERS
    if len(word) == 1 and word.isupper() and word != "I":
        return True
    return word.isdigit() and len(word) <= 3 and not before[: -len(word)].strip()


def _cut(text: str, boundary: Boundary, longest: int) -> Iterator[Piece]:
    text = text.strip()
    while len(text) > longest:
        at, kind = _place(text, longest)
        head, text = text[:at].strip(), text[at:].strip()
        if head:
            yield Piece(text=head, boundary=kind)
    if text:
        yield Piece(text=text, boundary=boundary)


def _place(text: str, longest: int) -> tuple[int, Boundary]:
    clauses = [m.end() for m in _CLAUSE.finditer(text, SHORTEST_PIECE, longest)]
    if clauses:
        # Halves of like length sound better than a full breath and a scrap.
        aim = min(longest, len(text) // 2) if len(text) < 2 * longest else longest
        return min(clauses, key=lambda at: abs(at - aim)), Boundary.CLAUSE
    blank = max(text.rfind(" ", 1, longest), text.rfind("\n", 1, longest))
    return (blank if blank > 0 else longest), Boundary.WORD
