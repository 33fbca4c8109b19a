"""Words of Latin letters in a text of another script: names, mostly, which are read in English."""

from __future__ import annotations

import functools

from avatarium.engine.speech.g2p.english import transcribe_english
from avatarium.engine.speech.text.prepare import Token


def is_latin(word: str) -> bool:
    """Whether a word is written in Latin letters."""
    return any(c.isalpha() for c in word) and all(ord(c) < 0x250 for c in word if c.isalpha())


@functools.lru_cache(maxsize=4096)
def english_signs(word: str) -> str:
    """Signs of the voices' alphabet for an English word."""
    return transcribe_english([Token(written=word, spoken=word)]).signs.strip()
