"""Japanese into phonemes: words and readings by MeCab with the dictionary of Open JTalk, kana by misaki's table.

The dictionary is NAIST-jdic as pyopenjtalk-plus enlarges it (BSD), 107 MB, fetched when Japanese is first spoken.
MeCab comes with fugashi (MIT). Words of Latin letters are read in English.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avatarium.engine.assets import default_store
from avatarium.engine.speech.g2p.foreign import english_signs, is_latin
from avatarium.engine.speech.g2p.kana import katakana, signs_of_kana
from avatarium.engine.speech.g2p.transcript import Transcript, transcript
from avatarium.engine.speech.g2p.unspaced import Line, line_of
from avatarium.engine.speech.text.prepare import Token

_PRONOUNCED = 8
"""Where the dictionary says how a word is pronounced, in katakana."""
_DEVOICED = "’"
_MARKS = {
    "、": ", ",
    "。": ". ",
    ",": ", ",
    ".": ". ",
    "!": "! ",
    "?": "? ",
    ":": ": ",
    ";": "; ",
    "…": "… ",
    "—": "— ",
}
_OPENING = frozenset("(“")
_CLOSING = frozenset(")”")
_SETTINGS = Path(__file__).with_name("mecabrc")
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Morpheme:
    """One word of the dictionary in a line."""

    surface: str
    start: int
    kind: str
    """Part of speech: 名詞, 動詞, 助詞 and so on."""
    detail: str
    kana: str
    """How it is pronounced, in katakana; empty where nobody knows."""


def morphemes(line: str) -> list[Morpheme]:
    """The words of a line. Safe in several threads.

    Raises:
        AssetError: the dictionary cannot be had.
    """
    with _one_at_a_time:
        nodes = [(node.surface, tuple(node.feature)) for node in _tagger()(line)]
    found: list[Morpheme] = []
    at = 0
    for surface, feature in nodes:
        at = line.index(surface, at)
        known = feature[_PRONOUNCED] if len(feature) > _PRONOUNCED else "*"
        kana = katakana(surface) if known == "*" else known.replace(_DEVOICED, "")
        found.append(Morpheme(surface=surface, start=at, kind=feature[0], detail=feature[1], kana=kana))
        at += len(surface)
    return found


def japanese_words(line: str) -> list[str]:
    """A line in words, which put together are the line: verbs with their endings, nouns with their suffixes."""
    starts = [word[0].start for word in _words(morphemes(line))]
    return [line[a:b] for a, b in zip([0, *starts[1:]], [*starts[1:], len(line)], strict=True)] if starts else [line]


def transcribe_japanese(tokens: Sequence[Token]) -> Transcript:
    """Phonemes of a sentence; words are read in their context."""
    line = line_of(tokens)
    pairs: list[tuple[str, int | None]] = []
    for word in _words(morphemes(line.text)):
        pairs += _spoken(word, line)
    return transcript(pairs)


def _spoken(word: Sequence[Morpheme], line: Line) -> Iterator[tuple[str, int | None]]:
    surface = "".join(part.surface for part in word)
    if not any(c.isalnum() for c in surface):
        yield "".join(_MARKS.get(c, _bracket(c)) for c in surface), None
        return
    for part in word:
        signs = english_signs(part.surface) if is_latin(part.surface) else signs_of_kana(part.kana)
        yield signs, line.owners[part.start]
    yield " ", None


def _bracket(sign: str) -> str:
    if sign in _OPENING:
        return f" {sign}"
    return f"{sign} " if sign in _CLOSING else ""


def _words(parts: Sequence[Morpheme]) -> list[list[Morpheme]]:
    words: list[list[Morpheme]] = []
    for part in parts:
        if words and _leans(part, words[-1][-1]):
            words[-1].append(part)
        else:
            words.append([part])
    return words


def _leans(part: Morpheme, before: Morpheme) -> bool:
    """Whether it is spoken as one word with what stands before it."""
    if not part.surface[0].isalnum() or not before.surface[-1].isalnum():
        return False
    if is_latin(part.surface) or is_latin(before.surface):
        return False
    if before.kind == "接頭詞" or part.detail in ("接尾", "非自立") and before.kind != "助詞":
        return True
    return before.kind in ("動詞", "助動詞", "形容詞") and (part.kind == "助動詞" or part.detail == "接続助詞")


@functools.cache
def _tagger() -> Any:
    from fugashi import GenericTagger

    return GenericTagger(f'-r "{_SETTINGS}" -d "{default_store().path("japanese-dictionary")}"')
