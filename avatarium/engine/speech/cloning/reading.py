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


def signs_of(text: str, language: str) -> str:
    """Signs of a text, as many of them as one run of the network takes; empty where nothing can be read."""
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
