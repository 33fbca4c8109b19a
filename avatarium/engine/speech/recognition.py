"""Phonemes with their times out of any recording, in any language.

The recogniser is hama (Apache-2.0): CTC over phonemes, one column each 20 ms. It hears English sounds in every
language; which they are is then only about right, but where the lips close and how far the mouth opens is found well.
What it hears where nobody speaks (music, noise, breath) is left out by voice activity.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from hama import ASRModel
from numpy.typing import NDArray

from avatarium.engine.speech.activity import Stretch, probabilities, stretches
from avatarium.engine.speech.records import Phoneme, Samples, Speech
from avatarium.errors import AudioError

RATE = 16_000
LOWEST_RATE, HIGHEST_RATE = 4_000, 400_000
WINDOW_S = 16.0
MARGIN_S = 1.5
"""Sound heard before and after a window, so that no phoneme is cut."""
BLOCK_S = 30.0

LAG_S = 0.07
"""A column of CTC is lit about so long after the sound begins: measured on synthetic speech of six languages against
the voices' own durations, and on a recording against forced alignment."""
LONGEST_S = 0.22
"""CTC tells where a phoneme begins, not where it ends; held longer, it is followed by silence."""
LOUDNESS = 0.08
"""Root mean square that the speech of a window is brought to."""
LOUDEST_PEAK = 0.5
LOUDEST_GAIN = 100.0

_IPA = {"g": "ɡ", "eə": "ɛə", "r": "ɹ"}
_MODIFIERS = frozenset("ːˑʰʱʲʷˀˤ\u0303\u0306\u0308\u030a\u0325\u0329\u032a\u032c\u032f\u0330\u0348")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """A phoneme where the recogniser lights up."""

    ipa: str
    at_s: float


def phonemes_from_audio(audio: Samples, rate: int, language: str | None = None) -> Speech:
    """Phonemes of a recording; music, noise and silence are gaps. There are no words.

    Works in windows: beyond the recording itself, memory does not grow with its length. About 0.15 s of CPU for a
    second of sound, on one thread.

    Args:
        audio: ``float32`` mono, or ``(samples, channels)``, which are averaged.
        rate: samples a second.
        language: BCP 47 tag to put into the result; it changes nothing else.

    Raises:
        AudioError: codes ``empty_audio``, ``bad_rate``, ``no_speech``.
    """
    mono = _checked(audio, rate)
    spoken = stretches(probabilities(_blocks(mono, rate)))
    if not spoken:
        raise AudioError(
            "Nobody speaks in this recording; give one with a clear voice, without loud music over it.",
            code="no_speech",
        )
    heard = [sound for window in _windows(spoken) for sound in _listen(mono, rate, window, spoken)]
    phonemes = tuple(_timed(heard, spoken, len(mono) / rate))
    if not phonemes:
        raise AudioError(
            "No sounds of speech can be made out in this recording; give a louder or clearer one.", code="no_speech"
        )
    return Speech(audio=mono, rate=rate, phonemes=phonemes, words=(), language=language or "")


def _checked(audio: Samples, rate: int) -> Samples:
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise AudioError(f"A sample rate of {rate} a second cannot be speech; give 8,000 to 96,000.", code="bad_rate")
    mono = np.asarray(audio, np.float32)
    mono = mono.mean(axis=1, dtype=np.float32) if mono.ndim == 2 else mono
    if mono.ndim != 1 or not len(mono):
        raise AudioError("The recording is empty; give one with somebody speaking.", code="empty_audio")
    # The extremes tell of anything that is not finite without a copy of an hour of sound.
    sound = np.isfinite(mono.max()) and np.isfinite(mono.min())
    return mono if sound else np.where(np.isfinite(mono), mono, np.float32(0.0))


def _blocks(audio: Samples, rate: int) -> Iterator[Samples]:
    """The recording at 16 kHz, half a minute at a time, at a level that the detector expects."""
    gain = np.float32(min(LOUDEST_PEAK / max(float(audio.max()), -float(audio.min()), 1e-9), LOUDEST_GAIN))
    resampler = soxr.ResampleStream(rate, RATE, 1, dtype="float32")
    size = round(BLOCK_S * rate)
    for start in range(0, len(audio), size):
        last = start + size >= len(audio)
        yield resampler.resample_chunk(audio[start : start + size] * gain, last=last).reshape(-1)


