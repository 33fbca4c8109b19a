"""The fast voices: hibari, whose network predicts a spectrum that plain signal processing turns into sound.

https://github.com/MMWilliams/hibari (Apache-2.0). Because the spectrum is open, a second voice comes from the same
network: a lower pitch, and an envelope that is squeezed as if the vocal tract were longer.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from importlib import resources

import numpy as np
import onnxruntime
from hibari import dsp
from numpy.typing import NDArray

from avatarium.engine.assets import default_store
from avatarium.engine.speech.models.rendering import SAMPLE_RATE, Rendering, rendering
from avatarium.engine.speech.models.sessions import open_session

LONGEST_SIGNS = 400
_PITCH = "f0"
"""Output of the network: one value a frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a voice differs from the network's own."""

    pitch: float = 1.0
    """Factor on the fundamental frequency. At a half, the harmonics that the network hides in the part of the spectrum
    that follows no pitch still fall on harmonics, and the voice does not sound hollow."""
    tract: float = 1.0
    """Factor on the frequencies of the envelope: below 1 for a longer vocal tract."""
    gain_db: float = 0.0


NATURAL = Shape()


@functools.cache
def signs_known() -> frozenset[str]:
    """The phoneme alphabet of hibari."""
    return frozenset(_vocabulary())


@functools.cache
def _vocabulary() -> dict[str, int]:
    text = resources.files("hibari").joinpath("assets/vocab.json").read_text(encoding="utf-8")
    table: dict[str, int] = json.loads(text)
    return table


@functools.cache
def _session(threads: int) -> onnxruntime.InferenceSession:
    return open_session(default_store().path("hibari"), threads=threads)


def speak(signs: str, *, rate: float, seed: tuple[int, int], shape: Shape = NATURAL, threads: int = 1) -> Rendering:
    """Sound of a transcript; the same seed gives the same samples.

    Args:
        signs: at most :data:`LONGEST_SIGNS` of :func:`signs_known`.
        rate: speed, 0.5 to 2.
        seed: of the noise in consonants and breath.
    """
    ids = np.array([[0, *(_vocabulary()[sign] for sign in signs), 0]], np.int64)
    *parts, frames = _session(threads).run(None, {"ids": ids, "speed": np.array([rate], np.float32)})
    harmonic, phase, noise, rest, rest_phase, pitch = (part[0] for part in parts)
    if shape != NATURAL:
        harmonic, noise, rest, pitch = _shaped(harmonic, noise, rest, pitch, shape)
    audio = dsp.synth(harmonic, phase, noise, rest, rest_phase, pitch, np.random.default_rng(seed))
    return rendering(np.clip(audio, -1.0, 1.0), frames)


def natural_s(signs: str, *, threads: int = 1) -> float:
    """How long a transcript takes at normal speed: its frames of 12.5 ms are coarse, so other speeds only come near."""
    ids = np.array([[0, *(_vocabulary()[sign] for sign in signs), 0]], np.int64)
    pitch = _session(threads).run([_PITCH], {"ids": ids, "speed": np.array([1.0], np.float32)})[0]
    return float(pitch.shape[-1] * dsp.HOP / SAMPLE_RATE)


Spectrum = NDArray[np.float32]


def _shaped(
    harmonic: Spectrum, noise: Spectrum, rest: Spectrum, pitch: Spectrum, shape: Shape
) -> tuple[Spectrum, Spectrum, Spectrum, Spectrum]:
    gain = np.float32(shape.gain_db * np.log(10.0) / 20.0)
    # A lower pitch has more harmonics below the same ceiling: each is softened to keep the level.
    level = np.float32(0.5 * np.log(shape.pitch))
    warped = [_warped(part, shape.tract) + gain for part in (harmonic, noise, rest)]
    return warped[0] + level, warped[1], warped[2], (pitch * shape.pitch).astype(np.float32)


def _warped(spectrum: Spectrum, factor: float) -> Spectrum:
    bins = spectrum.shape[0]
    source = np.minimum(np.arange(bins) / factor, bins - 1)
    below = source.astype(np.int64)
    above = np.minimum(below + 1, bins - 1)
    weight = (source - below).astype(np.float32)[:, None]
    warped: Spectrum = spectrum[below] * (1 - weight) + spectrum[above] * weight
    return warped
