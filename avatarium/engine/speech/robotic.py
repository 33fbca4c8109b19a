"""Sentences by eSpeak NG: its sounds and words on one time line, as those of the networks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from avatarium.engine.speech.g2p.transcript import Transcript
from avatarium.engine.speech.models.espeak import Said, speak
from avatarium.engine.speech.records import Samples
from avatarium.engine.speech.tempo import at_tempo
from avatarium.engine.speech.text.prepare import Token
from avatarium.engine.speech.timing import Timed

_SIGNS_A_DIGIT = 5
_CLOSE_S = 0.012
"""A word's mark and its first sound may lie so far apart."""


def robotic(tokens: Sequence[Token], *, voice: str, rate: float) -> tuple[Samples, tuple[Timed, ...]]:
    """Sound of a sentence at 24 kHz, and its phonemes; both empty where nothing is said."""
    spoken = [" ".join(token.spoken.split()) for token in tokens]
    line = " ".join(spoken)
    said = speak(line, voice=voice, rate=rate)
    starts = [0, *accumulate(len(part) + 1 for part in spoken)][: len(spoken)]
    owners = _owners(said, starts)
    phonemes = tuple(
        Timed(
            sign=sound.ipa[0],
            ipa=sound.ipa,
            owner=owner,
            stress=sound.stress,
            start_s=sound.start_s,
            end_s=sound.end_s,
            pause_before=sound.pause_before,
        )
        for sound, owner in zip(said.sounds, owners, strict=True)
    )
    if rate == 1.0 or not phonemes:
        return said.audio, phonemes
    # Its words a minute are about what was asked for; what they really came to is told by the same line at its own.
    natural = len(speak(line, voice=voice, rate=1.0).audio)
    return at_tempo(said.audio, phonemes, len(said.audio) * rate / natural)


def lengths(tokens: Sequence[Token]) -> Transcript:
    """A sentence in letters instead of phonemes, to tell how long it takes: digits are words."""
    signs: list[str] = []
    owners: list[int] = []
    for owner, token in enumerate(tokens):
        letters = [c * (_SIGNS_A_DIGIT if c.isdigit() else 1) for c in token.spoken if not c.isspace()]
        signs += letters
        owners += [owner] * sum(map(len, letters))
    return Transcript(signs="".join(signs), owners=tuple(owners))


def _owners(said: Said, starts: Sequence[int]) -> list[int]:
    """The token of each sound: that of the last word which began before it."""
    moments = [at_s for at_s, _ in said.words]
    told = [max(bisect_right(starts, place) - 1, 0) for _, place in said.words]
    return [told[max(bisect_right(moments, sound.start_s + _CLOSE_S) - 1, 0)] if told else 0 for sound in said.sounds]
