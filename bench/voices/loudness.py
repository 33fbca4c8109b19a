"""Loudness by an instrument that is not ours: FFmpeg's meter after EBU R128."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import av
import av.filter
import numpy as np

from avatarium.engine.speech import Samples

LEAST_S = 3.0
"""A meter of blocks of 0.4 s wants so much sound; shorter ones are played again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loudness:
    """What the meter says."""

    lufs: float
    peak_db: float
    """True peak, in dB below full scale."""


def measured(audio: Samples, rate: int) -> Loudness:
    """Integrated loudness of mono sound."""
    sound = np.tile(audio, max(1, math.ceil(LEAST_S * rate / len(audio)))).astype(np.float32)
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=rate, format="flt", layout="mono", time_base=Fraction(1, rate))
    meter = graph.add("ebur128", "metadata=1:peak=true")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(sound[None], format="flt", layout="mono")
    frame.sample_rate, frame.pts = rate, 0
    source.push(frame)
    source.push(None)
    told: dict[str, str] = {}
    while True:
        try:
            told = dict(sink.pull().metadata) or told
        except (av.error.EOFError, av.error.BlockingIOError):
            break
    peak = float(told["lavfi.r128.true_peak"])
    return Loudness(lufs=float(told["lavfi.r128.I"]), peak_db=20 * math.log10(max(peak, 1e-9)))
