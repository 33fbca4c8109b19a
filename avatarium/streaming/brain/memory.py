"""What was said in a room, as far as its brain needs it: bounded in turns and in characters."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

TURNS_MAX = 12
CHARACTERS_MAX = 6000
QUESTION_MAX = 2000
"""Characters of one question that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One question and what was said to it."""

    question: str
    """Empty where the avatar spoke of its own accord."""
    answer: str
    """What the viewer heard: less than the whole answer where it was interrupted."""
    interrupted: bool = False

    @property
    def characters(self) -> int:
        """Length of both together."""
        return len(self.question) + len(self.answer)


class Memory:
    """The conversation of one room. Used by one event loop; brains read it, the director writes it.

    The oldest exchanges are forgotten first; an exchange longer than everything that is kept is cut short.
    """

    def __init__(self, *, turns_max: int = TURNS_MAX, characters_max: int = CHARACTERS_MAX) -> None:
        self._exchanges: deque[Exchange] = deque(maxlen=turns_max)
        self._characters_max = characters_max

    def add(self, question: str, answer: str, *, interrupted: bool = False) -> None:
        """Remember what was asked and what was really said to it."""
        asked = question.strip()[: min(QUESTION_MAX, self._characters_max)]
        said = answer.strip()[: self._characters_max - len(asked)]
        if not asked and not said:
            return
        self._exchanges.append(Exchange(question=asked, answer=said, interrupted=interrupted))
        while sum(exchange.characters for exchange in self._exchanges) > self._characters_max:
            self._exchanges.popleft()

    def forget(self) -> None:
        """Start anew, as after another context was set."""
        self._exchanges.clear()

    @property
    def last(self) -> Exchange | None:
        """The latest exchange that began with a question."""
        return next((exchange for exchange in reversed(self._exchanges) if exchange.question), None)

    def __iter__(self) -> Iterator[Exchange]:
        """Oldest first."""
        return iter(tuple(self._exchanges))

    def __len__(self) -> int:
        return len(self._exchanges)
