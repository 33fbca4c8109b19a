"""Conversations composed of recordings of single people, so that who speaks when is known to the sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from avatarium.engine.speech.activity import probabilities, stretches
from avatarium.engine.speech.records import Samples

RATE = 16_000
GAP_S = 0.4
LOUDNESS = 0.06
STEP_S = 0.01

Part = tuple[str, float, float]
"""A recording, and from when to when."""

CASES: dict[str, tuple[Part, ...]] = {
    "two people": (
        ("en-latentsync-1.wav", 0, 4.5), ("en-latentsync-2.wav", 0, 6), ("en-latentsync-1.wav", 4.5, 9.5),
        ("en-latentsync-2.wav", 6, 13),
    ),
    "three people": (
        ("en-jfk.flac", 0, 5), ("en-latentsync-2.wav", 0, 6), ("en-radio-1.wav", 0, 4), ("en-jfk.flac", 5, 11),
        ("en-latentsync-2.wav", 6, 12), ("en-radio-1.wav", 4, 8),
    ),
    "one person": (("en-latentsync-2.wav", 0, 19.8),),
    "short turns": (
        ("en-latentsync-1.wav", 0, 2.5), ("en-latentsync-2.wav", 0, 2.5), ("en-latentsync-1.wav", 2.5, 5),
        ("en-latentsync-2.wav", 2.5, 5), ("en-latentsync-1.wav", 5, 7), ("en-latentsync-2.wav", 5, 8),
    ),
    "four languages": (
        ("fr.wav", 0, 6.5), ("de.wav", 0, 5), ("zh-news.wav", 0, 8), ("en-latentsync-2.wav", 0, 10), ("de.wav", 5, 9),
        ("en-latentsync-2.wav", 10, 15),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """A conversation and its truth."""

    sound: Samples
    """16 kHz."""
    truth: NDArray[np.int64]
    """Who speaks, each hundredth of a second; -1 where nobody does."""

    @property
    def people(self) -> int:
        """How many speak."""
        return int(self.truth.max()) + 1


def composed(parts: Sequence[Part], read: Callable[[str], Samples]) -> Mixture:
    """Parts one after the other at one loudness; ``read`` gives a recording at 16 kHz."""
    people = list(dict.fromkeys(name for name, _, _ in parts))
    sounds: list[Samples] = []
    truths: list[NDArray[np.int64]] = []
    for name, start_s, end_s in parts:
        whole = read(name)
        first, last = round(start_s * RATE), min(round(end_s * RATE), len(whole))
        spoken, sound = _spoken(whole)[first:last], whole[first:last]
        level = float(np.sqrt(np.mean(np.square(sound[spoken])))) if spoken.any() else 1.0
        gap = np.zeros(round(GAP_S * RATE), np.float32)
        sounds += [sound * np.float32(LOUDNESS / level), gap]
        truths += [np.where(spoken, people.index(name), -1), np.full(len(gap), -1)]
    return Mixture(sound=np.concatenate(sounds), truth=np.concatenate(truths)[:: round(STEP_S * RATE)])


def _spoken(sound: Samples) -> NDArray[np.bool_]:
    mask = np.zeros(len(sound), bool)
    for stretch in stretches(probabilities([sound])):
        mask[round(stretch.start_s * RATE) : round(stretch.end_s * RATE)] = True
    return mask


def diarisation_error(truth: NDArray[np.int64], told: NDArray[np.int64]) -> float:
    """Share of the speech that is missed, made up or given to somebody else (NIST), without any collar.

    Args:
        truth: who speaks in every step, -1 for nobody.
        told: the same as it was found; people may be numbered otherwise.
    """
    known, found = int(truth.max()) + 1, max(int(told.max()) + 1, 1)
    shared = np.array([[np.sum((truth == i) & (told == j)) for j in range(found)] for i in range(known)])
    rows, columns = linear_sum_assignment(-shared)
    right, spoken = int(shared[rows, columns].sum()), int((truth >= 0).sum())
    made_up = int(((truth < 0) & (told >= 0)).sum())
    return (spoken - right + made_up) / spoken
