"""Which voice fits a text: whoever speaks in a room does not read a language aloud that they cannot."""

from __future__ import annotations

from avatarium.catalogue.user_voices import clone_tag
from avatarium.catalogue.voices import Locale
from avatarium.errors import RequestError
from avatarium.streaming.voices import default_room_voice, shipped_voice
from avatarium.streaming.wire import RoomVoice

SURE = 0.95
"""Confidence at which the letters of a text count more than what its room was booked for."""
LETTERS = 16
"""Of a text in letters that many languages share: fewer say too little."""


def fitting(text: str, voice: RoomVoice) -> RoomVoice:
    """Who reads a text in a room where nobody was named for it: its own voice, unless the text is certainly in another
    language; then that voice in the other language if it speaks it, else the best one of that language.

    Looks at letters; with the model of languages, which is loaded once, about a millisecond. Any thread.
    """
    language = told(text)
    if language in ("", voice.language.partition("-")[0]):
        return voice
    locale = Locale(language=language)
    try:
        if voice.key:
            return voice.model_copy(update={"language": clone_tag(locale)})
        return shipped_voice(default_room_voice(locale, voice.gender))
    except RequestError:
        return voice  # nobody speaks it: whoever is there says what they can, or why not


def told(text: str) -> str:
    """The language that a text shows it is in; empty where that is not certain."""
    from avatarium.engine.speech.language import guess_language

    letters = sum(character.isalpha() for character in text)
    latin = sum("a" <= character <= "ɏ" for character in text.lower())
    if not letters or (latin > letters / 2 and letters < LETTERS):
        return ""
    guess = guess_language(text)
    return guess.code if guess.confidence >= SURE else ""
