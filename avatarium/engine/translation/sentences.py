"""Sentences of a text, and what must be the same in both languages: numbers, placeholders, how a sentence begins."""

from __future__ import annotations

import re
from collections.abc import Callable

_ABBREVIATIONS = re.compile(
    r"dra?|mrs?|ms|sra?|sta?|prof|vs|etc|nº|vol|fig|approx|inc|ltd|jr|e\.g|i\.e|p\.m|a\.m|u\.s|ave|gen|col|rev|hon",
    re.IGNORECASE,
)
_END = re.compile(r"([.!?…。！？]+[\"'”’»)\]]*)(\s+|$)|([。！？]+[」』]?)")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_PLACEHOLDER = re.compile(r"\{[^{}\n]{1,60}\}|%\([a-z_]+\)[sd]|https?://\S+|\S+@\S+\.\S+")
_MARK = "X{}X"
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order; a text without an end is one."""
    found: list[str] = []
    start = 0
    for match in _END.finditer(text):
        piece = text[start : match.end()].strip()
        if piece and not _abbreviated(piece):
            found.append(piece)
            start = match.end()
    rest = text[start:].strip()
    return [*found, rest] if rest else found


def _abbreviated(piece: str) -> bool:
    last = piece.rsplit(None, 1)[-1]
    if not last.endswith(".") or last.endswith(".."):
        return False
    word = last[:-1].lstrip("(\"'¿¡")
    return bool(_ABBREVIATIONS.fullmatch(word)) or (len(word) == 1 and word.isalpha())


def by_sentence(texts: list[str], work: Callable[[list[str]], list[str]], *, join: str = " ") -> list[str]:
    """Have all sentences of some texts worked on at once, and put each text together again."""
    cut = [sentences(text) for text in texts]
    done = iter(work([sentence for parts in cut for sentence in parts]))
    return [join.join(part for part in (next(done) for _ in parts) if part) for parts in cut]


def hide(text: str) -> tuple[str, list[str]]:
    """A text whose placeholders and addresses are names that no engine translates, and what they were."""
    kept: list[str] = []

    def name(match: re.Match[str]) -> str:
        kept.append(match.group())
        return _MARK.format(len(kept) - 1)

    return _PLACEHOLDER.sub(name, text), kept


def show(text: str, kept: list[str]) -> str:
    """What :func:`hide` hid, in its place again."""
    for number, placeholder in enumerate(kept):
        text = text.replace(_MARK.format(number), placeholder).replace(_MARK.format(number).lower(), placeholder)
    return text


def numbers(text: str) -> list[str]:
    """The numbers of a text by their digits alone: 25.99 and 25,99 are one."""
    return [re.sub(r"\D", "", number) for number in _NUMBER.findall(text)]


def with_numbers_of(source: str, text: str) -> str:
    """A translation with the numbers of its source where an engine wrote others."""
    wanted, found = _NUMBER.findall(source), _NUMBER.findall(text)
    if len(wanted) != len(found) or sorted(numbers(source)) == sorted(numbers(text)):
        return text
    replaced = iter(
        theirs if _digits(theirs) == _digits(ours) else ours for ours, theirs in zip(wanted, found, strict=True)
    )
    return _NUMBER.sub(lambda _: next(replaced), text)


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number)


def finished(source: str, text: str, target: str) -> str:
    """A translated sentence that begins and ends as the source does, in the manner of its language."""
    text = re.sub(r"\s+([,.;!?…])", r"\1", " ".join(text.split()))
    if not text or not source:
        return text
    if source[0].isupper() and text[0].islower():
        text = text[0].upper() + text[1:]
    end, own = source.rstrip("\"'”’»)")[-1:], text.rstrip("\"'”’»)")[-1:]
    if end in ".!?…" and own not in ".!?…" and not _WIDE.search(text):
        text += end
    return _opened(text) if target == "es" else text.replace("¿", "").replace("¡", "")


def _opened(text: str) -> str:
    """Spanish opens its questions and exclamations too."""
    for opening, closing in (("¿", "?"), ("¡", "!")):
        if closing in text and opening not in text:
            text = opening + text[0].upper() + text[1:]
    return text
