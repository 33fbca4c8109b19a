"""What a room's context says, taken out of whatever layout it came in: questions with answers, lists, paragraphs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from avatarium.streaming.wire import CONTEXT_MAX

UNITS_MAX = 250
"""Sentences, and pairs of question and answer, that a context is searched by: 5000 characters of prose have half."""
SMALLEST = 16
"""Characters that are put together first where there are more."""


class Kind(Enum):
    """What a passage is made of."""

    PAIR = auto()
    """A question with its answer, which belongs together."""
    LIST = auto()
    """Items, each of which stands for itself."""
    PROSE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A piece of the context that hangs together."""

    kind: Kind
    sentences: tuple[str, ...]
    heading: str = ""
    question: str = ""
    """Of a pair."""


_LABEL_Q = r"(?:q|question|frage|pregunta|pergunta|domanda|vraag|вопрос|问题?|問|質問|質|질문)"
_LABEL_A = r"(?:a|answer|antwort|réponse|reponse|r|respuesta|resposta|risposta|antwoord|ответ|答案?|回答|答え|답변?)"
_ASKED = re.compile(rf"^\W*{_LABEL_Q}\s*\d{{0,3}}\s*[:：.)、\-]\s*(?P<text>\S.*)$", re.IGNORECASE)
_ANSWERED = re.compile(rf"^\W*{_LABEL_A}\s*\d{{0,3}}\s*[:：.)、\-]\s*(?P<text>.*)$", re.IGNORECASE)
_INLINE = re.compile(rf"(?<=[?？])\s+(?={_LABEL_A}\s*[:：])", re.IGNORECASE)
_HEADING = re.compile(r"^#{1,6}\s*(?P<text>.*?)\s*#*$")
_RULE = re.compile(r"^(?:[-=*_]\s*){3,}$")
_ITEM = re.compile(r"^(?:[-*•‣▪◦·–]|\(?\d{1,2}[.)]|\(?[a-z][.)])\s+(?P<text>\S.*)$")
_ROW = re.compile(r"^\|(?P<cells>.+)\|$")
_ROW_RULE = re.compile(r"^[\s|:\-]+$")
_FIELD = re.compile(r"^[^\s.?!:：][^.?!:：]{0,38}[:：]\s+\S")
_ENDS = ".!?…。！？:：;,、।"
_HEADING_WORDS = 8
_HEADING_CHARACTERS = 60
_QUESTION_CHARACTERS = 200


def read_context(text: str) -> tuple[Passage, ...]:
    """The passages of a context in their order; nothing of it is lost but marks of layout."""
    return tuple(_Reader(text[:CONTEXT_MAX]).passages())


def without(passages: Iterable[Passage], left_out: Callable[[str], bool]) -> tuple[Passage, ...]:
    """The passages without some of their sentences; those that have none left are gone."""
    kept = (replace(one, sentences=tuple(s for s in one.sentences if not left_out(s))) for one in passages)
    return tuple(passage for passage in kept if passage.sentences)


def bounded(passages: Sequence[Passage], most: int = UNITS_MAX) -> tuple[Passage, ...]:
    """The passages as they are, or where they would be more than so many units, with tiny neighbours put together."""
    found, size = tuple(passages), SMALLEST
    while sum(1 if one.kind is Kind.PAIR else len(one.sentences) for one in found) > most:
        found, size = tuple(_coarser(found, size)), 2 * size
    return found


def _coarser(passages: Iterable[Passage], size: int) -> Iterator[Passage]:
    """No two neighbours stay apart that are shorter than so many characters together."""
    held: Passage | None = None
    for passage in passages:
        if passage.kind is not Kind.PAIR:
            passage = replace(passage, sentences=tuple(_runs(passage.sentences, size)))
        if held is None:
            held = passage
        elif len(_whole(held)) + len(_whole(passage)) < size:
            held = Passage(kind=Kind.PROSE, sentences=(f"{_whole(held)} {_whole(passage)}",))
        else:
            yield held
            held = passage
    if held is not None:
        yield held


def _runs(texts: Iterable[str], size: int) -> Iterator[str]:
    held = ""
    for text in texts:
        if held and len(held) + len(text) >= size:
            yield held
            held = text
        else:
            held = f"{held} {text}" if held else text
    if held:
        yield held


def _whole(passage: Passage) -> str:
    """All that it says, as one text."""
    title = [_ended(part) for part in (passage.heading, passage.question) if part]
    return " ".join([*title, *passage.sentences])


