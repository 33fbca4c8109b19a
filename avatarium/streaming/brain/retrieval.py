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
from avatarium.streaming.brain.evidence import STRICT, Wanted, has, role_asked, wanted_by
from avatarium.streaming.brain.followups import Query
from avatarium.streaming.brain.words import Lexicon, Weights, likeness, words

Embed = Callable[[Sequence[str]], NDArray[np.float32]]

BATCH_CHARACTERS = 800
"""That are embedded without giving way to others, about a tenth of a second."""
ASKED_MAX = 48
"""Words of a question that are looked for, those that tell most; a minute of speech has as many."""
BLOCK_CHARACTERS = 450
"""A list that is not longer can be the answer as a whole."""
WORDS_SHARE = 0.3
"""What shared words may add to a cosine."""
EVIDENCE_BONUS = 0.06
PLACE_BONUS = 0.25
LIST_BONUS = 0.2
STRICT_BONUS = 0.35
EVIDENCE_LACKING = 0.12
STRICT_LACKING = 0.4
"""Also taken off where a person of some office is asked for, and the office is not named."""
AGAIN = 0.1
"""Taken off what was said just before, where a question follows it up."""
SHORT_PASSAGE = 160
"""Characters; a passage of two sentences that is not longer is told as a whole."""
NAMED = 0.8
"""Share of a question's words in a heading from which all that stands below it is meant."""
ALONGSIDE = 0.75
"""Share of the best sentence's score from which the sentence beside it belongs to the answer."""
ASIDE = 0.5
"""Share below which a sentence of the best window does not."""
LONGEST_SPAN = 3
SMALLER = 0.01
"""Taken off for each sentence beyond the first, so that of two equals the shorter answers."""


_HELD = 0.7
"""Likeness from which a word counts as standing in a text."""


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
    """A context to be searched. Immutable once it has read; may then be searched from several threads.

    Args:
        passages: of the context.
        embed: the sentence embedding; None searches by words alone.
        language: of the context.
    """

    def __init__(self, passages: Sequence[Passage], embed: Embed | None, language: str) -> None:
        self.passages = tuple(passages)
        self.units = tuple(unit for passage in passages for unit in _units(passage))
        self._weights = Weights([unit.words for unit in self.units])
        self._lexicon = Lexicon()
        self._unit_words = [self._lexicon.numbers_of(unit.words) for unit in self.units]
        self._titles = [
            self._lexicon.numbers_of(words(unit.passage.heading) if _is_block(unit) else ()) for unit in self.units
        ]
        self.language = language
        self._embed = embed
        self._bounds = BY_MEANING if embed else BY_WORDS
        self._vectors = np.zeros((0, 1), np.float32)
        self._owners = np.array([i for i, unit in enumerate(self.units) for _ in _read_as(unit)], np.int64)

    def read(self) -> Iterator[None]:
        """Embed what is to be searched, before the first search: a little more at each step."""
        if self._embed is None or not self.units:
            return
        vectors: list[NDArray[np.float32]] = []
        for batch in _batches([text for unit in self.units for text in _read_as(unit)]):
            vectors.append(self._embed(batch))
            yield
        self._vectors = np.concatenate(vectors)

    def search(self, query: Query, *, count: int = 3) -> list[Hit]:
        """The best units, best first; those that overlap a better one are left out. Empty for an empty context."""
        if not self.units:
            return []
        scores = self._scores(query)
        best: list[Hit] = []
        for i in np.argsort(-scores, kind="stable"):
            unit = self._shaped(self.units[i], scores)
            if not any(_overlap(unit, hit.unit) for hit in best):
                best.append(Hit(unit=unit, score=float(scores[i]), trust=self._trust(unit, float(scores[i]), query)))
            if len(best) == count:
                break
        return best

    def _shaped(self, unit: Unit, scores: NDArray[np.float64]) -> Unit:
        """Prose without sentences that only stand beside the answer, and with those that belong to it."""
        if unit.passage.kind is not Kind.PROSE:
            return unit
        if len(unit.passage.sentences) <= 2 and sum(map(len, unit.passage.sentences)) <= SHORT_PASSAGE:
            return replace(unit, first=0, last=len(unit.passage.sentences))
        alone = self._alone(unit.passage, scores)
        top = max(alone[unit.first : unit.last])
        first, last = unit.first, unit.last
        while last - first > 1 and alone[last - 1] < ASIDE * top:
            last -= 1
        while last - first > 1 and alone[first] < ASIDE * top:
            first += 1
        while first and last - first < LONGEST_SPAN and alone[first - 1] >= ALONGSIDE * top:
            first -= 1
        while last < len(alone) and last - first < LONGEST_SPAN and alone[last] >= ALONGSIDE * top:
            last += 1
        return replace(unit, first=first, last=last)

    def _alone(self, passage: Passage, scores: NDArray[np.float64]) -> list[float]:
        """The scores of a passage's single sentences."""
        pairs = zip(self.units, scores, strict=True)
        return [float(score) for unit, score in pairs if unit.passage is passage and unit.last - unit.first == 1]

    def _trust(self, unit: Unit, score: float, query: Query) -> Trust:
        if score < self._bounds.related:
            return Trust.NONE
        exact = tuple(dict.fromkeys(query.exact))[:ASKED_MAX]
        strange = any(max((likeness(word, held) for held in unit.words), default=0.0) < _HELD for word in exact)
        return Trust.RELATED if strange or score < self._bounds.sure else Trust.SURE

    def _scores(self, query: Query) -> NDArray[np.float64]:
        weighed = {word: share * self._weights.of(word) for word, share in query.words.items()}
        asked = dict(sorted(weighed.items(), key=lambda one: -one[1])[:ASKED_MAX])
        likest = self._lexicon.likest(asked)
        shares = likest.coverage(self._unit_words)
        wanted, role = wanted_by(query.text), role_asked(query.text)
        corrections = np.array([_correction(unit, wanted, role, query.said) for unit in self.units])
        corrections += LIST_BONUS * (likest.coverage(self._titles) >= NAMED)
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


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for text in texts:
        if batch and sum(map(len, batch)) + len(text) > BATCH_CHARACTERS:
            yield batch
            batch = []
        batch.append(text)
    if batch:
        yield batch


