"""Text that remembers where each of its characters came from, however often it is rewritten."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

Span = tuple[int, int]
"""Half-open stretch of the source text."""
Replace = Callable[[re.Match[str]], str | None]
"""Gives the replacement of a match; None leaves it as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """A rewritten text; ``spans[i]`` is the stretch of the source that character ``i`` stands for."""

    text: str
    spans: tuple[Span, ...]

    @classmethod
    def of(cls, source: str) -> Tracked:
        """The source itself, each character standing for itself."""
        return cls(text=source, spans=tuple((i, i + 1) for i in range(len(source))))

    def sub(self, pattern: re.Pattern[str], replace: Replace) -> Tracked:
        """Like ``pattern.sub``, keeping track."""
        edits = ((m.start(), m.end(), replace(m)) for m in pattern.finditer(self.text))
        return self.edited((a, b, new) for a, b, new in edits if new is not None)

    def edited(self, edits: Iterable[tuple[int, int, str]]) -> Tracked:
        """Replace stretches of the present text, given in order and not overlapping, by new ones."""
        text: list[str] = []
        spans: list[Span] = []
        done = 0
        for start, end, new in edits:
            text.append(self.text[done:start])
            spans.extend(self.spans[done:start])
            text.append(new)
            spans.extend(self._spans_of(start, end, new))
            done = end
        text.append(self.text[done:])
        spans.extend(self.spans[done:])
        return Tracked(text="".join(text), spans=tuple(spans))

    def rewritten(self, new: str) -> Tracked:
        """Take a text that somebody else made out of the present one; words that both have are matched."""
        old_words, new_words = _pieces(self.text), _pieces(new)
        matcher = SequenceMatcher(None, [w for w, _ in old_words], [w for w, _ in new_words], autojunk=False)
        edits = []
        for kind, i, k, j, m in matcher.get_opcodes():
            if kind != "equal":
                start = old_words[i][1] if i < len(old_words) else len(self.text)
                end = old_words[k][1] if k < len(old_words) else len(self.text)
                edits.append((start, end, "".join(word for word, _ in new_words[j:m])))
        return self.edited(edits)

    def _spans_of(self, start: int, end: int, new: str) -> list[Span]:
        old = self.text[start:end]
        head = _common(old, new)
        tail = _common(old[head:][::-1], new[head:][::-1])
        middle = len(new) - head - tail
        inner = self.spans[start + head : end - tail] or self.spans[max(0, start + head - 1) : start + head + 1]
        hull = (min((a for a, _ in inner), default=0), max((b for _, b in inner), default=0))
        return [*self.spans[start : start + head], *[hull] * middle, *self.spans[end - tail : end]]


def _common(a: str, b: str) -> int:
    length = min(len(a), len(b))
    return next((i for i in range(length) if a[i] != b[i]), length)


def _pieces(text: str) -> list[tuple[str, int]]:
    """Words with the blanks before them, and where they start."""
    return [(m.group(), m.start()) for m in re.finditer(r"\s*\S+|\s+$", text)]
