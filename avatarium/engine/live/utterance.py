"""One utterance in a performer's queue: its pieces as they come, and how far it has been said."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from avatarium.engine.face.pose import COMING, Floats
from avatarium.engine.live.clock import TICK_S
from avatarium.engine.live.idle import STAYS_SHUT
from avatarium.engine.live.marks import Cut
from avatarium.engine.live.pieces import Piece
from avatarium.engine.speech.records import Word

_ROUNDING_S = 1e-6


@dataclass(slots=True, eq=False)
class Utterance:
    """Pieces in order; the first is the one under way."""

    tag: str
    scene_s: float
    """Where in the life's noise it begins."""
    pieces: deque[Piece] = field(default_factory=deque)
    at: int = 0
    """Tick of the first piece that comes next."""
    started: bool = False
    finished: bool = False
    """No more pieces come."""
    ticks_said: int = 0
    ticks_given: int = 0
    sound_end_s: float = 0.0
    """Where the sound of the last given piece ends, without what fills its last tick."""
    ended_s: float = 0.0
    """Time of the room at which the sound of the last performed piece ended."""
    words: list[Word] = field(default_factory=list)

    def add(self, piece: Piece) -> None:
        """Append a piece."""
        self.pieces.append(piece)
        self.words += piece.words
        self.sound_end_s = self.ticks_given * TICK_S + piece.sound_s
        self.ticks_given += piece.ticks

    def advance(self, number: int) -> None:
        """The tick that comes next has been performed, in this tick of the room."""
        self.at += 1
        self.ticks_said += 1
        if self.at == self.pieces[0].ticks:
            self.ended_s = (number + 1 - self.at) * TICK_S + self.pieces[0].sound_s
            self.pieces.popleft()
            self.at = 0

    def coming(self) -> Floats | None:
        """The mouths after the tick that comes next, :data:`COMING` at most; None where nothing is known of them."""
        if not self.pieces:
            return STAYS_SHUT if self.finished else None
        found = self.pieces[0].mouth[self.at + 1 : self.at + 1 + COMING]
        for piece in islice(self.pieces, 1, None):
            if len(found) >= COMING:
                break
            found = np.concatenate([found, piece.mouth[: COMING - len(found)]])
        if len(found) < COMING and self.finished:
            found = np.concatenate([found, STAYS_SHUT[len(found) :]])
        return found

    def cut(self) -> Cut:
        """How much of it was said."""
        said_s = min(self.ticks_said * TICK_S, self.sound_end_s)
        words = tuple(w for w in self.words if w.end_s <= said_s + _ROUNDING_S) if self.ticks_said else ()
        return Cut(
            tag=self.tag,
            said_ms=round(said_s * 1000),
            words=words,
            last_word_share=_share(self.words, len(words), said_s),
        )


def _share(words: list[Word], index: int, said_s: float) -> float:
    if index >= len(words):
        return 0.0
    word = words[index]
    return min(max((said_s - word.start_s) / max(word.end_s - word.start_s, _ROUNDING_S), 0.0), 1.0)
