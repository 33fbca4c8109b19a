"""How close a clone came, and whether it can be understood."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import soxr
from numpy.typing import NDArray

from avatarium.engine.speech.cloning.records import SAMPLE_RATE
from avatarium.engine.speech.identity import embed, likeness
from avatarium.engine.speech.records import Samples
from avatarium.engine.speech.transcription import RATE, transcriber


def likeness_of(samples: Sequence[Samples], voice: NDArray[np.float32]) -> float:
    """Mean cosine of some sentences to a speaker vector."""
    return float(np.mean([likeness(embed(sound, SAMPLE_RATE), voice) for sound in samples]))


def judged(samples: Sequence[Samples], texts: Sequence[str]) -> float:
    """Share of the words of English sentences that Whisper base hears wrong."""
    wrong = words = 0
    for sound, text in zip(samples, texts, strict=True):
        heard = transcriber(2).transcribe(np.asarray(soxr.resample(sound, SAMPLE_RATE, RATE), np.float32), "en")
        wanted = _words(text)
        wrong += _edits(wanted, _words(heard.text if heard else ""))
        words += len(wanted)
    return wrong / max(words, 1)


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def _edits(wanted: Sequence[str], heard: Sequence[str]) -> int:
    """Levenshtein's distance in words."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(wanted, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]
