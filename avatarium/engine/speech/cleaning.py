"""A recording made into a voice: rumble out, silence out, at the loudness of speech."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import soxr

from avatarium.engine.speech import activity
from avatarium.engine.speech.records import Samples
from avatarium.errors import AudioError

LOWEST_HZ = 70.0
"""Below the deepest voices there is only the room: steps, wind, mains."""
PAUSE_S = 0.25
"""What is kept of silence on either side of speech: a pause between sentences becomes half a second."""
FADE_S = 0.01
LEAST_S = 2.0
"""Of speech, below which there is no voice to speak of."""


def clean_voice(samples: Samples, rate: int) -> Samples:
    """The speech of a recording, as one would want to hear it: filtered, without long silence, at -16 LUFS.

    Raises:
        AudioError: ``no_speech``: nobody speaks in it for :data:`LEAST_S` in all.
    """
    from avatarium.engine.video.loudness import normalise_loudness

    filtered = _without_rumble(samples, rate)
    spans = _spans(filtered, rate)
    spoken = sum(end - start for start, end in spans) / rate
    if spoken - 2 * PAUSE_S * len(spans) < LEAST_S:
        raise AudioError(
            "Nobody speaks for long enough in this recording. Use one with ten seconds of clear speech.",
            code="no_speech",
        )
    return normalise_loudness(np.concatenate(list(_faded(filtered, spans, rate))), rate)


def _without_rumble(samples: Samples, rate: int) -> Samples:
    """Fourth-order Butterworth, run forwards and backwards, so that nothing moves in time."""
    from scipy.signal import butter, sosfiltfilt

    sections = butter(2, LOWEST_HZ, "highpass", fs=rate, output="sos")
    return np.asarray(sosfiltfilt(sections, samples), np.float32)


def _spans(samples: Samples, rate: int) -> list[tuple[int, int]]:
    """First and last sample of every stretch of speech with the silence that is left round it; near ones joined."""
    heard = np.asarray(soxr.resample(samples, rate, activity.RATE), np.float32)
    found: list[tuple[int, int]] = []
    for stretch in activity.stretches(activity.probabilities([heard])):
        start = max(0, round((stretch.start_s - PAUSE_S) * rate))
        end = min(len(samples), round((stretch.end_s + PAUSE_S) * rate))
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def _faded(samples: Samples, spans: list[tuple[int, int]], rate: int) -> Iterator[Samples]:
    """The stretches, each let in and out softly, so that no joint clicks."""
    ramp = np.linspace(0, 1, round(FADE_S * rate), dtype=np.float32)
    for start, end in spans:
        part = samples[start:end].copy()
        part[: len(ramp)] *= ramp
        part[len(part) - len(ramp) :] *= ramp[::-1]
        yield part
