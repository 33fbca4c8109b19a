"""What the ears of a room tell it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from avatarium.errors import AvatariumError


class EarKind(StrEnum):
    """What happened at a microphone."""

    SPEECH_STARTED = "speech_started"
    """Somebody surely speaks, and it is not the avatar's own voice: the moment to interrupt it."""
    SPEECH_ENDED = "speech_ended"
    """Silence; what was said is being written down. A transcript, noise or a problem follows."""
    TRANSCRIPT = "transcript"
    NOISE = "noise"
    """What seemed to be speech held no words."""
    DROPPED = "dropped"
    """More came than could be listened to; the oldest was left out."""
    PROBLEM = "problem"
    """It cannot be listened at all, as where a model file cannot be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EarEvent:
    """One of them."""

    kind: EarKind
    at_s: float
    """Seconds of sound heard from this microphone so far."""
    text: str = ""
    """Of a transcript."""
    language: str = ""
    """ISO 639-1, of a transcript."""
    confidence: float = 0.0
    duration_s: float = 0.0
    """Of the utterance."""
    problem: AvatariumError | None = None
