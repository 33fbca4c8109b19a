"""The sound of a dubbing: the new voices over the old background, the old voices silent where they were replaced.

Where nobody is dubbed the mix is the original to the bit of its 16: voice and background together are the mixture.
"""

from __future__ import annotations

import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from avatarium.engine.dubbing.document import DubDocument
from avatarium.engine.dubbing.fitting import Placed
from avatarium.engine.speech.activity import RATE as ACTIVITY_RATE
from avatarium.engine.speech.activity import Stretch, probabilities, stretches
from avatarium.engine.speech.records import Samples
from avatarium.engine.speech.separation import RATE, Stems, mono_stem, read_stem
from avatarium.engine.video.loudness import TARGET_LUFS, loudness_lufs
from avatarium.engine.video.stereo import Stereo

Envelope = NDArray[np.float32]

STEPS_A_S = 100
"""Of envelopes."""
DUCK_DB, LEAK_DB = -5.0, -18.0
"""How far the background goes down under speech, and where it is nothing but what is left of the old voice."""
_SILENT_DBFS = -50.0
"""Background outside speech below which there is none."""
_BEFORE_S, _AFTER_S = 0.12, 0.2
"""The old voice is silent from so much before what was written down to so much after."""
_MUTE_FADE_S, _DUCK_FADE_S = 0.04, 0.15
_BELONGS_S = 1.0
"""So much of a stretch of voice activity that began before a segment, or goes on after it, is still the segment's own;
what is further away was not understood, and stays."""
_SAME_STRETCH_S = 0.12
"""Voice activity that lies within a segment for so long is the segment's own."""
_LOUDEST_STEP_DB = 3.0
_GAIN_DB = (-24.0, 18.0)
_PEAK = 0.97
_BLOCK_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """What was mixed."""

    path: Path
    """WAV, 44.1 kHz, stereo, 16 bit."""
    duration_s: float
    duck_db: float


