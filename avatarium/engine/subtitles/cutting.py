"""Words with times cut into cues: two lines of 42 letters, one to seven seconds, broken where the sense breaks.

The rules are those that broadcasters have in common (BBC, EBU, Netflix): a line holds 42 letters, or 16 of Chinese,
Japanese and Korean; a cue ends with a sentence if it can, else with a clause; two lines are about equally long.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from avatarium.engine.subtitles.records import Cue

if TYPE_CHECKING:  # the package of speech brings its models along when it is imported
    from avatarium.engine.speech.records import Word

LONGEST_LINE, LINES = 42, 2
SHORTEST_S, LONGEST_S = 1.0, 7.0
WIDE = 42 / 16
"""Letters that one of Chinese, Japanese or Korean counts for."""
_READ = 20.0
"""Letters a second that everybody can read: shorter cues stay longer, if nobody speaks."""
_PAUSE_S = 1.5
"""Silence over which no cue is held."""
_BRIDGED_S = 0.25
"""A gap between cues below this is closed, or it would flicker."""
_BREATH_S = 0.3
"""A pause that is a fair place to break."""

_SENTENCE, _CLAUSE = ".!?…。！？؟۔।", ",;:–—，、；：،؛"  # noqa: RUF001 - they are what they look like
_CLOSING = "\"'”’»›)]}」』）】》〉"  # noqa: RUF001
_NOT_FIRST = _SENTENCE + _CLAUSE + _CLOSING + "・ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々％%ะาำๅๆฯ"  # noqa: RUF001
_NOT_LAST = "「『（【《〈“‘«([{เแโใไ"  # noqa: RUF001
_SOUTH_EAST = ("\u0e00", "\u109f"), ("\u1780", "\u17ff")
"""Thai, Lao, Tibetan, Burmese and Khmer letters: no blanks between words, but between phrases."""
_SIGN = 2
"""Letters at most of a word that is one sign, as recognisers tell of these languages."""

# What it costs to end a cue or a line behind a word; a cue itself costs 1.
_COSTS = {"sentence": 0.0, "clause": 0.35, "breath": 0.6, "word": 1.4, "little": 2.0}
_LINE_COSTS = {"sentence": 0.0, "clause": 0.1, "breath": 0.3, "word": 0.45, "little": 0.9}
_TOO_SHORT = 1.5
"""For a cue of no time at all, less for longer ones."""
_INNER, _INNER_PAUSE = 0.25, 1.5
"""For a sentence that ends within a cue, and for a second of silence there: what comes is not shown long before."""
_LITTLE = 3
"""Letters of words that belong to the next: articles, prepositions."""


def cues(
    words: Iterable[Word],
    *,
    longest_line: int = LONGEST_LINE,
    lines: int = LINES,
    shortest_s: float = SHORTEST_S,
    longest_s: float = LONGEST_S,
) -> tuple[Cue, ...]:
    """Cut words into cues.

    Each begins with its first word and ends with its last, or a little later where it would be too short to be read
    and nobody speaks.

    Args:
        words: in the order in which they are said; punctuation belongs to the word before it.
        longest_line: letters in a line; those of Chinese, Japanese and Korean count for 2.6 each.
        lines: in a cue.
    """
    limits = _Limits(line=longest_line, lines=lines, longest_s=longest_s, shortest_s=shortest_s)
    made = [cue for stretch in _stretches(_plain(words, longest_line)) for cue in _cut(stretch, limits)]
    return tuple(_timed(made, limits))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    line: int
    lines: int
    shortest_s: float
    longest_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unit:
    """A word as it is laid out."""

    text: str
    start_s: float
    end_s: float
    spaced: bool
    """Whether a blank goes before it."""
    ending: str = "word"
    """What ends behind it: a key of the costs."""

    @property
    def width(self) -> float:
        return _width(self.text)


def _plain(words: Iterable[Word], longest_line: int) -> Iterator[_Unit]:
    """Words without blanks at their ends; those that are longer than a line in parts, signs with what they follow."""
    held: _Unit | None = None
    before = ""
    for word in words:
        for text, start_s, end_s, inside in _parts(word, longest_line):
            if held and _clings(held.text, text):
                held = replace(held, text=held.text + text, end_s=max(held.end_s, end_s))
            else:
                if held:
                    yield held
                spaced = bool(before) and not inside and not _solid(before, text)
                held = _Unit(text=text, start_s=start_s, end_s=max(start_s, end_s), spaced=spaced)
            before = text
    if held:
        yield held


def _clings(before: str, text: str) -> bool:
    """Whether a text is only signs that belong behind a word, or follows a bracket that opens."""
    return _mark(text[0]) or all(letter in _NOT_FIRST for letter in text) or before[-1] in _NOT_LAST


def _parts(word: Word, longest_line: int) -> Iterator[tuple[str, float, float, bool]]:
    """A word, or as many parts of it as it takes to fit into lines; each with its share of the time."""
    text = " ".join(unicodedata.normalize("NFC", word.text).split())
    if not text:
        return
    pieces = list(_pieces(text, longest_line))
    whole, said = sum(_width(piece) for piece in pieces) or 1.0, 0.0
    length_s = max(word.end_s - word.start_s, 0.0)
    for number, piece in enumerate(pieces):
        share = _width(piece)
        start_s = word.start_s + length_s * said / whole
        said += share
        yield piece, start_s, word.start_s + length_s * said / whole, number > 0


def _pieces(text: str, longest_line: int) -> Iterator[str]:
    if _width(text) <= longest_line:
        yield text
        return
    held = ""
    for letter in text:
        fits = _width(held + letter) <= longest_line / 2 or letter in _NOT_FIRST or _mark(letter)
        if held and not fits and held[-1] not in _NOT_LAST:
            yield held
            held = ""
        held += letter
    yield held


def _stretches(units: Iterable[_Unit]) -> Iterator[list[_Unit]]:
    """Units between long silences, each told what ends behind it."""
    held: list[_Unit] = []
    for unit in units:
        if held:
            gap_s = unit.start_s - held[-1].end_s
            held[-1] = replace(held[-1], ending=_ending(held[-1].text, gap_s))
            if gap_s > _PAUSE_S:
                yield held
                held = []
        held.append(unit)
    if held:
        held[-1] = replace(held[-1], ending="sentence")
        yield held


def _ending(text: str, gap_s: float) -> str:
    bare = text.rstrip(_CLOSING)
    if bare and bare[-1] in _SENTENCE:
        return "sentence"
    if bare and bare[-1] in _CLAUSE:
        return "clause"
    if gap_s > _BREATH_S:
        return "breath"
    return "little" if len(text) <= _LITTLE and not _wide(text[-1]) else "word"


def _cut(units: list[_Unit], limits: _Limits) -> Iterator[Cue]:
    """The cheapest way to cut a stretch: shortest path over its words."""
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(units) + 1):
        choices = [(best[start][0] + cost, start) for start, cost in _last_cues(units, end, limits)]
        best.append(min(choices))
    edges = [len(units)]
    while edges[-1]:
        edges.append(best[edges[-1]][1])
    for start, end in zip(edges[:0:-1], edges[-2::-1], strict=True):
        part = units[start:end]
        yield Cue(start_s=part[0].start_s, end_s=part[-1].end_s, lines=_lined(part, limits))


def _last_cues(units: list[_Unit], end: int, limits: _Limits) -> Iterator[tuple[int, float]]:
    """Where a cue that ends before a word may begin, and what it costs; one of a single word always may."""
    for start in range(end - 1, -1, -1):
        part = units[start:end]
        length_s = part[-1].end_s - part[0].start_s
        lined = _broken(part, limits)
        if start < end - 1 and (lined is None or length_s > limits.longest_s):
            return
        short = max(0.0, 1 - length_s / limits.shortest_s)
        line_cost = lined[0] if lined else 0.0
        yield start, 1 + _COSTS[part[-1].ending] + _TOO_SHORT * short + _inner_cost(part) + line_cost


def _inner_cost(units: Sequence[_Unit]) -> float:
    sentences = sum(unit.ending == "sentence" for unit in units[:-1])
    gaps = (after.start_s - unit.end_s for unit, after in pairwise(units))
    return _INNER * sentences + _INNER_PAUSE * sum(gap for gap in gaps if gap > _BREATH_S)


def _broken(units: Sequence[_Unit], limits: _Limits) -> tuple[float, tuple[int, ...]] | None:
    """The cheapest places to break units into lines, and what they cost; None where they do not fit."""
    if _length(units) <= limits.line:
        return 0.0, ()
    if limits.lines < 2 or _length(units) > limits.lines * limits.line:
        return None
    rest = replace(limits, lines=limits.lines - 1)
    found: list[tuple[float, tuple[int, ...]]] = []
    for at in range(1, len(units)):
        first = _length(units[:at])
        if first > limits.line:
            break
        below = _broken(units[at:], rest)
        if below is None:
            continue
        uneven = abs(first - _length(units[at:]) / (len(below[1]) + 1)) / limits.line
        found.append((below[0] + _LINE_COSTS[units[at - 1].ending] + uneven, (at, *(at + b for b in below[1]))))
    return min(found, default=None)


def _lined(units: Sequence[_Unit], limits: _Limits) -> tuple[str, ...]:
    broken = _broken(units, limits)
    edges = (0, *(broken[1] if broken else ()), len(units))
    return tuple(_joined(units[a:b]) for a, b in zip(edges, edges[1:], strict=False))


def _joined(units: Sequence[_Unit]) -> str:
    return "".join((" " if unit.spaced and i else "") + unit.text for i, unit in enumerate(units))


def _length(units: Sequence[_Unit]) -> float:
    return sum(unit.width + unit.spaced for unit in units) - units[0].spaced


def _timed(made: Sequence[Cue], limits: _Limits) -> Iterator[Cue]:
    """Cues held until they can be read, as long as the next one leaves them; never two at once."""
    for number, cue in enumerate(made):
        wanted_s = max(limits.shortest_s, sum(_width(line) for line in cue.lines) / _READ)
        end_s = max(cue.end_s, cue.start_s + wanted_s)
        if number + 1 < len(made):
            next_s = made[number + 1].start_s
            end_s = next_s if next_s - end_s < _BRIDGED_S else end_s
        end_s = min(end_s, cue.start_s + limits.longest_s)
        yield replace(cue, end_s=max(end_s, cue.start_s + 0.001))


def _solid(left: str, right: str) -> bool:
    """Whether no blank goes between two words: those of Han letters and kana, not Hangul; single signs of Thai."""
    if _unspaced(left[-1]) and _unspaced(right[0]):
        return True
    signs = len(left) <= _SIGN and len(right) <= _SIGN
    return signs and _south_east(left[-1]) and _south_east(right[0])


def _unspaced(letter: str) -> bool:
    return _wide(letter) and not "\uac00" <= letter <= "\ud7a3"


def _south_east(letter: str) -> bool:
    return any(first <= letter <= last for first, last in _SOUTH_EAST)


def _mark(letter: str) -> bool:
    """Whether it stands on, below or around the letter before it."""
    return unicodedata.category(letter)[0] == "M"


@lru_cache(maxsize=4096)
def _wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in "WF"


@lru_cache(maxsize=4096)
def _width(text: str) -> float:
    return sum(WIDE if _wide(letter) else 0 if unicodedata.category(letter) == "Mn" else 1 for letter in text)
