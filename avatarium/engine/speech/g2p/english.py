"""English words into phonemes, by hibari's port of misaki (Apache-2.0); no espeak-ng, no spaCy."""

from __future__ import annotations

import functools
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from hibari.g2p import G2P

from avatarium.engine.speech.g2p.transcript import Transcript, transcript
from avatarium.engine.speech.text.prepare import Token


@functools.cache
def _front_end(british: bool) -> G2P:
    return G2P(british=british)


def transcribe_english(tokens: Sequence[Token], *, british: bool = False) -> Transcript:
    """Phonemes of a sentence; words are read in their context."""
    front_end = _front_end(british)
    line = " ".join(token.spoken for token in tokens)
    starts = [0, *accumulate(len(token.spoken) + 1 for token in tokens)]
    pairs: list[tuple[str, int | None]] = []
    at = 0
    for word in front_end.phonemize_tokens(front_end.tokenize(line)):
        owner = bisect_right(starts, at) - 1
        pairs.append(((word.phonemes or "") + (" " if word.whitespace else ""), owner))
        at += len(word.text) + len(word.whitespace)
    return transcript(pairs)


def warm(british: bool = False) -> None:
    """Load the dictionaries and the network for unknown words."""
    _ = _front_end(british).oov
