"""Whether a text that a model has worded says only what its passages say, as far as numbers, names and a "not" go.

The check is strict: what it turns down is replaced by the passage itself, which costs nothing but elegance.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from avatarium.streaming.brain.words import likeness, words

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
)
_SPELLED = {name: str(value) for value, name in enumerate(f"{_ONES} eighteen nineteen".split())} | {
    name: str(value)
    for value, name in zip(
        (20, 30, 40, 50, 60, 70, 80, 90, 100, 1000),
        ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred", "thousand"),
        strict=True,
    )
}
_NUMBER = re.compile(r"\d+(?:[.,:\u00a0\u202f' ]\d+)*")
_NAME = re.compile(r"(?<=[^.!?:\s\"'“‘(] )(?!I\b|I['’])[A-ZÀ-ÖØ-ÞА-Я][\w’'-]*")
_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|neither|nor|without|cannot|unable|except|nicht|kein\w*|nie|niemand|ohne|ne|pas|jamais|"
    r"aucune?|sans|nunca|ningun[ao]?|sin|não|nem|sem|nenhum\w*|non|mai|nessun\w*|senza|niet|geen|нет|не|без)\b|n['’]t\b|[不没無无]|ません|ない",
    re.IGNORECASE,
)  # fmt: skip
_YES = re.compile(r"\W*(?:yes|yeah|sure|of course|certainly|ja|oui|sí|sim|sì|да)\b", re.IGNORECASE)
_HELD = 0.9


def is_grounded(text: str, passages: Iterable[str], question: str) -> bool:
    """Whether every number and name of a text stands in the passages or the question, and no "not" came in or went."""
    source = " ".join(passages)
    known = f"{source} {question}"
    return _numbers(text) <= _numbers(known) and _names_stand(text, known) and not _turned(text, source)


def _numbers(text: str) -> set[str]:
    digits = {re.sub(r"\D", "", match.group()) for match in _NUMBER.finditer(text)}
    return digits | {_SPELLED[word] for word in re.findall(r"[a-z]+", text.lower()) if word in _SPELLED}


def _names_stand(text: str, known: str) -> bool:
    held = set(words(known))
    names = (word for match in _NAME.finditer(text) for word in words(match.group()))
    return all(any(likeness(name, one) >= _HELD for one in held) for name in names)


def _turned(text: str, source: str) -> bool:
    """A negation that the passages do not have, or a yes where they have one."""
    negated = _NEGATION.search(source) is not None
    return (_NEGATION.search(text) is not None and not negated) or (_YES.match(text) is not None and negated)
