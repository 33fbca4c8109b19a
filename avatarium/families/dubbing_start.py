"""What is asked for when something is dubbed, and what is refused before a coin is taken."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field

from avatarium.catalogue.user_voices import clone_tag
from avatarium.catalogue.voices import Locale, find_voice_of
from avatarium.engine.dubbing.document import CLONE, MOST_SPEAKERS, DubDocument, Speaker
from avatarium.errors import OptionError, RequestError
from avatarium.families.consent import Consented
from avatarium.families.fields import Name, Url
from avatarium.ids import LENGTH
from avatarium.prices import Price, Prices
from avatarium.tasks.family import Desk

AUTO = ("", "auto", "detect")
PEOPLE_MAX = 10
VOICE_MAX = 64
_PEOPLE = BeforeValidator(lambda given: 0 if given in ("auto", "") else given)
Tag = Annotated[str, Field(max_length=35)]
VoiceName = Annotated[str, Field(max_length=VOICE_MAX)]
Id = Annotated[str, Field(max_length=4 * LENGTH)]


def _by_speaker(given: Any) -> Any:
    """A list is taken in the order in which people speak first."""
    return {f"s{number}": voice for number, voice in enumerate(given, 1)} if isinstance(given, list) else given


class DubbingStart(Consented):
    """``POST userDubbing/startDubbing``."""

    name: Name = Field("", description="A name for it.", examples=["My film in Spanish"])
    source_url: Url = Field(
        "",
        validation_alias=AliasChoices("source_url", "video_url", "audio_url", "media_url", "sourceUrl", "url"),
        description="The video, or the recording, in which somebody speaks.",
        examples=["https://files.example/film.mp4"],
    )
    target_lang: Tag = Field(
        "",
        validation_alias=AliasChoices("target_lang", "target_language", "targetLang", "targetLanguage"),
        description="What is to be spoken: `es`, `pt-BR`, ...",
        examples=["es"],
    )
    source_lang: Tag = Field(
        "auto",
        validation_alias=AliasChoices("source_lang", "source_language", "sourceLang", "sourceLanguage"),
        description="What is spoken; `auto` finds out.",
        examples=["en"],
    )
    num_speakers: Annotated[int, _PEOPLE] = Field(
        0,
        ge=0,
        le=PEOPLE_MAX,
        validation_alias=AliasChoices("num_speakers", "numSpeakers", "speakers"),
        description="How many people speak; 0 finds out.",
        examples=[1],
    )
    drop_background_audio: bool = Field(
        False,
        validation_alias=AliasChoices("drop_background_audio", "dropBackgroundAudio"),
        description="Leave out music and noise behind the voices.",
    )
    voice: VoiceName = Field(
        "",
        description="Who speaks for everybody: a `tts_id`, a `user_voice_id` of yours, or `clone` for clones of the "
        "people's own voices, which take minutes. Empty takes what the installation has set. Ours, not A2E's.",
    )
    voices: Annotated[dict[Annotated[str, Field(max_length=40)], VoiceName], BeforeValidator(_by_speaker)] = Field(
        default_factory=dict,
        max_length=MOST_SPEAKERS,
        description='The same for single people: `{"s1": ..., "s2": ...}` in the order in which they speak first, or a '
        "list. Ours.",
    )
    lips: bool = Field(True, description="Move the lips where a face is seen. Ours.")
    dubbing_id: Id = Field("", description="Ours, of `userDubbing/{_id}/render`: whose transcript is rendered anew.")
    transcript_version: int = Field(0, ge=0, description="Ours: which version of it.")


def check(start: DubbingStart) -> None:
    """Refuse what lacks.

    Raises:
        RequestError: ``no_source``, ``no_target``.
    """
    if not start.source_url:
        raise RequestError(
            "`source_url` is missing. Give the address of a video or recording in which somebody speaks.",
            code="no_source",
        )
    if not start.target_lang:
        raise RequestError("`target_lang` is missing. Give the language to dub into, such as es.", code="no_target")


def tag_of(given: str, field: str) -> str:
    """A language as BCP 47; empty where it is to be found out.

    Raises:
        RequestError: ``bad_locale``.
    """
    if given.strip().lower() in AUTO:
        return ""
    locale = Locale.parse(given)
    if locale is None:
        raise RequestError(f'`{field}`: "{given[:35]}" is no language. Write it as es or pt-BR.', code="bad_locale")
    return str(locale)


def check_languages(source: str, target: str, *, translates: bool) -> None:
    """Refuse a pair that is known not to be had, and a language that no voice speaks.

    Args:
        source: empty where it is found out.
        translates: whether a service of the operator's takes any pair.

    Raises:
        OptionError: ``no_translation``.
        RequestError: ``no_voice_for_language``.
    """
    from avatarium.engine.speech.speakers import find_voice
    from avatarium.engine.translation.routes import has_way, language_of, no_translation

    try:
        find_voice(target)
    except OptionError as problem:
        raise _no_voice(target) from problem
    a, b = language_of(source), language_of(target)
    by_ear = b == "en" or has_way("en", b)
    if not (translates or not a or a == b or has_way(a, b) or by_ear):
        raise no_translation(a, b)


def _no_voice(target: str) -> RequestError:
    return RequestError(
        f'`target_lang`: no voice speaks "{target}". userDubbing/languages lists the pairs; take one that is `spoken`.',
        code="no_voice_for_language",
    )


def check_length(seconds: float, most_s: float) -> None:
    """Refuse what is too long.

    Raises:
        RequestError: ``media_too_long``.
    """
    if seconds > most_s:
        raise RequestError(
            f"It lasts {seconds / 60:.0f} minutes, and up to {most_s / 60:g} are dubbed here. Cut it into parts, or "
            "ask whoever runs this service for more.",
            code="media_too_long",
        )


def price(seconds: float, prices: Prices, *, again: bool) -> Price:
    """By the minute begun; a hundredth of a second does not count."""
    return prices.of("dubbing_again" if again else "dubbing", max(1, math.ceil(round(seconds / 60, 4))))


def voice_named(given: str, target: str, desk: Desk) -> str:
    """A voice as transcripts have it: the name of one that ships, the id of one of the caller's own, ``clone``, or
    empty.

    Raises:
        NotFoundError: ``voice_not_found``.
        RequestError: ``voice_language``, ``no_voice_for_language``.
    """
    from avatarium.engine.speech.speakers import voices

    named = given.strip()
    if named.lower() in ("", CLONE):
        return named.lower()
    shipped = find_voice_of(named) or next((voice for voice in voices() if voice.name == named.lower()), None)
    if shipped is None:
        desk.catalogue.voices.voice(desk.owner, named)
        clone_tag(Locale.parse(target) or Locale(language=target))
        return named
    language = target.partition("-")[0]
    if all(tag.partition("-")[0] != language for tag in shipped.languages):
        raise RequestError(
            f"The voice {shipped.name} does not speak {target}. Choose one of that language from anchor/voice_list.",
            code="voice_language",
        )
    return shipped.name


def with_voices(document: DubDocument, every: str, single: Mapping[str, str]) -> DubDocument:
    """A document whose speakers have the voices that were asked for."""
    from dataclasses import replace

    def dressed(speaker: Speaker) -> Speaker:
        return replace(speaker, voice=single.get(speaker.id, every))

    return replace(document, speakers=tuple(map(dressed, document.speakers)))
