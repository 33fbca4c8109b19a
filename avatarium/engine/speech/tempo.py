"""Speech faster or slower at the same pitch: by WSOLA, as FFmpeg's ``atempo`` has it.

Verhelst and Roelands 1993. A network is asked for a speed first, which sounds most natural; only the rest is stretched.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import av
import av.filter
import numpy as np

from avatarium.engine.speech.models.rendering import SAMPLE_RATE
from avatarium.engine.speech.records import Samples
from avatarium.engine.speech.timing import Timed

NEGLIGIBLE = 0.015
"""A difference of speed that nobody hears is left."""
SLOWED_BELOW = 0.8
"""Slower than this, Kokoro draws its vowels out more naturally than any stretching does; faster, it is stretched: its
sounds are whole frames of 25 ms, and come out up to an eighth too long."""
_TAIL_S = 0.2


def at_tempo(audio: Samples, phonemes: tuple[Timed, ...], factor: float) -> tuple[Samples, tuple[Timed, ...]]:
    """Sound with its phonemes, so many times as fast."""
    if abs(factor - 1.0) <= NEGLIGIBLE or not len(audio):
        return audio, phonemes
    made = faster(audio, factor)
    share = len(made) / len(audio)
    return made, tuple(replace(p, start_s=p.start_s * share, end_s=p.end_s * share) for p in phonemes)


def faster(audio: Samples, factor: float) -> Samples:
    """Sound at 24 kHz, so many times as fast (0.5 to 2), of exactly the length that follows."""
    wanted = round(len(audio) / factor)
    # The filter keeps back its last window, which silence behind the sound pushes out.
    padded = np.concatenate([audio, np.zeros(round(_TAIL_S * SAMPLE_RATE * max(factor, 1.0)), np.float32)])
    made = _filtered(padded, factor)
    exact = np.zeros(wanted, np.float32)
    kept = min(wanted, len(made))
    exact[:kept] = made[:kept]
    return exact


def _filtered(audio: Samples, factor: float) -> Samples:
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=SAMPLE_RATE, format="flt", layout="mono", time_base=Fraction(1, SAMPLE_RATE))
    tempo = graph.add("atempo", f"{factor:.6f}")
    sink = graph.add("abuffersink")
    source.link_to(tempo)
    tempo.link_to(sink)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(audio[None], format="flt", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, 0, Fraction(1, SAMPLE_RATE)
    source.push(frame)
    source.push(None)
    parts: list[Samples] = []
    while True:
        try:
            pulled = sink.pull()
        except (av.error.EOFError, av.error.BlockingIOError):
            return np.concatenate(parts).astype(np.float32) if parts else np.zeros(0, np.float32)
        assert isinstance(pulled, av.AudioFrame)
        parts.append(np.asarray(pulled.to_ndarray(), np.float32).reshape(-1))
