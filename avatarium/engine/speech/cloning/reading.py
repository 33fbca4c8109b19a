"""Words of the recording, and sentences that are not in it, as signs of Kokoro's alphabet."""

from __future__ import annotations

from functools import partial

from avatarium.engine.speech.g2p.chinese import transcribe_chinese
from avatarium.engine.speech.g2p.english import transcribe_english
from avatarium.engine.speech.g2p.espeak import transcribe_by_espeak
from avatarium.engine.speech.g2p.japanese import transcribe_japanese
from avatarium.engine.speech.g2p.transcript import Transcriber
from avatarium.engine.speech.models import kokoro
from avatarium.engine.speech.text.prepare import sentences
from avatarium.engine.speech.tongues import code_of, tongue_of
from avatarium.errors import InputError

READ = ("en-US", "en-GB", "es", "fr", "it", "pt-BR", "hi", "ja", "zh")
"""Languages that Kokoro speaks."""

PHRASES = (
    "Those yellow shoes cost three hundred.",
    "My father bought a young German horse.",
    "We watched the cheap red boat.",
)
"""Said while learning, beside the person's own words: nearly all sounds of English in five seconds."""
UNSEEN = (
    "Ask me anything about the annual report, and I will gladly explain how our new product works.",
    "The weather was perfect yesterday, so three of us went for a long walk along the beach.",
)
"""Never learnt with: what a clone is judged by."""


def reading_language(language: str) -> str:
    """The language out of :data:`READ` in which a voice is made: the one that is spoken, or English."""
    wanted = language.replace("_", "-").lower()
    exact = [tag for tag in READ if tag.lower() == wanted]
    return (exact or [tag for tag in READ if tag.split("-")[0] == wanted.split("-")[0]] or ["en-US"])[0]


def hearing_language(language: str) -> str:
    """The language in which words of a recording are read, to find their sounds in it: the one that is spoken, where
    anything reads it."""
    return reading_language(language) if is_read(language) or tongue_of(language) is None else code_of(language)


def is_read(language: str) -> bool:
    """Whether Kokoro speaks a language."""
    return any(tag.split("-")[0] == code_of(language) for tag in READ)


def signs_of(text: str, language: str) -> str:
    """Signs of a text in any language, as many as one run of the network takes; empty where nothing can be read.

    Kokoro's alphabet is the phonetic one: words of a language that it does not speak can be written in it too, well
    enough to find their sounds in a recording.
    """
    try:
        transcripts = [_transcriber(language)(sentence.tokens).signs for sentence in sentences(text, language)]
    except InputError:
        return ""
    known = kokoro.signs_known()
    return "".join(sign for sign in " ".join(transcripts) if sign in known)[: kokoro.LONGEST_SIGNS]


def _transcriber(language: str) -> Transcriber:
    code, _, region = language.partition("-")
    if code == "en":
        return partial(transcribe_english, british=region == "GB")
    own = {"ja": transcribe_japanese, "zh": transcribe_chinese}.get(code)
    return own or partial(transcribe_by_espeak, language=code)
