"""From how long each sign takes to phonemes and words with their times.

The networks' boundaries lie later than what is heard, by about 55 ms at normal speed: the lag at which predicted
vowels fit the energy of the sound best, the same for hibari and for every Kokoro voice tried; forced alignment agrees.
:func:`lag_s` takes it out. A mark of stress belongs to the vowel after it, a blank to one of its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.speech.g2p.ipa import LENGTHENERS, STOPS, ipa_of, lengthened
from avatarium.engine.speech.g2p.transcript import PAUSES, STRESSES, Transcript
from avatarium.engine.speech.models.rendering import SAMPLE_RATE, Rendering
from avatarium.engine.speech.records import Phoneme, Samples, Word
from avatarium.engine.speech.text.prepare import Token

ENVELOPE_HOP = 120
"""Samples; 5 ms."""
QUIET_DB = -38.0
"""Against the loudest moment; below it is a pause."""
SHORTEST_PAUSE_S = 0.06


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A phoneme before it is delivered."""

    sign: str
    ipa: str
    owner: int | None
    stress: int
    start_s: float
    end_s: float
    pause_before: bool = False
    """Punctuation stands before it."""


def lag_s(rate: float) -> float:
    """How much later the network's boundaries lie than what is heard, at a speed."""
    return 0.04 + 0.015 / rate


def timed(transcript: Transcript, rendered: Rendering, rate: float) -> tuple[Timed, ...]:
    """The phonemes of a rendering in order, without overlaps; what none covers is a pause."""
    spoken = list(_spoken(transcript, rendered, rate))
    level = envelope_db(rendered.audio)
    for i in range(1, len(spoken)):
        spoken[i - 1], spoken[i] = _joined(spoken[i - 1], spoken[i], level)
    length_s = len(rendered.audio) / SAMPLE_RATE
    return tuple(_inside(spoken, length_s))


def delivered(phonemes: Sequence[Timed], shift_s: float) -> tuple[Phoneme, ...]:
    """Phonemes on a time line that begins ``shift_s`` later."""
    return tuple(
        Phoneme(ipa=p.ipa, start_s=p.start_s - shift_s, end_s=p.end_s - shift_s, stress=p.stress) for p in phonemes
    )


def words(tokens: Sequence[Token], phonemes: Sequence[Timed], shift_s: float) -> tuple[Word, ...]:
    """What was written with the times of what was said for it; silent tokens go with their neighbour."""
    spans: dict[int, tuple[float, float]] = {}
    for p in phonemes:
        if p.owner is not None:
            start, end = spans.get(p.owner, (p.start_s, p.end_s))
            spans[p.owner] = (min(start, p.start_s), max(end, p.end_s))
    told: list[Word] = []
    before: list[str] = []
    for index, token in enumerate(tokens):
        if not token.written:
            continue  # the beginning of a token that ends in a later chunk
        if index in spans:
            start, end = spans[index]
            text = " ".join([*before, token.written])
            told.append(Word(text=text, start_s=start - shift_s, end_s=end - shift_s))
            before.clear()
        elif told:
            told[-1] = replace(told[-1], text=f"{told[-1].text} {token.written}")
        else:
            before.append(token.written)
    return tuple(told)


def envelope_db(audio: Samples) -> NDArray[np.float32]:
    """Loudness every :data:`ENVELOPE_HOP` samples, in decibels against the loudest."""
    count = len(audio) // ENVELOPE_HOP
    power = np.square(audio[: count * ENVELOPE_HOP]).reshape(count, ENVELOPE_HOP).mean(axis=1)
    level: NDArray[np.float32] = 10.0 * np.log10(power / max(float(power.max(initial=0.0)), 1e-9) + 1e-9)
    return level


def _spoken(transcript: Transcript, rendered: Rendering, rate: float) -> Iterator[Timed]:
    edges = np.concatenate([[0.0], np.cumsum(rendered.seconds)]) - lag_s(rate)
    held: Timed | None = None
    stress, start_s, pause = 0, None, False
    for i, (sign, owner) in enumerate(zip(transcript.signs, transcript.owners, strict=True)):
        begin, end = float(edges[i + 1]), float(edges[i + 2])
        if sign in STRESSES:
            stress, start_s = STRESSES[sign], begin
        elif sign in LENGTHENERS and held:
            held = replace(held, ipa=lengthened(held.ipa, sign), end_s=end)
        elif owner is None or not sign.isalpha():
            pause = pause or sign in PAUSES
        else:
            if held:
                yield held
            begin = begin if start_s is None else start_s
            held = Timed(
                sign=sign,
                ipa=ipa_of(sign),
                owner=owner,
                stress=stress,
                start_s=begin,
                end_s=end,
                pause_before=pause,
            )
            stress, start_s, pause = 0, None, False
    if held:
        yield held


def _joined(left: Timed, right: Timed, level: NDArray[np.float32]) -> tuple[Timed, Timed]:
    """Two neighbours with what lies between them given to one of them, or left where it is a pause."""
    if right.start_s <= left.end_s:
        return left, right
    quiet = _quiet_stretch(left, right, level) if right.pause_before else None
    if quiet:
        return replace(left, end_s=quiet[0]), replace(right, start_s=quiet[1])
    if right.sign in STOPS:
        # The mouth closes for a stop in the blank before it.
        return left, replace(right, start_s=left.end_s)
    return replace(left, end_s=right.start_s), right


def _quiet_stretch(left: Timed, right: Timed, level: NDArray[np.float32]) -> tuple[float, float] | None:
    hop_s = ENVELOPE_HOP / SAMPLE_RATE
    first = round((left.start_s + left.end_s) / 2 / hop_s)
    last = round((right.start_s + right.end_s) / 2 / hop_s)
    quiet = level[max(first, 0) : last] < QUIET_DB
    edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet.astype(np.int8), [0]])))
    runs = edges.reshape(-1, 2)
    if not len(runs):
        return None
    start, end = runs[np.argmax(runs[:, 1] - runs[:, 0])] * hop_s + max(first, 0) * hop_s
    # The closure of a stop after a pause is its own.
    end = min(end, right.start_s) if right.sign in STOPS else end
    return (float(start), float(end)) if end - start >= SHORTEST_PAUSE_S else None


def _inside(spoken: Sequence[Timed], length_s: float) -> Iterator[Timed]:
    done = 0.0
    for p in spoken:
        start = min(max(p.start_s, done), length_s)
        end = min(max(p.end_s, start), length_s)
        if end > start:
            yield replace(p, start_s=start, end_s=end)
            done = end
