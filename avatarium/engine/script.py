"""What is going to be said, in pieces as they are made, and how long it will take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from avatarium.engine.speech import Speech, Voice, stream

CHARACTERS_A_SECOND = 14.5
"""Of the English voices at normal speed; only a first guess of how long a text will take."""

Progress = Callable[[float, float], None]
"""Called with the seconds made so far and the seconds expected in all."""


class Script:
    """What is said, in pieces as they are made; to be iterated once.

    Args:
        pieces: the speech.
        expected_s: how long it will take, as far as one can tell.
        characters: of the whole text, blanks not counted, to tell better from piece to piece.
    """

    def __init__(self, pieces: Iterable[Speech], expected_s: float, characters: int = 0) -> None:
        self.expected_s = expected_s
        self._pieces = pieces
        self._characters = characters

    def __iter__(self) -> Iterator[Speech]:
        said, spoken_s = 0, 0.0
        for piece in self._pieces:
            said += sum(_solid(word.text) for word in piece.words)
            spoken_s += piece.duration_s
            if said and self._characters:
                self.expected_s = spoken_s * max(self._characters / said, 1.0)
            yield piece
        self.expected_s = spoken_s


def spoken_script(text: str, voice: Voice | str, rate: float = 1.0, *, seed: int = 0) -> Script:
    """A text spoken sentence by sentence.

    Raises:
        TextError: it cannot be spoken.
        OptionError: there is no such voice or rate.
    """
    pieces = stream(text, voice, rate, seed=seed)
    return Script(pieces, len(text) / CHARACTERS_A_SECOND / rate, _solid(text))


def _solid(text: str) -> int:
    """Length without blanks."""
    return len("".join(text.split()))
