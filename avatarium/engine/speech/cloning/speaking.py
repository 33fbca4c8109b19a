"""Kokoro in its two halves, as learning a clone needs it: signs to sounds, and any style to sound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from avatarium.engine.assets import default_store
from avatarium.engine.speech.cloning import network
from avatarium.engine.speech.models import cloned, kokoro
from avatarium.engine.speech.models.sessions import open_session
from avatarium.engine.speech.records import Samples

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """What the first half decides of a sentence; ``n`` frames of 25 ms."""

    text: Array
    """``[1, 512, n]``."""
    pitch: Array
    """Hz, ``[1, 1, 2 n]``."""
    loudness: Array
    """``[1, 1, 2 n]``."""
    durations: Array
    """Frames of each sign, both pads included."""

    def voiced_hz(self) -> Array:
        """The pitch where there is a voice."""
        course = self.pitch.reshape(-1)
        return course[course > _VOICED_HZ]


_VOICED_HZ = 50.0


class Planner:
    """The first half of Kokoro."""

    def __init__(self) -> None:
        self._session: onnxruntime.InferenceSession = open_session(network.encoder(default_store().path("kokoro")))

    def plan(self, signs: str, style: Array) -> Plan:
        """Durations, pitch and loudness that a whole style, ``(256,)``, gives to signs that Kokoro knows."""
        inputs = {"tokens": kokoro.tokens(signs), "style": style[None], "speed": np.ones(1, np.float32)}
        text, pitch, loudness, durations = self._session.run(None, inputs)
        return Plan(text=text, pitch=pitch, loudness=loudness, durations=durations.reshape(-1))


def say(signs: str, table: Array) -> Samples:
    """A sentence in the style of a ready voice's table."""
    return kokoro.speak_in_style(signs, styles=table, rate=1.0, threads=2).audio


def say_cloned(signs: str, table: Array, offsets: Array) -> Samples:
    """A sentence in a style of one's own, and with what is added behind it."""
    style = table[min(len(signs), len(table) - 1)]
    return cloned.speak_in_style(signs, style=style, offsets=offsets, rate=1.0, threads=2).audio