def mix(
    document: DubDocument,
    placed: Sequence[Placed],
    stems: Stems,
    out: Path,
    *,
    keep_background: bool,
    duration_s: float,
) -> Mix:
    """Write the sound of a dubbing; memory does not grow with its length, but for the new speech of ten seconds.

    Args:
        document: whose segments' old voices are silenced.
        placed: what is spoken instead.
        stems: of the original.
        out: a WAV file.
        keep_background: whether what is not replaced stays; else only the new voices are heard.
        duration_s: of the result.
    """
    length = round(duration_s * STEPS_A_S) + 2
    own = _own_stretches(document, stems)
    old = _envelope(own, length, _MUTE_FADE_S)
    new = [Stretch(start_s=p.fitted.start_s, end_s=p.fitted.end_s) for p in placed]
    duck_db = _duck_db(own, stems)
    under = _envelope([*own, *new], length, _DUCK_FADE_S)
    heard = _Voices(placed, _gains(document, placed, stems))
    with wave.open(str(out), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        for start in range(0, round(duration_s * RATE), round(_BLOCK_S * RATE)):
            end = min(start + round(_BLOCK_S * RATE), round(duration_s * RATE))
            block = np.zeros((end - start, 2), np.float32)
            if keep_background:
                block += _part(stems.background, start, end) * _gain(under, duck_db, start, end)
                block += _part(stems.voice, start, end) * (1 - _at(old, start, end))[:, None]
            heard.add_to(block, start)
            file.writeframes(np.rint(np.clip(block, -1, 32767 / 32768) * 32768).astype("<i2").tobytes())
    return Mix(path=out, duration_s=duration_s, duck_db=duck_db if keep_background else 0.0)


def _part(stem: Path, start: int, end: int) -> Stereo:
    found = read_stem(stem, start / RATE, end / RATE)[: end - start]
    return np.pad(found, ((0, end - start - len(found)), (0, 0)))


def _own_stretches(document: DubDocument, stems: Stems) -> list[Stretch]:
    """Where the replaced voices speak: the segments, and the stretches of voice activity that belong to them."""
    spoken = stretches(probabilities(_for_activity(stems.voice)))
    found = []
    for segment in document.segments:
        low, high = segment.start_s - _BEFORE_S, segment.end_s + _AFTER_S
        for stretch in spoken:
            common_s = min(stretch.end_s, segment.end_s) - max(stretch.start_s, segment.start_s)
            if common_s > _SAME_STRETCH_S:
                low = min(low, max(stretch.start_s, segment.start_s - _BELONGS_S))
                high = max(high, min(stretch.end_s, segment.end_s + _BELONGS_S))
        found.append(Stretch(start_s=low, end_s=high))
    return found


def _for_activity(voice: Path) -> Iterator[Samples]:
    """The voice at the rate of the detector, in blocks, at the level that it expects."""
    resampler = soxr.ResampleStream(RATE, ACTIVITY_RATE, 1)
    with wave.open(str(voice)) as file:
        seconds = file.getnframes() / RATE
    loudest = max(
        (float(np.abs(mono_stem(voice, at, at + 60)).max(initial=0)) for at in _range(seconds, 60)), default=0
    )
    gain = np.float32(min(0.5 / max(loudest, 1e-3), 30.0))
    for at_s in _range(seconds, 10):
        last = at_s + 10 >= seconds
        yield np.asarray(resampler.resample_chunk(mono_stem(voice, at_s, at_s + 10) * gain, last=last), np.float32)


def _range(seconds: float, step_s: int) -> list[float]:
    return [float(at) for at in range(0, int(np.ceil(seconds)), step_s)]


def _envelope(spans: Sequence[Stretch], length: int, fade_s: float) -> Envelope:
    """1 within the spans, 0 outside, with ramps before and after them."""
    level = np.zeros(length, np.float32)
    fade = max(1, round(fade_s * STEPS_A_S))
    for span in spans:
        a = min(max(round(span.start_s * STEPS_A_S), 0), length)
        b = min(max(round(span.end_s * STEPS_A_S), a), length)
        level[a:b] = 1
        up = np.linspace(0, 1, fade + 2, dtype=np.float32)[1:-1]
        first = max(0, a - fade)
        level[first:a] = np.maximum(level[first:a], up[fade - (a - first) :])
        after = min(length, b + fade)
        level[b:after] = np.maximum(level[b:after], up[::-1][: after - b])
    return level


def _at(envelope: Envelope, start: int, end: int) -> Envelope:
    at = np.arange(start, end) * (STEPS_A_S / RATE)
    return np.interp(at, np.arange(len(envelope)), envelope).astype(np.float32)


def _gain(envelope: Envelope, duck_db: float, start: int, end: int) -> NDArray[np.float32]:
    return np.asarray(10 ** (_at(envelope, start, end) * np.float32(duck_db / 20)), np.float32)[:, None]


def _duck_db(own: Sequence[Stretch], stems: Stems) -> float:
    """As usual, or far down where there is no background and what would be heard is left of the old voice."""
    length_s = stems.duration_s
    levels: list[float] = []
    for at in _range(length_s, 1):
        if not any(s.start_s - 0.3 < at + 1 and s.end_s + 0.3 > at for s in own):
            levels.append(_level(mono_stem(stems.background, at, at + 1)))
    if not levels:  # somebody speaks all the time: the quietest seconds tell
        levels = sorted(_level(mono_stem(stems.background, at, at + 1)) for at in _range(length_s, 1))[:3]
    quiet = 10 * np.log10(max(float(np.mean(levels)), 1e-12)) < _SILENT_DBFS
    return LEAK_DB if quiet else DUCK_DB


def _level(samples: Samples) -> float:
    return float((samples**2).mean()) if len(samples) else 0.0


def _gains(document: DubDocument, placed: Sequence[Placed], stems: Stems) -> list[float]:
    """Of every segment, so that it is as loud as the original speaker, and louder or quieter where that was so."""
    usual = {speaker.id: _loudness_of(speaker.id, document, stems) for speaker in document.speakers}
    gains = []
    for one in placed:
        goal = usual[one.segment.speaker]
        theirs = loudness_lufs(mono_stem(stems.voice, one.segment.start_s, one.segment.end_s), RATE)
        if np.isfinite(theirs):
            goal += float(np.clip(0.5 * (theirs - goal), -_LOUDEST_STEP_DB, _LOUDEST_STEP_DB))
        ours = loudness_lufs(one.spoken.audio, one.spoken.rate)
        gain_db = float(np.clip(goal - (ours if np.isfinite(ours) else TARGET_LUFS), *_GAIN_DB))
        peak = float(np.abs(one.spoken.audio).max(initial=1e-6))
        gains.append(min(10 ** (gain_db / 20), _PEAK / peak))
    return gains


def _loudness_of(speaker: str, document: DubDocument, stems: Stems) -> float:
    """Of up to a minute of one speaker's voice."""
    parts: list[Samples] = [np.zeros(0, np.float32)]
    left_s = 60.0
    for segment in document.segments:
        if segment.speaker == speaker and left_s > 0:
            parts.append(mono_stem(stems.voice, segment.start_s, segment.end_s))
            left_s -= segment.end_s - segment.start_s
    loudness = loudness_lufs(np.concatenate(parts), RATE)
    return loudness if np.isfinite(loudness) else TARGET_LUFS


class _Voices:
    """The new speech, resampled as it is needed."""

    def __init__(self, placed: Sequence[Placed], gains: Sequence[float]) -> None:
        self._waiting = sorted(zip(placed, gains, strict=True), key=lambda row: row[0].at_s)
        self._sounding: list[tuple[int, Samples]] = []

    def add_to(self, block: Stereo, start: int) -> None:
        """Add what is spoken in a block that begins at a sample; blocks come in their order."""
        end = start + len(block)
        while self._waiting and round(self._waiting[0][0].at_s * RATE) < end:
            one, gain = self._waiting.pop(0)
            audio = soxr.resample(one.spoken.audio, one.spoken.rate, RATE) * np.float32(gain)
            self._sounding.append((round(one.at_s * RATE), np.asarray(audio, np.float32)))
        for at, audio in self._sounding:
            low, high = max(at, start), min(at + len(audio), end)
            if high > low:
                block[low - start : high - start] += audio[low - at : high - at, None]
        self._sounding = [(at, audio) for at, audio in self._sounding if at + len(audio) > end]
