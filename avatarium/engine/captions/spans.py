"""Where the words of a cue stand in its lines, and when each is said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from avatarium.engine.subtitles import Cue

if TYPE_CHECKING:  # the package of speech brings its models along when it is imported
    from avatarium.engine.speech.records import Word

Mark = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A stretch of a line, and when it is said."""

    mark: Mark
    """Number of the line, and from which to which of its characters."""
    start_s: float
    end_s: float


def timed_words(cues: Sequence[Cue], words: Sequence[Word]) -> list[tuple[Timed, ...]]:
    """For each cue, its words in its lines. A word is lit until the next one begins, over short pauses too.

    Nothing for cues that are not made of just these words.
    """
    letters = [(letter, number) for number, word in enumerate(words) for letter in word.text if not letter.isspace()]
    shown = [
        (letter, cue, line, at)
        for cue, shown_cue in enumerate(cues)
        for line, text in enumerate(shown_cue.lines)
        for at, letter in enumerate(text)
        if not letter.isspace()
    ]
    if [letter for letter, _ in letters] != [letter for letter, *_ in shown]:
        return [()] * len(cues)
    told: list[list[Timed]] = [[] for _ in cues]
    placed = [((cue, line, number), at) for (_, number), (_, cue, line, at) in zip(letters, shown, strict=True)]
    for (cue, line, number), stretch in groupby(placed, lambda pair: pair[0]):
        columns = [at for _, at in stretch]
        start_s, end_s = _lit(words, number, cues[cue].end_s)
        told[cue].append(Timed(mark=(line, columns[0], columns[-1] + 1), start_s=start_s, end_s=end_s))
    return [tuple(_early(of_cue, cue)) for of_cue, cue in zip(told, cues, strict=True)]


def _lit(words: Sequence[Word], number: int, until_s: float) -> tuple[float, float]:
    following = words[number + 1].start_s if number + 1 < len(words) else until_s
    return words[number].start_s, max(words[number].end_s, min(following, until_s))


def _early(timed: Sequence[Timed], cue: Cue) -> Iterator[Timed]:
    """The stretches that are said while the cue is shown."""
    return (one for one in timed if one.end_s > cue.start_s and one.start_s < cue.end_s)