def _is_block(unit: Unit) -> bool:
    """Whether it is a whole list."""
    return unit.passage.kind is Kind.LIST and unit.last - unit.first > 1


def _read_as(unit: Unit) -> tuple[str, ...]:
    """The texts whose vectors stand for a unit."""
    passage = unit.passage
    if passage.kind is Kind.PAIR:
        return (passage.question, f"{passage.question} {unit.text}")
    if passage.heading and _is_block(unit):
        return (passage.heading, f"{passage.heading}. {unit.text}")
    return (f"{passage.heading}. {unit.text}" if passage.heading else unit.text,)


def _correction(unit: Unit, wanted: frozenset[Wanted], role: str, said: str) -> float:
    text = f"{unit.passage.question} {unit.text}" if unit.passage.kind is Kind.PAIR else unit.text
    correction = 0.0 if unit.passage.kind is Kind.PAIR else -SMALLER * (unit.last - unit.first - 1)
    if said and unit.text in said:
        correction -= AGAIN
    if role and not any(likeness(role, word) >= _HELD for word in unit.words):
        correction -= STRICT_LACKING
    return correction + sum(_evidence(kind, unit, text) for kind in wanted)


def _evidence(kind: Wanted, unit: Unit, text: str) -> float:
    if kind is Wanted.LIST:
        return LIST_BONUS if _is_block(unit) else 0.0
    if kind is Wanted.PLACE:
        return PLACE_BONUS if has(kind, text) else 0.0
    if kind in STRICT:
        return STRICT_BONUS if has(kind, text) else -STRICT_LACKING
    return EVIDENCE_BONUS if has(kind, text) else -EVIDENCE_LACKING


def _overlap(a: Unit, b: Unit) -> bool:
    return a.passage is b.passage and a.first < b.last and b.first < a.last
