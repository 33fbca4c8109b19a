"""What somebody says, as text: Whisper base (Radford et al. 2022), int8, through CTranslate2 (both MIT).

For utterances of a conversation: up to half a minute that voice activity has cut out, answered as fast as one core can.
Whisper was made for windows of 30 s and hears 30 s however short the sound; CTranslate2 takes shorter windows as well,
which costs a fifth and no words (measured: see :func:`window_s`).

Whisper writes something even where nobody speaks. What it writes then is found out and dropped: see :func:`believed`.
"""

from __future__ import annotations

import functools
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer

from avatarium.engine.assets import default_store
from avatarium.engine.speech.records import Samples
from avatarium.errors import AudioError

if TYPE_CHECKING:
    from collections.abc import Iterator

RATE = 16_000
LONGEST_S = 30.0
SHORTEST_S = 0.2
FRAMES_PER_S = 100
_SPARE_S = 1.5
"""Silence behind the sound; without it the last words are said twice."""
_SHORTEST_WINDOW_S = 10.0
_WINDOW_STEP_S = 5.0

_SURE_OF_LANGUAGE = 0.75
"""Probability from which another language is believed than the one that is expected."""
_LANGUAGE_S = 1.0
"""Sound from which a language can be told at all."""
_NO_SPEECH = 0.6
_DOUBTFUL = -0.7
"""Mean log probability of a token below which text that may be no speech is not believed."""
_HOPELESS = -1.3
"""And below which nothing is."""
_LOOPING = 2.4
"""Compression at which a text repeats itself (Whisper's own figure)."""
_FASTEST = 35.0
"""Characters a second that nobody can speak."""
TOKENS_PER_S, TOKENS_SPARE = 14, 24

_INVENTED = re.compile(
    r"(?:thank(?:s| you)(?: (?:so|very) much)? for (?:watching|listening|your attention)|"
    r"(?:please )?(?:like and )?subscribe.*|(?:sub)?titles? by .*|.*amara\.org.*|"
    r"(?:untertitel|sous[- ]titr\w+|sottotitoli|subt[ií]tulos|legendas|субтитры).*|"
    r"see you (?:in the )?next (?:time|video)|bye[- .,]*bye|you|vielen dank fürs zuschauen|"
    r"ご視聴.*|字幕.*|請不吝點贊.*)[.!? ]*",
    re.IGNORECASE,
)
"""What Whisper learnt to write over silence, from the credits of films."""
_INVENTED_BELOW = -0.4
_REMARK = re.compile(r"[\[(*♪【（][^\])*♪】）]*[\])*♪】）]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What was understood."""

    text: str
    language: str
    """ISO 639-1 (``en``), or Whisper's own code where there is none."""
    confidence: float
    """0 to 1: geometric mean of the probabilities of its tokens."""


class Transcriber:
    """The loaded network. Safe to call from several threads, which then wait for each other.

    Args:
        folder: the model, converted to CTranslate2.
        threads: of the CPU, for one utterance.
    """

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        self.model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=threads)
        self.languages = frozenset(self.model.supported_languages)

    def transcribe(self, sound: Samples, expected: str | None = None) -> Transcript | None:
        """The words of one utterance; None where there are none to be believed in.

        About 0.4 s of CPU for four seconds of sound and 0.7 s for ten, on one thread.

        Args:
            sound: ``float32`` mono at 16 kHz, at most 30 s.
            expected: the language (``en``, ``pt-BR``) that is likely spoken; another one is believed where it is plain.

        Raises:
            AudioError: ``too_long``.
        """
        length_s = len(sound) / RATE
        if length_s > LONGEST_S:
            raise AudioError(f"An utterance may last {LONGEST_S:.0f} s; this has {length_s:.0f}.", code="too_long")
        if length_s < SHORTEST_S or not sound.any():
            return None
        window = round(window_s(length_s) * FRAMES_PER_S)
        padded = np.pad(sound, (0, max(0, window * RATE // FRAMES_PER_S - len(sound))))
        encoded = self.model.encode(self.model.feature_extractor(padded, padding=0)[:, :window])
        language = self._language(encoded, expected, length_s)
        tokenizer = Tokenizer(self.model.hf_tokenizer, True, task="transcribe", language=language)
        result = self.model.model.generate(
            encoded,
            [self.model.get_prompt(tokenizer, [], without_timestamps=True)],
            beam_size=1,
            max_length=TOKENS_SPARE + round(TOKENS_PER_S * length_s),
            suppress_blank=True,
            suppress_tokens=[-1],
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        text = clean(tokenizer.decode(result.sequences_ids[0]))
        if not believed(text, length_s, score=result.scores[0], no_speech=result.no_speech_prob):
            return None
        return Transcript(text=text, language=language, confidence=float(np.exp(min(result.scores[0], 0.0))))

    def _language(self, encoded: object, expected: str | None, length_s: float) -> str:
        code = (expected or "").split("-")[0].lower()
        if code in self.languages and length_s < _LANGUAGE_S:
            return code
        name, probability = self.model.model.detect_language(encoded)[0][0]
        heard: str = name.strip("<|>")
        return code if code in self.languages and probability < _SURE_OF_LANGUAGE else heard


def window_s(length_s: float) -> float:
    """Seconds that the network hears: the sound and some silence, in steps, 10 s at least.

    On 36 sentences in five languages (454 words) windows so short gave 9 wrong words and those of 30 s gave 8, for 28 %
    of the CPU; below 10 s words begin to be repeated.
    """
    steps = np.ceil((length_s + _SPARE_S) / _WINDOW_STEP_S)
    return float(np.clip(steps * _WINDOW_STEP_S, _SHORTEST_WINDOW_S, LONGEST_S))


def clean(text: str) -> str:
    """A transcript without remarks in brackets and without what it says twice in a row."""
    words = _REMARK.sub(" ", text).split()
    for length in range(len(words) // 2, 0, -1):
        words = list(_once(words, length))
    return " ".join(words)


def _once(words: list[str], length: int) -> Iterator[str]:
    """The words without repetitions of ``length`` words; people do say one or two words twice, and even three times."""
    allowed = 1 if length >= 3 else 3
    at = 0
    while at < len(words):
        phrase = [_bare(word) for word in words[at : at + length]]
        times = 1
        while [_bare(word) for word in words[at + times * length : at + (times + 1) * length]] == phrase:
            times += 1
        if times > allowed:
            yield from words[at : at + allowed * length]
            at += times * length
        else:
            yield words[at]
            at += 1


def _bare(word: str) -> str:
    return re.sub(r"\W", "", word).lower() or word


def believed(text: str, length_s: float, *, score: float, no_speech: float) -> bool:
    """Whether a text was said, and not made up over noise.

    Args:
        text: what was written, :func:`clean`.
        length_s: of the sound.
        score: mean log probability of its tokens.
        no_speech: probability that nobody speaks.
    """
    if not any(c.isalnum() for c in text) or score < _HOPELESS:
        return False
    if no_speech > _NO_SPEECH and score < _DOUBTFUL:
        return False
    if _INVENTED.fullmatch(text.strip()) and score < _INVENTED_BELOW:
        return False
    plain = text.encode()
    looping = len(plain) > 80 and len(plain) / len(zlib.compress(plain)) > _LOOPING
    return not looping and len(text) / length_s < _FASTEST


@functools.cache
def transcriber(threads: int = 1) -> Transcriber:
    """The network of this installation, loaded once: half a second, 150 MB; its file is fetched where it is missing.

    Raises:
        AssetError: it cannot be had.
    """
    return Transcriber(default_store().path("whisper-base"), threads=threads)
