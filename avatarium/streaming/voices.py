"""Who speaks in a room: any voice that ships, and those of the room's owner."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from avatarium.catalogue.models import Avatar, UserVoice
from avatarium.catalogue.service import Catalogue
from avatarium.catalogue.user_voices import spoken_tag
from avatarium.catalogue.voices import Locale, default_voice, find_voice_of, voices_of, wanted_locale
from avatarium.errors import RequestError
from avatarium.streaming.wire import RoomVoice

if TYPE_CHECKING:
    from avatarium.engine.speech import Voice

ROBOTIC = "espeak"
"""The engine that is taken where no other speaks a language."""


def room_voice(owner: str, voice_id: str, *, language: str, avatar: Avatar, catalogue: Catalogue) -> RoomVoice:
    """Who speaks in a room: whoever is named, else the avatar's own voice if it has one and speaks the language, else
    one that fits and is fast enough for a conversation if there is one.

    Raises:
        NotFoundError: ``voice_not_found``: there is none, or it is somebody else's.
        RequestError: ``bad_locale``, ``no_voice_for_language``.
    """
    if voice_id.strip():
        return named_voice(owner, voice_id, language=language, catalogue=catalogue)
    own = catalogue.voices.of_avatar(owner, avatar.id) if avatar.owner else None
    if own is not None:
        with suppress(RequestError):  # it does not speak the language: another does, or says so
            return own_voice(own, language=language)
    return shipped_voice(default_room_voice(wanted_locale(language), avatar.gender))


def named_voice(owner: str, voice_id: str, *, language: str, catalogue: Catalogue) -> RoomVoice:
    """The voice of a ``tts_id`` or ``user_voice_id``.

    Raises:
        NotFoundError: ``voice_not_found``.
        RequestError: ``bad_locale``, ``no_voice_for_language``: of one of the caller's own.
    """
    shipped = find_voice_of(voice_id)
    if shipped is not None:
        return shipped_voice(shipped)
    return own_voice(catalogue.voices.voice(owner, voice_id), language=language)


def own_voice(voice: UserVoice, *, language: str) -> RoomVoice:
    """A voice of a user's own, in a language or in its own."""
    tag = spoken_tag(voice, language)
    return RoomVoice(key=voice.key, language=tag, gender=voice.gender, live=False)


def shipped_voice(voice: Voice) -> RoomVoice:
    """One of the engine's."""
    return RoomVoice(name=voice.name, language=voice.language, gender=voice.gender.value, live=voice.live)


def default_room_voice(locale: Locale, gender: str) -> Voice:
    """Who speaks a language in rooms: a network goes before a robot, a fast one before a slow one, then the region,
    then the gender.

    Raises:
        RequestError: ``no_voice_for_language``.
    """
    spoken = [*voices_of(locale), *voices_of(Locale(language=locale.language))]
    default_voice(locale)  # says so where nobody speaks the language

    def unfit(voice: Voice) -> tuple[bool, bool, int, bool]:
        region = voices_of(locale)
        return voice.engine.value == ROBOTIC, not voice.live, int(voice not in region), voice.gender != gender

    return min(spoken, key=unfit)