def _windows(spoken: Sequence[Stretch]) -> Iterator[Stretch]:
    """Windows that hold all speech, cut in its pauses where there are any."""
    start: float | None = None
    end = 0.0
    for stretch in spoken:
        if start is not None and stretch.end_s - start > WINDOW_S:
            yield from _halved(start, end)
            start = None
        start = stretch.start_s if start is None else start
        end = stretch.end_s
    if start is not None:
        yield from _halved(start, end)


def _halved(start: float, end: float) -> Iterator[Stretch]:
    count = max(1, int(np.ceil((end - start) / WINDOW_S)))
    step = (end - start) / count
    return (Stretch(start_s=start + i * step, end_s=start + (i + 1) * step) for i in range(count))


def _listen(audio: Samples, rate: int, window: Stretch, spoken: Sequence[Stretch]) -> Iterator[_Heard]:
    first = max(0, round((window.start_s - MARGIN_S) * rate))
    last = min(len(audio), round((window.end_s + MARGIN_S) * rate))
    sound = soxr.resample(audio[first:last], rate, RATE)
    sound = _levelled(sound, first / rate, spoken)
    for ipa, at_s in _recognised(sound):
        # Judged before the lag is taken out: the lit column lies well inside the sound.
        at_s += first / rate
        if window.start_s <= at_s < window.end_s and _within(at_s - LAG_S / 2, spoken):
            yield _Heard(ipa=ipa, at_s=at_s - LAG_S)


def _levelled(sound: Samples, start_s: float, spoken: Sequence[Stretch]) -> Samples:
    """The sound with its speech brought to one loudness."""
    mask = np.zeros(len(sound), bool)
    for stretch in spoken:
        mask[max(0, round((stretch.start_s - start_s) * RATE)) : max(0, round((stretch.end_s - start_s) * RATE))] = True
    if not mask.any():
        return sound
    level = float(np.sqrt(np.mean(np.square(sound[mask]))))
    levelled: Samples = np.clip(sound * min(LOUDNESS / max(level, 1e-9), LOUDEST_GAIN), -1.0, 1.0).astype(np.float32)
    return levelled


_model_lock = threading.Lock()


@functools.cache
def _model() -> ASRModel:
    return ASRModel()


def _recognised(sound: Samples) -> Iterator[tuple[str, float]]:
    with _model_lock:
        model = _model()
        spans = model.phoneme_spans(model.transcribe_waveform(sound, RATE))
    held: tuple[str, float] | None = None
    for span in spans:
        ipa = span.phoneme.replace("\u0361", "")
        if held and ipa in _MODIFIERS:
            held = (held[0] + ipa, held[1])
            continue
        if held:
            yield held
        held = (_IPA.get(ipa, ipa), span.start_ms / 1000.0) if ipa[:1].isalpha() and ipa not in _MODIFIERS else None
    if held:
        yield held


def _within(at_s: float, spoken: Sequence[Stretch]) -> bool:
    return _around(at_s, spoken) is not None


def _around(at_s: float, spoken: Sequence[Stretch]) -> Stretch | None:
    ends = _ends(tuple(spoken))
    index = int(np.searchsorted(ends, at_s))
    return spoken[index] if index < len(spoken) and spoken[index].start_s <= at_s else None


@functools.lru_cache(maxsize=4)
def _ends(spoken: tuple[Stretch, ...]) -> NDArray[np.float64]:
    return np.array([stretch.end_s for stretch in spoken])


def _timed(heard: Sequence[_Heard], spoken: Sequence[Stretch], length_s: float) -> Iterator[Phoneme]:
    for i, sound in enumerate(heard):
        following_s = heard[i + 1].at_s if i + 1 < len(heard) else length_s
        stretch = _around(sound.at_s + LAG_S / 2, spoken)
        until_s = stretch.end_s if stretch else length_s
        start_s = max(sound.at_s, 0.0)
        end_s = min(following_s, start_s + LONGEST_S, until_s, length_s)
        if end_s > start_s:
            yield Phoneme(ipa=sound.ipa, start_s=start_s, end_s=end_s)
