"""What a question asks, together with what it leans on: "And how much is it?" needs the question before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from avatarium.streaming.brain.evidence import wanted_by
from avatarium.streaming.brain.words import telling, words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from avatarium.streaming.brain.memory import Memory

BEFORE_SHARE = 0.5
"""How much a word of the question before counts."""
ASKING_SHARE = 0.25
"""And how much one that only says what kind of thing is asked for, as ``cost`` in "How much does it cost?"."""
FEW_WORDS = 1
"""A question with no more telling words than this hardly stands alone."""

_LEANING = re.compile(
    r"\b(?:it|its|that|those|these|this|they|them|their|there|he|she|his|her|one|ones|both|same|else|instead)\b|"
    r"^\W*(?:and|or|but|so|what about|how about|why|then|also)\b|"
    r"^\W*(?:und|oder|aber|warum|et|ou|mais|pourquoi|y|pero|e|mas|ma|en|maar|а|и|но)\b|"
    r"\b(?:das|dies|diese[rsmn]?|dort|dazu|davon|ça|cela|celui|celle|là|eso|esto|esa|ese|allí|ello|isso|isto)\b|"
    r"\b(?:esse|essa|lá|questo|quello|quella|dat|die|daar|это|этот|эта|там)\b|"
    r"那个|這個|这个|它|それ|そこ|これ|그것|거기",
    re.IGNORECASE,
)
_NEW_MATTER = 3
"""Telling words from which a question names its own matter, whatever pronouns it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question made ready for the search."""

    text: str
    readings: tuple[str, ...]
    """Texts whose meaning is looked for; the best counts."""
    words: Mapping[str, float]
    """Telling words, with the share that each counts."""
    exact: tuple[str, ...] = ()
    """Names and numbers of the question, for which nothing else can stand."""
    said: str = ""
    """The answer that was just given, where this question follows it up."""


def query_of(question: str, memory: Memory, language: str) -> Query:
    """A question with what it leans on; ``language`` is that of the context."""
    own = dict.fromkeys(telling(question, language), 1.0)
    last = memory.last
    if last is None or not _leans(question, len(own)):
        return Query(text=question, readings=(question,), words=own, exact=_exact(question, language))
    own = {word: ASKING_SHARE if wanted_by(word) else share for word, share in own.items()}
    before = dict.fromkeys(telling(last.question, language), BEFORE_SHARE)
    return Query(
        text=question,
        readings=(f"{last.question} {question}", *([question] if own else [])),
        words=before | own,
        exact=_exact(question, language),
        said=last.answer,
    )


_NAME = re.compile(r"(?<=[^.!?\s] )(?!I\b)[A-Z][\w’'-]+|\b[A-Z]{2,}\b|\d[\d.,]*")


def _exact(question: str, language: str) -> tuple[str, ...]:
    """Told by capitals, so in English alone: in German every noun has one."""
    if language != "en" or question.isupper() or question.istitle():
        return ()
    return tuple(word for match in _NAME.finditer(question) for word in words(match.group()))


def _leans(question: str, count: int) -> bool:
    if count <= FEW_WORDS:
        return True
    return count < _NEW_MATTER and _LEANING.search(question) is not None
