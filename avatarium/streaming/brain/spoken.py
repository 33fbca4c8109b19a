"""Text made fit to be spoken: no mark-up, no code, no addresses, no emoji; and a stream of text in sentences.

The words stay as they were written. Numbers, dates and signs are read out later, by the voice's own preparation.
"""

from __future__ import annotations

import re
import unicodedata

from avatarium.streaming.brain.context import ends_sentence, sentences

SENTENCE_MAX = 400
"""Characters after which a sentence without an end is spoken all the same."""

_FENCE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", re.DOTALL)
_THOUGHT = re.compile(r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")
_PICTURE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]+)\]\((?:[^()]|\([^()]*\))*\)")
_NOTE = re.compile(r"\[\^?\d+\]")
_ADDRESS = re.compile(r"(?:<)?\b(?:https?|ftp)://[^\s<>()]+[^\s<>().,;:!?](?:>)?|\bwww\.[^\s<>()]+[^\s<>().,;:!?]")
_LEAD = re.compile(r"^\s*(?:#{1,6}\s+|>\s?|[-*+•]\s+|\d{1,2}[.)]\s+(?=\D))+", re.MULTILINE)
_RULE = re.compile(r"^\s*(?:[-*_=]\s*){3,}$|^[\s|:\-]*\|[\s|:\-]*$", re.MULTILINE)
_CELL = re.compile(r"\s*\|\s*")
_STRONG = re.compile(r"(\*{1,3}|_{2,3}|~~|`)(?=\S)(.+?)(?<=\S)\1")
_SLANTED = re.compile(r"(?<!\w)_(?=\S)([^_]+?)(?<=\S)_(?!\w)")
_LEFTOVER = re.compile(r"[*`#]{2,}|(?<![\w\s])[*`]|[*`](?![\w\s])|(?<=\s)\*(?=\w)|(?<=\w)\*(?=\s|$)")
_EMPTY_BRACKETS = re.compile(r"\(\s*\)|\[\s*\]|<\s*>")
_BEFORE_MARK = re.compile(r"\s+([.,;:!?])(?!\w)")
_JOINERS = frozenset("\u200d\ufe0e\ufe0f\u20e3")


def speakable(text: str) -> str:
    """One line of text without anything that cannot be spoken; empty where nothing is left."""
    text = _FENCE.sub(" ", _THOUGHT.sub(" ", text))
    text = _LINK.sub(r"\1", _PICTURE.sub(r"\1", text))
    text = _TAG.sub(" ", _ADDRESS.sub(" ", _NOTE.sub("", text)))
    text = _LEAD.sub("", _RULE.sub("", text))
    for _ in range(2):
        text = _STRONG.sub(r"\2", text)
    text = _LEFTOVER.sub("", _SLANTED.sub(r"\1", text))
    text = _CELL.sub(", ", text.strip().strip("|")) if "|" in text else text
    text = "".join(c for c in text if not _picture(c))
    text = re.sub(r"\s+", " ", _EMPTY_BRACKETS.sub("", text))
    text = _BEFORE_MARK.sub(r"\1", text).strip()
    return text if any(c.isalnum() for c in text) else ""


def _picture(character: str) -> bool:
    """Emoji and dingbats, not the signs that a voice reads out (degrees, currency, plus)."""
    point = ord(character)
    if character in _JOINERS or 0x1F000 <= point <= 0x1FAFF or 0xE0000 <= point <= 0xE007F:
        return True
    return unicodedata.category(character) == "So" and 0x2190 <= point <= 0x2BFF


class SentenceStream:
    """Takes text as it comes and gives whole speakable sentences as soon as they are known."""

    def __init__(self) -> None:
        self._pending = ""

    def feed(self, text: str) -> list[str]:
        """More text; the sentences that are complete with it."""
        self._pending = _CLOSED.sub("\n", self._pending + text)
        done, self._pending = _split(self._pending)
        return _spoken(done)

    def finish(self) -> list[str]:
        """No more text comes; what is left."""
        rest, self._pending = self._pending, ""
        return _spoken(rest)


def _spoken(text: str) -> list[str]:
    if not text.strip():
        return []
    blocks = _FENCE.sub("\n", _THOUGHT.sub("\n", text)).split("\n")
    return [said for block in blocks for one in sentences(block.strip()) if (said := speakable(one))]


_CLOSED = re.compile(r"```.*?```|~~~.*?~~~|<(think|thinking|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_OPEN = re.compile(r"```|~~~|<(?:think|thinking|reasoning)>", re.IGNORECASE)
_END = re.compile(r"[.!?…।॥]+[\"'”’»)\]*_]*\s+|[。！？｡]+[」』）”’]*|\n+")
_CLAUSE = re.compile(r"[,;:—–、，；：]\s*|\s+")


def _split(text: str) -> tuple[str, str]:
    """What is complete, and what must wait: an open block of code, the sentence under way."""
    if opened := _OPEN.search(text):
        # Whatever stands before a block is complete.
        return text[: opened.start()], text[opened.start() :]
    end = _last_end(text)
    done, waiting = text[:end], text[end:]
    if len(waiting) > SENTENCE_MAX:
        cut = max((m.end() for m in _CLAUSE.finditer(waiting, SENTENCE_MAX // 2, SENTENCE_MAX)), default=SENTENCE_MAX)
        done, waiting = done + waiting[:cut], waiting[cut:]
    return done, waiting


def _last_end(text: str) -> int:
    start = end = 0
    for match in _END.finditer(text):
        mark = match.group().strip()
        following = text[match.end() : match.end() + 1] or "A"
        if not mark or ends_sentence(text[start : match.start()], mark, following):
            start = end = match.end()
    return end
