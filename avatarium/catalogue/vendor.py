"""Voices of an outside vendor, offered where the settings name one."""

from __future__ import annotations

from avatarium.settings import Settings


def offer_vendor(settings: Settings) -> None:
    """Offer the outside voices of an installation in this process.

    Raises:
        OptionError: ``bad_setting``: they cannot be used.
    """
    from avatarium.engine.speech.outside import Vendor, parse_voices, use_vendor
    from avatarium.errors import OptionError

    if not settings.speech_url:
        use_vendor(None)
        return
    try:
        voices = parse_voices(settings.speech_voices)
    except OptionError as problem:
        raise OptionError(f"The setting AVATARIUM_SPEECH_VOICES: {problem.message}", code="bad_setting") from problem
    use_vendor(
        Vendor(
            url=settings.speech_url,
            model=settings.speech_model,
            voices=voices,
            key=settings.speech_key.get_secret_value(),
            timeout_s=settings.speech_timeout_s,
        )
    )
