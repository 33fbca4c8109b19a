"""Voices made out of recordings: Kokoro in a style of its own, and the colour of the recording laid over it."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from avatarium.engine.assets import default_store
from avatarium.engine.speech.cloning.package import VoiceFile, read_voice
from avatarium.engine.speech.levels import levelled
from avatarium.engine.speech.models import kokoro
from avatarium.engine.speech.models.rendering import SAMPLE_RATE, Rendering, rendering
from avatarium.engine.speech.models.sessions import open_session
from avatarium.engine.speech.records import Samples

OFFSETS = "offsets"
LONGEST_SIGNS = kokoro.LONGEST_SIGNS
_TAPS = 1023
"""Of the equaliser's filter, 43 ms: its delay of half of that is taken out."""
_GRID = 1025


def signs_known() -> frozenset[str]:
    """The phoneme alphabet, Kokoro's."""
    return kokoro.signs_known()


def speak(signs: str, *, path: Path, rate: float, threads: int) -> Rendering:
    """Sound of a transcript by the voice of a file; no randomness is involved.

    Args:
        signs: at most :data:`LONGEST_SIGNS` of :func:`signs_known`.
        path: a file that ``clone_voice`` wrote.
        rate: speed, 0.5 to 2.

    Raises:
        InputError: ``voice_unreadable``.
    """
    state = path.stat() if path.exists() else None
    voice = _voice(path, state and state.st_mtime_ns)
    style = voice.table[min(len(signs), len(voice.table) - 1)]
    rendered = speak_in_style(signs, style=style, offsets=voice.offsets, rate=rate, threads=threads)
    audio = coloured(rendered.audio, voice.equaliser, lowest_hz=voice.facts.lowest_hz)
    return Rendering(audio=audio, seconds=rendered.seconds)


def speak_in_style(
    signs: str, *, style: NDArray[np.float32], offsets: NDArray[np.float32], rate: float, threads: int
) -> Rendering:
    """As :func:`speak`, of a style, ``(256,)``, and offsets, without an equaliser."""
    inputs = {
        "tokens": kokoro.tokens(signs),
        "style": style[None],
        "speed": np.array([rate], np.float32),
        OFFSETS: offsets[None],
    }
    audio, frames = _session(threads).run(None, inputs)
    return rendering(np.clip(audio.reshape(-1), -1.0, 1.0), frames)


@functools.cache
def _session(threads: int) -> onnxruntime.InferenceSession:
    """Kokoro with a second way in; 4 s of CPU and 0.5 GB, once, beside the network of the ready voices."""
    from avatarium.engine.speech.cloning.offsets import kokoro_with_offsets

    return open_session(kokoro_with_offsets(default_store().path("kokoro")), threads=threads)


@functools.lru_cache(maxsize=64)
def _voice(path: Path, changed_ns: int | None) -> VoiceFile:
    return read_voice(path)


def coloured(audio: Samples, equaliser: NDArray[np.float32], *, lowest_hz: float) -> Samples:
    """Sound through an equaliser, decibels for bands that lie evenly from 0 to half the sample rate, and a limiter.

    Args:
        lowest_hz: what is below falls off by 24 dB an octave: no voice is there, but offsets that were learnt rumble.
    """
    if not equaliser.any() and not lowest_hz:
        return audio
    from scipy.signal import oaconvolve

    filtered = oaconvolve(audio, _filter(equaliser.tobytes(), lowest_hz), mode="same")
    return levelled(np.asarray(filtered, np.float32), 0.0)


@functools.lru_cache(maxsize=64)
def _filter(equaliser: bytes, lowest_hz: float) -> NDArray[np.float64]:
    from scipy.signal import firwin2

    gains_db = np.frombuffer(equaliser, np.float32).astype(np.float64)
    at_hz = np.linspace(0, SAMPLE_RATE / 2, _GRID)
    gains_db = np.interp(at_hz, np.linspace(0, SAMPLE_RATE / 2, len(gains_db)), gains_db)
    voice = 1 / np.sqrt(1 + (lowest_hz / np.maximum(at_hz, 1.0)) ** 8)
    taps: NDArray[np.float64] = firwin2(_TAPS, at_hz, voice * 10 ** (gains_db / 20), fs=SAMPLE_RATE)
    return taps
