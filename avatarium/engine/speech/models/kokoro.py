"""The best voices: Kokoro-82M by hexgrad (Apache-2.0), in float32 with the duration of every sign.

https://github.com/hexgrad/kokoro
"""

from __future__ import annotations

import functools
import json

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from avatarium.engine.assets import default_store
from avatarium.engine.speech.models.rendering import Rendering, rendering
from avatarium.engine.speech.models.sessions import open_session

LONGEST_SIGNS = 500
"""The network takes 510 with the pads."""
STYLE_SIZE = 256
_SOUND = 128
"""The first numbers of a style are how somebody sounds, the others how they move: pitch, rhythm, loudness."""
_MOVING_LIKE = {"zf_xiaoni": "zf_xiaoyi"}
"""Voices whose own way of moving is broken, and whose they have instead: Xiaoni's tones were not those of Mandarin, so
that a listener understood half of her characters."""


@functools.cache
def signs_known() -> frozenset[str]:
    """The phoneme alphabet of Kokoro."""
    return frozenset(_vocabulary())


@functools.cache
def _vocabulary() -> dict[str, int]:
    table: dict[str, int] = json.loads(default_store().path("kokoro-vocabulary").read_text(encoding="utf-8"))["vocab"]
    return table


@functools.cache
def _session(threads: int) -> onnxruntime.InferenceSession:
    return open_session(default_store().path("kokoro"), threads=threads)


@functools.lru_cache(maxsize=64)
def _styles(voice: str) -> NDArray[np.float32]:
    """Styles by the number of signs, ``(510, 256)``."""
    table = np.fromfile(default_store().path("kokoro-voices") / f"{voice}.bin", np.float32).reshape(-1, STYLE_SIZE)
    if voice in _MOVING_LIKE:
        table[:, _SOUND:] = _styles(_MOVING_LIKE[voice])[:, _SOUND:]
    return table


def speak(signs: str, *, voice: str, rate: float, threads: int) -> Rendering:
    """Sound of a transcript by one of Kokoro's own voices, such as ``af_heart``; no randomness is involved.

    Args:
        signs: at most :data:`LONGEST_SIGNS` of :func:`signs_known`.
        rate: speed, 0.5 to 2.
    """
    return speak_in_style(signs, styles=_styles(voice), rate=rate, threads=threads)


def speak_in_style(signs: str, *, styles: NDArray[np.float32], rate: float, threads: int) -> Rendering:
    """As :func:`speak`, by a voice of which only its table is there: styles by the number of signs, ``(n, 256)``."""
    style = styles[min(len(signs), len(styles) - 1)][None]
    inputs = {"tokens": tokens(signs), "style": style, "speed": np.array([rate], np.float32)}
    audio, frames = _session(threads).run(None, inputs)
    return rendering(np.clip(audio.reshape(-1), -1.0, 1.0), frames)


def tokens(signs: str) -> NDArray[np.int64]:
    """What the network takes for a transcript: a number for each sign, between two pads."""
    return np.array([[0, *(_vocabulary()[sign] for sign in signs), 0]], np.int64)