class _Reader:
    """Reads line by line; a blank line ends what is open."""

    def __init__(self, text: str) -> None:
        lines = (_unmarked(line) for line in text.splitlines())
        # Of a pair on one line, the answer stands on the next.
        self._lines = [part for line in lines for part in _INLINE.sub("\n", line).split("\n")]
        self._heading = ""
        self._question = ""
        self._prose: list[str] = []
        self._items: list[str] = []

    def passages(self) -> Iterator[Passage]:
        for number, line in enumerate(self._lines):
            before = self._lines[number - 1] if number else ""
            after = self._lines[number + 1] if number + 1 < len(self._lines) else ""
            yield from self._line(line, before, after)
        yield from self._close()

    def _line(self, line: str, before: str, after: str) -> Iterator[Passage]:
        if not line:
            # The answer may stand behind a blank line; so may the paragraph of a heading that asks.
            if not self._question or self._prose or self._items:
                yield from self._close()
        elif _RULE.match(line) or _ROW_RULE.match(line):
            return
        elif match := _ASKED.match(line):
            yield from self._close()
            self._question = match["text"]
        elif self._question and not self._prose and (match := _ANSWERED.match(line)):
            self._take(match["text"])
        elif match := _HEADING.match(line):
            yield from self._close()
            self._open(match["text"])
        elif self._asks(line, after) or self._heads(line, before, after):
            yield from self._close()
            self._open(line)
        else:
            yield from self._content(line)

    def _content(self, line: str) -> Iterator[Passage]:
        item = _item_of(line)
        if item is None:
            if self._items and not self._question:
                yield from self._close()
            self._take(line)
        elif self._question:
            self._take(_ended(item))
        else:
            lead = self._prose[-1] if self._prose and self._prose[-1][-1] in ":：" else ""
            if self._prose:
                yield from self._close()
            self._heading = lead.rstrip(":： ") or self._heading
            self._items.append(item)

    def _take(self, text: str) -> None:
        if text:
            self._prose.append(text)

    def _open(self, title: str) -> None:
        title = title.rstrip(":： ")
        if title.endswith(("?", "？")):
            self._question = title
        else:
            self._heading = title

    def _asks(self, line: str, after: str) -> bool:
        """A line of its own that asks, with the answer below it."""
        short = len(line) <= _QUESTION_CHARACTERS
        return short and line.endswith(("?", "？")) and not self._prose and _item_of(line) is None and after != line

    def _heads(self, line: str, before: str, after: str) -> bool:
        if len(line) > _HEADING_CHARACTERS or len(line.split()) > _HEADING_WORDS or _item_of(line) is not None:
            return False
        if line[-1] in ":：" and not self._prose:
            return True
        wrapped = not after or after[0].islower()
        return not before and not wrapped and line[-1] not in _ENDS and not self._question

    def _close(self) -> Iterator[Passage]:
        kind = Kind.PAIR if self._question else Kind.LIST if self._items else Kind.PROSE
        found = [_ended(item) for item in self._items] or list(sentences(_joined(self._prose)))
        if found:
            yield Passage(kind=kind, sentences=tuple(found), heading=self._heading, question=self._question)
        elif self._question:
            yield Passage(kind=Kind.PROSE, sentences=(self._question,), heading=self._heading)
        self._question, self._prose, self._items = "", [], []


_EMPHASIS = re.compile(r"(\*\*|__|`)(?=\S)(.+?)(?<=\S)\1")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)\s]*\)")


def _unmarked(line: str) -> str:
    line = _LINK.sub(r"\1", line.strip().removeprefix("> "))
    return re.sub(r"\s+", " ", _EMPHASIS.sub(r"\2", line)).strip()


def _item_of(line: str) -> str | None:
    """The text of an item: bulleted or numbered, a row of a table, or ``name: value``."""
    if match := _ITEM.match(line):
        return match["text"]
    if match := _ROW.match(line):
        cells = [cell.strip() for cell in match["cells"].split("|") if cell.strip()]
        return f"{cells[0]}: {', '.join(cells[1:])}" if len(cells) > 1 else "".join(cells)
    return line if _FIELD.match(line) and len(line) <= _QUESTION_CHARACTERS else None


def _joined(lines: list[str]) -> str:
    """Lines that an editor wrapped are one text; one that ends in full is followed by a new sentence anyway."""
    return " ".join(lines)


def _ended(text: str) -> str:
    return text if text[-1] in ".!?…。！？।" else f"{text.rstrip(',;: ')}."


_END = re.compile(r"[.!?…।॥]+[\"'”’»)\]]*(?=\s)|[。！？｡]+[」』）”’]*")
_SHORT = re.compile(
    r"dr|mrs?|ms|prof|st|no|nr|tel|ca|approx|vs|inc|ltd|co|e\.g|i\.e|z\.b|d\.h|u\.a|bzw|usw|art|ave?|ext|max|min|sra?|srta|dña|d|"
    r"m|mme|mlle|sig|str|ing|etc|fig|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
)
"""Words whose point ends no sentence."""


def sentences(text: str) -> Iterator[str]:
    """The sentences of a paragraph, in any script that marks their ends."""
    start = 0
    for end in _END.finditer(text):
        if _ends(text, start, end):
            yield text[start : end.end()].strip()
            start = end.end()
    if rest := text[start:].strip():
        yield _ended(rest)


def _ends(text: str, start: int, end: re.Match[str]) -> bool:
    following = text[end.end() :].lstrip()
    return not following or ends_sentence(text[start : end.start()], end.group(), following)


def ends_sentence(before: str, mark: str, following: str) -> bool:
    """Whether a mark ends the sentence before it; a point may end an abbreviation, and a number that counts."""
    if mark[0] not in ".…":
        return True
    word = (before.split() or [""])[-1].lower().lstrip("(\"'“‘")
    initial = len(word) == 1 and word.isalpha()
    numbered = word.isdigit() and len(before.split()) == 1
    return not (following[:1].islower() or initial or numbered or _SHORT.fullmatch(word))
