"""The models that the calls of OpenAI's API know here, under our names and theirs."""

from __future__ import annotations

from avatarium.errors import NotFoundError

RECOGNISERS = ("whisper-1", "whisper-base", "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-4o-transcribe-diarize")
"""All of them are Whisper base; clients have the names of OpenAI's in their code."""
SPEAKERS = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts", "hibari", "kokoro")
"""The voice decides what speaks."""
MODELS = RECOGNISERS + SPEAKERS


def check_recogniser(model: str) -> None:
    """Refuse a model that hears nothing.

    Raises:
        NotFoundError: ``model_not_found``.
    """
    _check(model, RECOGNISERS, "recognises speech")


def check_speaker(model: str, *outside: str) -> None:
    """Refuse a model that does not speak; ``outside`` are names of an outside vendor's.

    Raises:
        NotFoundError: ``model_not_found``.
    """
    _check(model, (*SPEAKERS, *outside), "speaks")


def _check(model: str, known: tuple[str, ...], what: str) -> None:
    if model.strip().lower() not in known:
        raise NotFoundError(
            f"There is no model {model[:60]!r} that {what}. Choose from {', '.join(known)}.", code="model_not_found"
        )
