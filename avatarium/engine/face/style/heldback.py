"""Which frames teach and which examine: blocks of time, so that no neighbour of a question has been seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.speech.records import Speech

Flags = NDArray[np.bool_]

_BLOCK_S = (1.0, 2.0)
_BLOCKS = 8
"""At least so many blocks, if they may be short."""
_GUARD_FRAMES = 5
"""Frames beside a question that teach nothing: curves are smooth."""
_NEAR_S = 0.25
"""Frames so near to a sound are speech; beyond, a mouth may laugh or chew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One way to divide a clip, flags by frame."""

    taught: Flags
    asked: Flags


def speech_frames(speech: Speech, frames: int, fps: float) -> Flags:
    """Frames in which somebody speaks or is just about to."""
    at = np.arange(frames) / fps
    speaking = np.zeros(frames, bool)
    for p in speech.phonemes:
        speaking |= (at >= p.start_s - _NEAR_S) & (at <= p.end_s + _NEAR_S)
    return speaking


def folds(rows: Flags, fps: float, count: int = 4) -> Iterator[Fold]:
    """Divide frames ``count`` times; every one is asked once. Each asks every ``count``-th block of 1 to 2 seconds.

    Divisions that leave nothing to ask or to teach are passed over.
    """
    block_s = float(np.clip(rows.sum() / fps / _BLOCKS, *_BLOCK_S))
    block = (np.arange(len(rows)) / fps / block_s).astype(int)
    for turn in range(count):
        asked = rows & (block % count == turn)
        near = np.convolve(asked.astype(float), np.ones(2 * _GUARD_FRAMES + 1), "same") > 0
        taught = rows & ~near
        if asked.any() and taught.any():
            yield Fold(taught=taught, asked=asked)
