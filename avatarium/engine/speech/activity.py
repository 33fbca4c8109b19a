"""Where in a recording somebody speaks, by Silero VAD (MIT), 32 ms at a time."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from avatarium.engine.assets import default_store
from avatarium.engine.speech.models.sessions import open_session
from avatarium.engine.speech.records import Samples

RATE = 16_000
FRAME = 512
FRAME_S = FRAME / RATE
_CONTEXT = 64
_STATE = (1, 1, 128)

SURE = 0.5
"""Probability at which speech begins."""
DOUBT = 0.3
"""Probability below which it ends."""
SHORTEST_S = 0.1
PAD_S = 0.06
"""The detector is late at the start and early at the end of a word."""
CLOSEST_S = 0.1
"""Stretches of speech that are nearer than this are one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A time in which somebody speaks."""

    start_s: float
    end_s: float


@functools.cache
def _session() -> onnxruntime.InferenceSession:
    return open_session(default_store().path("silero-vad"))


class ActivityStream:
    """The detector over sound that comes bit by bit at 16 kHz. One stream, one thread at a time."""

    def __init__(self) -> None:
        self._rest = np.zeros(_CONTEXT, np.float32)
        self._h, self._c = np.zeros(_STATE, np.float32), np.zeros(_STATE, np.float32)

    def feed(self, block: Samples) -> NDArray[np.float32]:
        """Probability of speech in every frame that is complete with this block; 0.25 ms of CPU a frame."""
        samples = np.concatenate([self._rest, block])
        count = (len(samples) - _CONTEXT) // FRAME
        self._rest = samples[count * FRAME :]
        if not count:
            return np.zeros(0, np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(samples, FRAME + _CONTEXT)[::FRAME][:count]
        fed = {"input": np.ascontiguousarray(windows), "h": self._h, "c": self._c}
        speech, self._h, self._c = _session().run(None, fed)
        found: NDArray[np.float32] = speech.reshape(-1)
        return found


def probabilities(blocks: Iterable[Samples]) -> NDArray[np.float32]:
    """Probability of speech in every frame of a recording that comes in blocks at 16 kHz; memory for one block."""
    stream = ActivityStream()
    found = [stream.feed(block) for block in blocks]
    return np.concatenate(found) if found else np.zeros(0, np.float32)


def stretches(speech: NDArray[np.float32]) -> tuple[Stretch, ...]:
    """Times of speech: begun by a sure frame, ended by a doubtful one; scraps dropped, near ones joined."""
    edges: list[tuple[int, int]] = []
    begun: int | None = None
    for i, probability in enumerate([*speech.tolist(), 0.0]):
        if begun is None and probability >= SURE:
            begun = i
        elif begun is not None and probability < DOUBT:
            edges.append((begun, i))
            begun = None
    return tuple(_joined((a * FRAME_S, b * FRAME_S) for a, b in edges if (b - a) * FRAME_S >= SHORTEST_S))


def _joined(spans: Iterable[tuple[float, float]]) -> list[Stretch]:
    joined: list[Stretch] = []
    for start, end in spans:
        start, end = max(0.0, start - PAD_S), end + PAD_S
        if joined and start - joined[-1].end_s < CLOSEST_S:
            joined[-1] = Stretch(start_s=joined[-1].start_s, end_s=end)
        else:
            joined.append(Stretch(start_s=start, end_s=end))
    return joined
