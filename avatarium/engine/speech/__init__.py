"""Speech: voices, synthesis with the time of every phoneme and word, and phonemes out of recordings.

    speech = synthesize("Hello there.", "hibari-ava")

Networks are loaded when they are first used and kept for the life of the process. All functions may be called from
several threads; they hold the caller's thread while they work, so an event loop should call them in a thread or a
process of its own. Names are resolved on first use, so that importing this package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from avatarium.engine.speech.records import Phoneme, Samples, Speech, Word

if TYPE_CHECKING:
    from avatarium.engine.speech.language import Language, guess_language
    from avatarium.engine.speech.recognition import phonemes_from_audio
    from avatarium.engine.speech.speakers import Engine, Gender, Voice, find_voice, voices
    from avatarium.engine.speech.synthesis import join, stream, synthesize, warm_up
    from avatarium.engine.speech.text.prepare import MAX_CHARACTERS, Sentence, Token, prepare

_HOMES = {
    **dict.fromkeys(("Language", "guess_language"), "language"),
    "phonemes_from_audio": "recognition",
    **dict.fromkeys(("join", "stream", "synthesize", "warm_up"), "synthesis"),
    **dict.fromkeys(("MAX_CHARACTERS", "Sentence", "Token", "prepare"), "text.prepare"),
    **dict.fromkeys(("Engine", "Gender", "Voice", "find_voice", "voices"), "speakers"),
}

__all__ = [
    "MAX_CHARACTERS",
    "Engine",
    "Gender",
    "Language",
    "Phoneme",
    "Samples",
    "Sentence",
    "Speech",
    "Token",
    "Voice",
    "Word",
    "find_voice",
    "guess_language",
    "join",
    "phonemes_from_audio",
    "prepare",
    "stream",
    "synthesize",
    "voices",
    "warm_up",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
