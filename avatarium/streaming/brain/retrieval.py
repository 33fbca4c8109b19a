"""Finds the passage of a context that answers a question, or says that none does.

Units of the search are sentences, windows of two, whole lists and pairs of question and answer, each with its heading.
A unit's score is the cosine of its MiniLM vector with the question's, plus the share of the question's words that it
takes up, corrected by whether it has the kind of thing in it that is asked for (:mod:`evidence`). MiniLM knows English;
contexts in other languages are searched by their words alone.

The weights and bounds below were set on questions other than those that the bench counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from avatarium.streaming.brain.context import Kind, Passage
from avatarium.streaming.brain.evidence import STRICT, Wanted, has, wanted_by
from avatarium.streaming.brain.followups import Query
from avatarium.streaming.brain.words import Weights, coverage, words

Embed = Callable[[Sequence[str]], NDArray[np.float32]]

BLOCK_CHARACTERS = 450
"""A list that is not longer can be the answer as a whole."""
WORDS_SHARE = 0.3
"""What shared words may add to a cosine."""
EVIDENCE_BONUS = 0.06
EVIDENCE_LACKING = 0.12
STRICT_LACKING = 0.4
AGAIN = 0.1
"""Taken off what was said just before, where a question follows it up."""
SMALLER = 0.01
"""Taken off for each sentence beyond the first, so that of two equals the shorter answers."""


class Trust(Enum):
    """How surely a passage answers a question."""

    SURE = auto()
    RELATED = auto()
    """About the same matter; whether it answers is not certain."""
    NONE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Scores from which a passage counts."""

    sure: float
    related: float


BY_MEANING = Bounds(sure=0.50, related=0.40)
BY_WORDS = Bounds(sure=0.55, related=0.42)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Something that can be an answer: sentences ``first`` to ``last`` of a passage."""

    passage: Passage
    first: int
    last: int
    words: tuple[str, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """Its own sentences."""
        return self.passage.sentences[self.first : self.last]

    @property
    def text(self) -> str:
        """Its own sentences, as one text."""
        return " ".join(self.sentences)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A unit with how well it answers."""

    unit: Unit
    score: float
    trust: Trust


class Index:
    """A context made ready to be searched. Immutable; may be searched from several threads.

    Args:
        passages: of the context.
        embed: the sentence embedding; None searches by words alone.
        language: of the context.
    """

    def __init__(self, passages: Sequence[Passage], embed: Embed | None, language: str) -> None:
        self.passages = tuple(passages)
        self.units = tuple(unit for passage in passages for unit in _units(passage))
        self._weights = Weights([unit.words for unit in self.units if unit.last - unit.first == 1])
        self.language = language
        self._embed = embed
        self._bounds = BY_MEANING if embed else BY_WORDS
        texts = [text for unit in self.units for text in _read_as(unit)]
        self._vectors = embed(texts) if embed and texts else np.zeros((0, 1), np.float32)
        self._owners = np.array([i for i, unit in enumerate(self.units) for _ in _read_as(unit)], np.int64)

    def search(self, query: Query, *, count: int = 3) -> list[Hit]:
        """The best units, best first; those that overlap a better one are left out. Empty for an empty context."""
        if not self.units:
            return []
        scores = self._scores(query)
        best: list[Hit] = []
        for i in np.argsort(-scores, kind="stable"):
            unit = self.units[i]
            if not any(_overlap(unit, hit.unit) for hit in best):
                best.append(Hit(unit=unit, score=float(scores[i]), trust=self._trust(float(scores[i]))))
            if len(best) == count:
                break
        return best

    def _trust(self, score: float) -> Trust:
        if score >= self._bounds.sure:
            return Trust.SURE
        return Trust.RELATED if score >= self._bounds.related else Trust.NONE

    def _scores(self, query: Query) -> NDArray[np.float64]:
        asked = {word: share * self._weights.of(word) for word, share in query.words.items()}
        shares = np.array([coverage(asked, unit.words) for unit in self.units])
        wanted = wanted_by(query.text)
        corrections = np.array([_correction(unit, wanted, query.said) for unit in self.units])
        if self._embed is None:
            return np.add(shares, corrections)
        return np.add(self._likenesses(query) + WORDS_SHARE * shares, corrections)

    def _likenesses(self, query: Query) -> NDArray[np.float64]:
        """Cosine of each unit with the question; of a pair, the better of its question and the whole."""
        assert self._embed is not None
        cosines: NDArray[np.float64] = (self._vectors @ self._embed(query.readings).T).max(axis=1).astype(np.float64)
        best = np.full(len(self.units), -1.0)
        np.maximum.at(best, self._owners, cosines)
        return best


def _units(passage: Passage) -> Iterator[Unit]:
    count = len(passage.sentences)
    if passage.kind is Kind.PAIR:
        yield _unit(passage, 0, count)
        return
    for first in range(count):
        yield _unit(passage, first, first + 1)
    if passage.kind is Kind.PROSE:
        for first in range(count - 1):
            yield _unit(passage, first, first + 2)
    elif count > 1 and sum(map(len, passage.sentences)) <= BLOCK_CHARACTERS:
        yield _unit(passage, 0, count)


def _unit(passage: Passage, first: int, last: int) -> Unit:
    unit = Unit(passage=passage, first=first, last=last, words=())
    return replace(unit, words=words(f"{passage.heading} {passage.question} {unit.text}"))


def _read_as(unit: Unit) -> tuple[str, ...]:
    """The texts whose vectors stand for a unit."""
    passage = unit.passage
    if passage.kind is Kind.PAIR:
        return (passage.question, f"{passage.question} {unit.text}")
    return (f"{passage.heading}. {unit.text}" if passage.heading else unit.text,)


def _correction(unit: Unit, wanted: frozenset[Wanted], said: str) -> float:
    text = f"{unit.passage.question} {unit.text}" if unit.passage.kind is Kind.PAIR else unit.text
    off = SMALLER * (unit.last - unit.first - 1) if unit.passage.kind is not Kind.PAIR else 0.0
    off += AGAIN if said and unit.text in said else 0.0
    for kind in wanted:
        lacking = STRICT_LACKING if kind in STRICT else EVIDENCE_LACKING
        off += -EVIDENCE_BONUS if has(kind, text) else lacking
    return -off


def _overlap(a: Unit, b: Unit) -> bool:
    return a.passage is b.passage and a.first < b.last and b.first < a.last
