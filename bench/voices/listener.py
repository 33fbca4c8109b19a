"""What somebody who is not ours understands: Whisper base, greedy, made to write a language in its own letters."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import numpy as np
import soxr

from avatarium.engine.speech import Samples, Speech
from bench.speech import LISTENER_RATE, listener

LONGEST_S = 27.0
"""Sentences are heard together up to so long: each window costs as much as half a minute."""
GAP_S = 0.4
PROMPTS = {"zh": "以下是普通话的句子。", "hi": "यह वाक्य हिंदी में है।"}
"""Without them Chinese comes in traditional characters and Hindi in those of Urdu."""
_ARABIC = frozenset("ØÙÚÛ")
"""First bytes of Arabic letters, as the vocabulary writes them."""


def understood(said: Sequence[Speech], language: str) -> str:
    """Everything that is understood of some sentences."""
    told = (
        segment.text
        for sound in _together(said)
        for segment in listener().transcribe(
            sound,
            language="no" if language == "nb" else language,
            beam_size=1,
            condition_on_previous_text=False,
            initial_prompt=PROMPTS.get(language),
            suppress_tokens=[-1, *_urdu()] if language == "hi" else [-1],
        )[0]
    )
    return " ".join(told)


def _together(said: Sequence[Speech]) -> Iterator[Samples]:
    gap = np.zeros(round(GAP_S * LISTENER_RATE), np.float32)
    held: list[Samples] = []
    for speech in said:
        sound = soxr.resample(speech.audio, speech.rate, LISTENER_RATE)
        if held and sum(map(len, held)) + len(sound) > LONGEST_S * LISTENER_RATE:
            yield np.concatenate(held)
            held = []
        held += [sound, gap]
    yield np.concatenate(held)


@functools.cache
def _urdu() -> tuple[int, ...]:
    """Tokens that have a letter of Urdu in them."""
    vocabulary = listener().hf_tokenizer.get_vocab()
    return tuple(sorted(number for token, number in vocabulary.items() if _ARABIC & set(token)))
