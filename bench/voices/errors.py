"""What a listener that is not ours understands of each voice, and how exact its loudness and speed are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jiwer import cer

from avatarium.engine.speech import Engine, Samples, Voice, join, synthesize
from avatarium.engine.speech.tongues import TONGUES, UNSPACED, code_of
from bench.speech import word_errors
from bench.voices.listener import understood
from bench.voices.loudness import Loudness, measured
from bench.voices.texts import sentences

RATES = (0.5, 0.8, 1.25, 2.0)
_VARIANTS = str.maketrans(
    "會議無開們這個麼氣園説說經為師間時國學東車長門見風馬語話請讓對後來爾過還沒從給認識讀與電視頭處發點現實種應機樣條進運連達選邊",
    "会议无开们这个么气园说说经为师间时国学东车长门见风马语话请让对后来尔过还没从给认识读与电视头处发点现实种应机样条进运连达选边",
)
"""The listener writes Chinese in either script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was measured of one voice."""

    voice: Voice
    errors: float | None
    """Share of wrong words, in Chinese and Japanese of characters; None where the listener writes other letters."""
    loudness: Loudness
    speed_off: float
    """The worst of how much a speed differs from what was asked for."""


def figures(voice: Voice, *, rates: Sequence[float] = ()) -> Figures:
    """Let a voice say its sentences."""
    texts = sentences(voice)
    said = [synthesize(text, voice, threads=1) for text in texts]
    language = code_of(voice.language)
    whole = join(said)
    return Figures(
        voice=voice,
        errors=errors(understood(said, language), texts, language),
        loudness=measured(whole.audio, whole.rate),
        speed_off=max((_off(voice, texts[0], said[0].audio, rate) for rate in rates), default=0.0),
    )


def table(measured_voices: Sequence[Figures]) -> str:
    """The figures in Markdown."""
    lines = ["| voice | language | engine | WER | LUFS | peak dBFS | speed off |", "|---|---|---|---|---|---|---|"]
    for each in measured_voices:
        tongue = TONGUES[code_of(each.voice.language)].name
        kind = " (CER)" if code_of(each.voice.language) in UNSPACED else ""
        errors = "-" if each.errors is None else f"{each.errors * 100:.0f} %{kind}"
        speed = f"{each.speed_off * 100:.1f} %" if each.speed_off else ""
        lines.append(
            f"| {each.voice.name} | {tongue} | {each.voice.engine} | {errors} | {each.loudness.lufs:.1f} | "
            f"{each.loudness.peak_db:.1f} | {speed} |"
        )
    return "\n".join(lines)


def errors(heard: str, texts: Sequence[str], language: str) -> float | None:
    """Share of wrong words of all sentences together, or of characters; None where the listener cannot write it."""
    said = " ".join(texts)
    if language in UNSPACED:
        return float(cer(_characters(said), _characters(heard)))
    if language == "hi":
        said, heard = _spelt_alike(said), _spelt_alike(heard)
    return word_errors([heard], [said], language)


def _characters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).translate(_VARIANTS)


def _spelt_alike(text: str) -> str:
    """Devanagari in one of its spellings: without the dot below, one sign for nasal vowels, glides left out.

    हूँ and हूं, बाज़ार and बाजार are the same word.
    """
    bare = unicodedata.normalize("NFD", text).replace("\u093c", "").replace("\u0901", "\u0902")
    return bare.replace("ये", "ए").replace("यी", "ई")


def _off(voice: Voice, text: str, plain: Samples, rate: float) -> float:
    """By how much what is said at a speed is longer or shorter than it should be; the lead before it aside."""
    made = synthesize(text, voice, rate, threads=1)
    natural = _spoken(plain)
    return abs(_spoken(made.audio) * rate / natural - 1.0)


def _spoken(audio: Samples) -> int:
    loud = np.flatnonzero(np.abs(audio) > 0.01 * np.abs(audio).max())
    return int(loud[-1] - loud[0])


def natural_first(voice: Voice) -> bool:
    """Whether a voice is no robot."""
    return voice.engine is not Engine.ESPEAK
