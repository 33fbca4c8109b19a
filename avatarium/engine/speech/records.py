"""What is said and when: the records that every part of the engine passes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# A text, so that whoever only asks for the list of voices does not load numpy.
Samples: TypeAlias = "NDArray[np.float32]"
"""Mono sound, ``float32`` in -1..1, shape ``(samples,)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phoneme:
    """One sound of speech."""

    ipa: str
    """IPA without stress marks; a diphthong or affricate may be one phoneme ("aɪ", "tʃ")."""
    start_s: float
    end_s: float
    stress: int = 0
    """0 unstressed, 1 primary, 2 secondary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word as the caller wrote it."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """Sound with its words and phonemes on one time line, zero at the first sample.

    Pauses are gaps: a stretch that no phoneme covers is silence.
    """

    audio: Samples
    rate: int
    """Samples a second."""
    phonemes: tuple[Phoneme, ...]
    words: tuple[Word, ...]
    language: str = ""
    """BCP 47 tag such as ``en-US``; empty where it is not known."""

    @property
    def duration_s(self) -> float:
        """Length of the sound in seconds."""
        return len(self.audio) / self.rate
