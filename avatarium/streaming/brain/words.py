"""How far two texts share their words: no model, any language.

Words are compared without case and accents, and softly: ``cancel`` is much like ``cancellation``. Writings without
spaces are compared by pairs of characters. Words that a context holds rarely weigh more (inverse document frequency).
"""

from __future__ import annotations

import functools
import math
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]

_WORD = re.compile(r"[^\W_]+(?:[’'][^\W_]+)*")
_NUMBER_GROUP = re.compile(r"(?<=\d)[.,\u00a0\u202f' ](?=\d{3}(?!\d))")
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uff66-\uff9f]+"
)
_EQUAL = 1.0
_STEM = 0.9
_KIN = 0.7
_PART = 0.7
_ELIDED = frozenset(["s", "t", "d", "l", "m", "qu", "n", "j", "c", "re", "ll", "ve"])
"""What is left of a word before or after its apostrophe."""
_SHORTEST_STEM = 4
_SHORTEST_PART = 5
_KIN_SHARE = 0.66


def words(text: str) -> tuple[str, ...]:
    """The words of a text in the form in which they are compared, function words included."""
    plain = _folded(_NUMBER_GROUP.sub("", unicodedata.normalize("NFKC", text)))
    found: list[str] = []
    for match in _WORD.finditer(plain):
        word = match.group().replace("’", "'")
        if _UNSPACED.search(word):
            found.extend(_pairs(word))
        else:
            found.extend(_parted(word))
    return tuple(found)


def telling(text: str, language: str) -> tuple[str, ...]:
    """The words that say what a text is about, each once."""
    return tuple(dict.fromkeys(word for word in words(text) if word not in function_words(language)))


@functools.cache
def function_words(language: str) -> frozenset[str]:
    """Words that only hold sentences together, in a language; of all that are known where it is none of them."""
    table = tomllib.loads(resources.files(__package__).joinpath("function_words.toml").read_text(encoding="utf-8"))
    listed = table.get(language.split("-")[0].lower()) or " ".join(table.values())
    return frozenset(_folded(word) for word in listed.split()) | _ELIDED


@functools.lru_cache(maxsize=20_000)
def likeness(asked: str, written: str) -> float:
    """0 to 1: how far one word may stand for another."""
    if asked == written:
        return _EQUAL
    short, long = sorted((asked, written), key=len)
    if len(short) < _SHORTEST_STEM or any(map(str.isdigit, short)):
        return 0.0
    shared = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if shared == len(short):
        return _STEM if len(long) <= 2 * len(short) else _KIN
    if shared >= _SHORTEST_STEM and shared >= _KIN_SHARE * len(short) and shared >= len(long) / 2:
        return _KIN
    return _PART if len(short) >= _SHORTEST_PART and short in long else 0.0


class Weights:
    """How telling each word is in one context."""

    def __init__(self, texts: Sequence[Sequence[str]]) -> None:
        counted = Counter(word for text in texts for word in set(text))
        total = max(len(texts), 1)
        self._weights = {word: math.log(1 + total / count) for word, count in counted.items()}
        self._unknown = math.log(1 + 2 * total)

    def of(self, word: str) -> float:
        """Weight of a word; one that the context does not hold is as telling as they come."""
        return self._weights.get(word) or self._unknown


class Lexicon:
    """The words of many texts, each of them compared with what is asked for once."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def numbers_of(self, written: Iterable[str]) -> Numbers:
        """The words of a text, as :meth:`Asked.coverage` takes them."""
        return np.array([self._numbers.setdefault(word, len(self._numbers)) for word in set(written)], np.int64)

    def likest(self, asked: Mapping[str, float]) -> Asked:
        """Words with weights, made ready to be looked for."""
        alike = [[likeness(word, one) for one in self._numbers] for word in asked]
        return Asked(np.array(list(asked.values())), np.array(alike).reshape(len(asked), len(self._numbers)))


class Asked:
    """What is asked for, against all words of a lexicon."""

    def __init__(self, weights: NDArray[np.float64], alike: NDArray[np.float64]) -> None:
        self._weights = weights
        self._alike = alike

    def coverage(self, texts: Sequence[Numbers]) -> NDArray[np.float64]:
        """Share, 0 to 1, of what is asked for that each text takes up."""
        total = self._weights.sum()
        if not total:
            return np.zeros(len(texts))
        held = np.array([self._alike[:, numbers].max(axis=1, initial=0.0) for numbers in texts])
        shares: NDArray[np.float64] = held @ self._weights / total
        return shares


def _folded(text: str) -> str:
    """Without case and without accents; marks that are vowels of their own (of Indic scripts) stay."""
    split = unicodedata.normalize("NFD", text.casefold())
    return unicodedata.normalize("NFC", "".join(c for c in split if not "\u0300" <= c <= "\u036f"))


def _parted(word: str) -> list[str]:
    """``l'hôtel`` is asked for as ``hôtel``; ``don't`` is one word."""
    head, mark, tail = word.partition("'")
    return [tail] if mark and len(head) <= 2 and len(tail) > 2 else [word]


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]
