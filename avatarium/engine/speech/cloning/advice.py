"""What recordings are worth for a clone, in sentences for whoever made them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from avatarium.engine.speech.cloning.material import Material, gather
from avatarium.engine.speech.cloning.reading import is_read
from avatarium.engine.speech.cloning.records import VoiceAdvice
from avatarium.engine.speech.tongues import code_of, tongue_of
from avatarium.errors import AudioError, InputError

LEAST_S = 10.0
"""Of speech: less does not show what a voice is like."""
GOOD_S = 30.0
"""From here on more speech hardly makes a better clone."""
_SCRAP_S = 1.5
_LOUD_LUFS = -45.0
_NOISE_DB, _SOME_NOISE_DB, _CLEAN_DB = 8.0, 18.0, 30.0
_CLIPPED, _SOME_CLIPPED = 0.01, 0.0005
_NARROW_HZ, _WIDE_HZ = 4_500.0, 8_000.0
_SUNG = 0.3
_QUIET_LUFS = -36.0
_UNCLEAR = 0.35
"""Mean probability of words below which nobody understands what is said."""
_FATAL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """Something about the recordings that makes the clone worse, or impossible."""

    points: int
    """Taken off a hundred."""
    sentence: str
    code: str = ""
    """Of the error, where it is the end."""


def advise_voice(recordings: Sequence[Path], *, language: str = "") -> VoiceAdvice:
    """Judge recordings before anything is spent on a clone of them; seconds of CPU, not minutes.

    What makes a clone impossible is told here, not raised: ``fit`` is false then and ``reason`` the code of the error
    that :func:`clone_voice` would raise.

    Args:
        recordings: sound files or videos of one person.
        language: BCP 47 of what should be spoken in them; empty is any.
    """
    try:
        material = gather(recordings, language="")
    except InputError as problem:
        return VoiceAdvice(score=0, fit=False, reason=problem.code, sentences=(problem.message,), seconds=0.0, facts={})
    facts = material.facts()
    findings = sorted(_findings(material, facts, language), key=lambda finding: -finding.points)
    fatal = next((finding.code for finding in findings if finding.code), "")
    score = 0 if fatal else max(5, 100 - sum(finding.points for finding in findings))
    sentences = tuple(finding.sentence for finding in findings) or (
        "This is a good recording: clear, long enough, and of one voice.",
    )
    return VoiceAdvice(
        score=score, fit=not fatal, reason=fatal, sentences=sentences, seconds=material.seconds, facts=facts
    )


def check(material: Material, *, language: str) -> None:
    """Raise what makes a clone of these recordings impossible.

    Raises:
        AudioError: ``no_speech``, ``music_only``, ``voice_too_short``, ``two_speakers``, ``voice_clipped``,
            ``voice_noisy``, ``wrong_language``.
    """
    for finding in _findings(material, material.facts(), language):
        if finding.code:
            raise AudioError(finding.sentence, code=finding.code)


def _findings(material: Material, facts: Mapping[str, float], language: str) -> Iterator[_Finding]:
    """What is worst comes first; where nobody speaks, nothing else is worth telling."""
    nobody = _nobody(material, facts)
    if nobody:
        yield nobody
        return
    yield from _people(material, facts, language)
    yield from _sound(facts)
    yield from _length(material.seconds)


def _nobody(material: Material, facts: Mapping[str, float]) -> _Finding | None:
    words = sum(len(said.words) for said in material.transcript.segments)
    sings = facts["sung_share"] > _SUNG
    if material.seconds >= _SCRAP_S and words >= 3 and not sings:
        return None
    if sings or facts["loudness_lufs"] > _LOUD_LUFS:
        return _fatal(
            "music_only",
            "There is music or singing in this recording, but nobody who speaks. Use one in which somebody talks, "
            "without music.",
        )
    return _fatal("no_speech", "Nobody speaks in this recording. Use one with half a minute of clear speech.")


def _people(material: Material, facts: Mapping[str, float], language: str) -> Iterator[_Finding]:
    if facts["speakers"] > 1:
        yield _fatal(
            "two_speakers",
            f"{facts['speakers']:.0f} people speak in these recordings, and their voices would be mixed. Use some "
            "in which only the person to be cloned speaks.",
        )
    spoken = code_of(material.transcript.language)
    if language and spoken and code_of(language) != spoken:
        yield _fatal(
            "wrong_language",
            f"The person speaks {_called(spoken)} here, not {_called(language)}. Give the language that is spoken, or "
            "another recording; a clone speaks all the languages that clones speak, whichever it was made from.",
        )
    elif spoken and not is_read(spoken):
        yield _Finding(
            points=0,
            sentence=f"Clones do not speak {_called(spoken)}. This one will speak English and other languages, with "
            "the person's voice.",
        )


def _called(language: str) -> str:
    tongue = tongue_of(language)
    return tongue.name if tongue else f'"{language}"'


def _sound(facts: Mapping[str, float]) -> Iterator[_Finding]:
    snr, clipped, width = facts["snr_db"], facts["clipped_share"], facts["bandwidth_hz"]
    if clipped > _CLIPPED:
        yield _fatal(
            "voice_clipped", "The recording is overdriven: its peaks are cut off. Record again with a lower level."
        )
    elif clipped > _SOME_CLIPPED:
        yield _Finding(points=15, sentence="Some peaks are cut off. A lower recording level would sound cleaner.")
    if snr < _NOISE_DB or facts["confidence"] < _UNCLEAR:
        yield _fatal(
            "voice_noisy",
            "There is too much noise or music behind the voice. Record in a quiet room, close to the microphone.",
        )
    elif snr < _SOME_NOISE_DB:
        yield _Finding(
            points=25, sentence="There is noise behind the voice. Record in a quiet room, or have it taken out."
        )
    elif snr < _CLEAN_DB:
        yield _Finding(points=8, sentence="The room can be heard a little. A quieter one would sound cleaner.")
    if width < _NARROW_HZ:
        yield _Finding(
            points=20, sentence="It sounds like a telephone. Use the file as it was recorded, at 24 kHz or more."
        )
    elif width < _WIDE_HZ:
        yield _Finding(points=7, sentence="The highest tones are missing. Use the file as it was recorded.")
    if facts["loudness_lufs"] < _QUIET_LUFS:
        yield _Finding(points=8, sentence="The recording is very quiet. Speak closer to the microphone.")


def _length(seconds: float) -> Iterator[_Finding]:
    if seconds < LEAST_S:
        yield _fatal(
            "voice_too_short",
            f"Somebody speaks for {seconds:.0f} s only. Record at least {LEAST_S:.0f} s of speech; half a minute is "
            "good.",
        )
    elif seconds < GOOD_S:
        missing = (GOOD_S - seconds) / (GOOD_S - LEAST_S)
        yield _Finding(
            points=round(5 + 20 * missing),
            sentence=f"There are {seconds:.0f} s of speech. With {GOOD_S:.0f} s the clone comes closer.",
        )


def _fatal(code: str, sentence: str) -> _Finding:
    return _Finding(points=_FATAL, sentence=sentence, code=code)
