"""What every synthesis network gives back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.speech.records import Samples

SAMPLE_RATE = 24_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """Sound at 24 kHz and how long each sign of the transcript takes."""

    audio: Samples
    seconds: NDArray[np.float64]
    """One value for each sign, with a pad of silence before the first and after the last."""


def rendering(audio: Samples, frames: NDArray[np.float32]) -> Rendering:
    """Durations in the network's frames, whatever their length, as seconds of this sound."""
    counts = frames.reshape(-1).astype(np.float64)
    return Rendering(audio=audio, seconds=counts * (len(audio) / SAMPLE_RATE / counts.sum()))
