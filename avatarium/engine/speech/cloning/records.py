"""What a clone is made of and how good it came out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from avatarium.engine.speech.records import Samples
from avatarium.engine.speech.speakers import Gender

SAMPLE_RATE = 24_000
"""Of the sample that a clone speaks."""


class Effort(StrEnum):
    """How much work goes into one clone."""

    QUICK = "quick"
    """A minute of one core, for tests: hardly nearer than the nearest ready voice."""
    BEST = "best"
    """About eight minutes of one core, four to five of two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloned:
    """A voice that was made, and how close it came."""

    path: Path
    similarity: float
    """Cosine of CAM++ between a sentence that it was not made with and the recording: the seconds that were held back,
    where there were enough of them. The same person in another recording has 0.7, somebody else -0.1 to 0.3."""
    nearest_stock: str
    """The ready voice that is most like the person."""
    nearest_stock_similarity: float
    word_error: float | None
    """Share of the words of unseen sentences that a recogniser hears wrong; None where it knows not the language."""
    seconds_used: float
    """Of speech."""
    method: str
    sample: Samples
    """An unseen sentence in the new voice, at :data:`SAMPLE_RATE`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceAdvice:
    """What recordings are worth for a clone, before anything is spent on one."""

    score: int
    """0 to 100."""
    fit: bool
    """Whether a clone can be made at all."""
    reason: str
    """Where it cannot: the code of the error that making one would raise."""
    sentences: tuple[str, ...]
    """For the person who made the recording, the weightiest first."""
    seconds: float
    """Of speech."""
    facts: Mapping[str, float]
    """What was measured: ``snr_db``, ``clipped_share``, ``bandwidth_hz``, ``loudness_lufs``, ``speakers``,
    ``speech_share``, ``sameness``."""


Progress = Callable[[float], None]
"""Told the share that is done, 0 to 1; may raise to stop the work."""


class VoiceCloner(Protocol):
    """A way to make clones. Another one, such as a network on a GPU, is a class of this shape under the entry point
    group ``avatarium.voice_cloners``; it is made without arguments when it is first chosen by its name there."""

    def clone(
        self,
        recordings: Sequence[Path],
        out: Path,
        *,
        gender: Gender,
        language: str,
        denoise: bool,
        effort: Effort,
        seed: int,
        scratch: Path,
        progress: Progress,
    ) -> Cloned:
        """Write a voice file that Kokoro can speak to ``out``; see :func:`clone_voice`."""
