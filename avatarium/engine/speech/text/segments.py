"""Where words begin and end in what is written, also where no blanks tell it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from avatarium.engine.speech.text.tracked import Span, Tracked
from avatarium.engine.speech.tongues import UNSPACED

_BLANKS_APART = re.compile(r"\S+")


def written_words(text: str, language: str) -> list[Span]:
    """The words of a text, each with the marks that cling to it."""
    runs = [m.span() for m in _BLANKS_APART.finditer(text)]
    if language not in UNSPACED:
        return runs
    return [span for start, end in runs for span in _inside(text[start:end], start, language)]


def words_apart(text: Tracked, language: str) -> Tracked:
    """Blanks between the words of a text."""
    ends = [end for _, end in written_words(text.text, language)]
    return text.edited((end, end, " ") for end in ends[:-1] if not text.text[end].isspace())


def _inside(run: str, start: int, language: str) -> Iterator[Span]:
    """The words of a run without blanks; marks go to the word before them, brackets that open to the one after."""
    held: Span | None = None
    for first, last in _pieces(run, language):
        spoken = any(c.isalnum() for c in run[first:last])
        if held and (not spoken and not _opens(run[first]) or not any(c.isalnum() for c in run[held[0] : held[1]])):
            held = (held[0], last)
            continue
        if held:
            yield held[0] + start, held[1] + start
        held = (first, last)
    if held:
        yield held[0] + start, held[1] + start


def _opens(sign: str) -> bool:
    return sign in "(（「『“《【〈«"


def _pieces(run: str, language: str) -> Iterator[Span]:
    at = 0
    for word in _words(run, language):
        yield at, at + len(word)
        at += len(word)


def _words(run: str, language: str) -> list[str]:
    # Readers of words know the text's records, so they are looked up late.
    if language == "ja":
        from avatarium.engine.speech.g2p.japanese import japanese_words

        return japanese_words(run)
    from avatarium.engine.speech.g2p.chinese import chinese_words

    return chinese_words(run)
