"""Words of a line from left to right as they are seen (Unicode 15, UAX 9), word by word.

What stands inside a word is put in order by FriBiDi when the word is drawn. Here are the words put in order, so that
each can be drawn, and lit up, by itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A word of a line, or the punctuation at its edge."""

    text: str
    start: int
    """Where it begins in the line."""
    backward: bool
    """Whether it runs from right to left."""
    spaced: bool
    """Whether a blank lies before it."""


def runs_backward(text: str) -> bool:
    """Whether more letters of a text run from right to left than from left to right."""
    kinds = [_direction(character) for character in text]
    return kinds.count("R") > kinds.count("L")


def in_visual_order(line: str, *, backward: bool) -> tuple[Part, ...]:
    """The parts of a line from left to right; ``spaced`` of each then says whether a blank lies to its left.

    Args:
        backward: whether the text that the line is from runs from right to left.
    """
    groups = [list(group) for _, group in groupby(_resolved(line, backward), lambda part: part.backward)]
    ordered: list[Part] = []
    for group in reversed(groups) if backward else groups:
        ordered += _seen(group)
    return tuple(_respaced(ordered, groups, backward))


def _seen(group: list[Part]) -> list[Part]:
    """One direction's parts from left to right; the blank before each now lies to its left."""
    if not group[0].backward:
        return group
    turned = group[::-1]
    return [replace(part, spaced=i > 0 and turned[i - 1].spaced) for i, part in enumerate(turned)]


def _respaced(ordered: list[Part], groups: list[list[Part]], backward: bool) -> Iterator[Part]:
    """With the blanks between groups: those lie where one group ends on the screen and the next begins."""
    between = [group[0].spaced for group in groups[1:]]
    edges = iter(reversed(between) if backward else between)
    before: Part | None = None
    for part in ordered:
        if before is None:
            yield replace(part, spaced=False)
        else:
            same = part.backward == before.backward
            yield part if same else replace(part, spaced=next(edges))
        before = part


def _resolved(line: str, backward: bool) -> list[Part]:
    """The words with the direction of each; numbers and signs take that of what is around them."""
    parts = list(_parted(line, backward))
    strong = [_direction_of(part.text) for part in parts]
    base = "R" if backward else "L"
    told: list[Part] = []
    for i, part in enumerate(parts):
        before = next((kind for kind in reversed(strong[:i]) if kind), base)
        after = next((kind for kind in strong[i + 1 :] if kind), base)
        number = any(character.isdigit() for character in part.text)
        kind = strong[i] or (before if number or before == after else base)
        told.append(replace(part, backward=kind == "R"))
    return told


def _parted(line: str, backward: bool) -> Iterator[Part]:
    """Words; from those that run against the line, the signs at their edges are parted, which run with it."""
    for found in _WORD.finditer(line):
        word, start = found.group(), found.start()
        kind = _direction_of(word)
        if not kind or (kind == "R") == backward:
            yield Part(text=word, start=start, backward=kind == "R", spaced=start > 0)
            continue
        head = next(i for i, character in enumerate(word) if _held(character))
        tail = len(word) - next(i for i, character in enumerate(reversed(word)) if _held(character))
        cuts = [(a, b) for a, b in ((0, head), (head, tail), (tail, len(word))) if a < b]
        for a, b in cuts:
            yield Part(text=word[a:b], start=start + a, backward=kind == "R", spaced=start > 0 and a == 0)


def _held(character: str) -> bool:
    """Whether a character belongs to the word itself: a letter, a digit, or a mark on one."""
    return unicodedata.category(character)[0] in "LNM"


def _direction_of(word: Iterable[str]) -> str:
    """``L`` or ``R`` by the first letter that has a direction, else empty."""
    return next((kind for character in word if (kind := _direction(character))), "")


def _direction(character: str) -> str:
    return {"L": "L", "R": "R", "AL": "R"}.get(unicodedata.bidirectional(character), "")
