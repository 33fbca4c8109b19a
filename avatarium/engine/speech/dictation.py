"""Half a minute of sound as words with their times: Whisper base, greedy, and the attention that it read with.

The words are found first and timed after: dynamic time warping over the attention of the heads that follow the sound
(Radford et al. 2022; Giorgino 2009). Voice activity then takes the pauses out of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import merge_punctuations

from avatarium.engine.speech.activity import Stretch
from avatarium.engine.speech.records import Samples
from avatarium.engine.speech.transcription import (
    FRAMES_PER_S,
    RATE,
    TOKENS_PER_S,
    TOKENS_SPARE,
    Transcriber,
    believed,
    clean,
    window_s,
)

LONGEST_S = 28.0
"""Of the 30 s that the network hears some are left, or the last words are said twice."""
_HALVED_S = 8.0
"""Sound from which what is not believed is heard again in two halves."""
_LONGEST_WORD_S = 1.6
_EARLY_S = 0.06
"""Attention turns to a word so long before it begins: 0.067 s (median) in 148 words of two synthetic voices whose times
are known, and 0.065 s in 22 of a recording against forced alignment."""
_BEFORE, _BEHIND = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"
_MOST_PROMPT = 100
"""Tokens of a prompt that are heeded; the network has room for 223."""


class Task(StrEnum):
    """What is written down."""

    TRANSCRIBE = "transcribe"
    """What is said, in its language."""
    TRANSLATE = "translate"
    """What it means, in English."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A word, or a sign of a language that has no blanks."""

    text: str
    """With the blank before it, so that texts can be joined."""
    start_s: float
    end_s: float
    probability: float


class Dictation:
    """Whisper with everything that stays the same for one recording."""

    def __init__(self, network: Transcriber, *, language: str, task: Task = Task.TRANSCRIBE, prompt: str = "") -> None:
        self._model = network.model
        self._tokenizer = Tokenizer(self._model.hf_tokenizer, True, task=str(task), language=language)
        self._prompt = self._tokenizer.encode(" " + prompt.strip())[-_MOST_PROMPT:] if prompt.strip() else []

    def words(self, sound: Samples, start_s: float, spoken: Sequence[Stretch]) -> tuple[Heard, ...]:
        """What is said in at most 28 s; nothing where nothing can be believed.

        Args:
            sound: ``float32`` mono at 16 kHz.
            start_s: when it begins; times of words count from zero.
            spoken: when somebody speaks, on the same clock as ``start_s``.
        """
        found = self._listened(sound)
        if found is None and len(sound) / RATE > _HALVED_S:
            cut = _quietest(sound)
            return self.words(sound[:cut], start_s, spoken) + self.words(sound[cut:], start_s + cut / RATE, spoken)
        timed = (replace(word, start_s=word.start_s + start_s, end_s=word.end_s + start_s) for word in found or ())
        return tuple(_ordered(_spoken(word, spoken) for word in timed))

    def _listened(self, sound: Samples) -> list[Heard] | None:
        """The words of the sound; None where they are not to be believed."""
        length_s = len(sound) / RATE
        encoded = _encoded(self._model, sound)
        result = self._model.model.generate(
            encoded,
            [self._model.get_prompt(self._tokenizer, self._prompt, without_timestamps=True)],
            beam_size=1,
            max_length=min(TOKENS_SPARE + len(self._prompt) + round(TOKENS_PER_S * length_s), 448),
            suppress_blank=True,
            suppress_tokens=[-1],
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        written = self._tokenizer.decode(result.sequences_ids[0]).strip()
        text = clean(written)
        if not believed(text, length_s, score=result.scores[0], no_speech=result.no_speech_prob):
            return None if text else []
        return self._timed(text, encoded, length_s)

    def _timed(self, text: str, encoded: Any, length_s: float) -> list[Heard]:
        tokens = self._tokenizer.encode(" " + text)
        frames = round(length_s * FRAMES_PER_S)
        found = self._model.find_alignment(self._tokenizer, [tokens], encoded, frames)[0]
        words = [word for word in found if word["tokens"][0] < self._tokenizer.eot]
        merge_punctuations(words, _BEFORE, _BEHIND)
        return [
            Heard(
                text=word["word"],
                start_s=min(float(word["start"]) + _EARLY_S, length_s),
                end_s=min(float(word["end"]) + _EARLY_S, length_s),
                probability=float(word["probability"]),
            )
            for word in words
            if word["word"].strip()
        ]


def spoken_language(network: Transcriber, sounds: Iterable[Samples]) -> str:
    """The language that is most likely over several sounds of at most 28 s each."""
    votes: Counter[str] = Counter()
    for sound in sounds:
        for name, probability in network.model.model.detect_language(_encoded(network.model, sound))[0]:
            votes[name.strip("<|>")] += probability * len(sound)
    return votes.most_common(1)[0][0] if votes else ""


def _encoded(model: Any, sound: Samples) -> Any:
    frames = round(window_s(len(sound) / RATE) * FRAMES_PER_S)
    padded = np.pad(sound, (0, max(0, frames * RATE // FRAMES_PER_S - len(sound))))
    return model.encode(model.feature_extractor(padded, padding=0)[:, :frames])


def _quietest(sound: Samples) -> int:
    """Where to cut in two: the quietest fifth of a second of the middle half."""
    width = RATE // 5
    first, last = len(sound) // 4, 3 * len(sound) // 4
    power = np.convolve(np.square(sound[first:last]), np.ones(width), "valid")
    return first + int(power.argmin()) + width // 2


def _spoken(word: Heard, spoken: Sequence[Stretch]) -> Heard:
    """The word without the silence that it was given; attention holds on to a word through the pause behind it."""
    shared = [(min(word.end_s, s.end_s) - max(word.start_s, s.start_s), s) for s in spoken]
    over, best = max(shared, key=lambda pair: pair[0], default=(0.0, None))
    start_s, end_s = word.start_s, word.end_s
    if best is not None and over > 0.0:
        start_s, end_s = max(start_s, best.start_s), min(end_s, best.end_s)
    return replace(word, start_s=start_s, end_s=min(end_s, start_s + _LONGEST_WORD_S))


def _ordered(words: Iterable[Heard]) -> Iterator[Heard]:
    """Words of which none begins before the one before it ends."""
    done_s = 0.0
    for word in words:
        start_s = max(word.start_s, done_s)
        done_s = max(word.end_s, start_s)
        yield replace(word, start_s=start_s, end_s=done_s)
