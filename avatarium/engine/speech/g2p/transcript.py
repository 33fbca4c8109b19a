"""A sentence in the voices' phoneme alphabet, and which token each sign belongs to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from avatarium.engine.speech.text.prepare import Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """Signs of the phoneme alphabet; ``owners[i]`` is the token of sign ``i``, None for blanks and punctuation."""

    signs: str
    owners: tuple[int | None, ...]

    def kept(self, known: frozenset[str]) -> Transcript:
        """Only the signs that a voice knows."""
        pairs = [(s, o) for s, o in zip(self.signs, self.owners, strict=True) if s in known]
        return Transcript(signs="".join(s for s, _ in pairs), owners=tuple(o for _, o in pairs))

    def cut(self, longest: int) -> tuple[Transcript, ...]:
        """In parts of at most so many signs, between words where that can be."""
        parts: list[Transcript] = []
        rest = self
        while len(rest.signs) > longest:
            at = max(rest.signs.rfind(" ", 1, longest), 0) or longest
            parts.append(Transcript(signs=rest.signs[:at], owners=rest.owners[:at]))
            rest = Transcript(signs=rest.signs[at:].lstrip(), owners=rest.owners[-len(rest.signs[at:].lstrip()) :])
        return (*parts, rest)


Transcriber = Callable[[Sequence[Token]], Transcript]
"""The front end of a language."""

PAUSES = frozenset(",.!?;:—…")
"""Signs at which a voice may pause."""
STRESSES = {"ˈ": 1, "ˌ": 2}
_MARKS = PAUSES | frozenset(' "“”()')


def transcript(pairs: Sequence[tuple[str, int | None]]) -> Transcript:
    """Put together pieces of signs with their tokens; blanks and punctuation belong to none."""
    signs = "".join(piece for piece, _ in pairs)
    owners = [None if sign in _MARKS else owner for piece, owner in pairs for sign in piece]
    return Transcript(signs=signs, owners=tuple(owners))
