"""Robotic voices: eSpeak NG, in a process of its own, with the moment of every phoneme as it was made.

https://github.com/espeak-ng/espeak-ng (GPL-3, hence the process).
"""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import soxr
from numpy.typing import NDArray

from avatarium.engine.speech.g2p.espeak import Espeak, started
from avatarium.engine.speech.g2p.ipa import STOPS
from avatarium.engine.speech.models import espeak_speaker
from avatarium.engine.speech.models.rendering import SAMPLE_RATE
from avatarium.engine.speech.records import Samples
from avatarium.engine.speech.timing import ENVELOPE_HOP, envelope_db

WORDS_A_MINUTE = 175
"""At normal speed."""
_SHORTEST_PAUSE_S = 0.06
"""What is shorter belongs to the sound before it: the release of a stop."""
_SILENT_DB = -55.0
"""Against the loudest moment: what eSpeak NG makes between sounds is digital silence."""
_LONGEST_CLOSURE_S = 0.2
_CLOSURE_S = 0.06
_BRIEFEST_S = 0.005
_STRESSES = {"ˈ": 1, "ˌ": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """One phoneme as eSpeak NG made it."""

    ipa: str
    stress: int
    start_s: float
    end_s: float
    pause_before: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A line of text as sound at 24 kHz."""

    audio: Samples
    sounds: tuple[Sound, ...]
    words: tuple[tuple[float, int], ...]
    """When a word begins, and at which character of the line."""


@functools.cache
def _speaker() -> Espeak:
    return started(espeak_speaker.__file__)


def speak(line: str, *, voice: str, rate: float) -> Said:
    """Sound of a line of text; no randomness is involved.

    Args:
        line: without line breaks; its characters are what ``words`` counts.
        voice: eSpeak NG's name with a variant, such as ``de+f2``.
        rate: speed, 0.5 to 2.

    Raises:
        TextError: ``phonemes_failed``.
        AssetError: ``espeak_broken``, or eSpeak NG cannot be had.
    """
    told = json.loads(_speaker().answer(f"{voice}\t{round(WORDS_A_MINUTE * rate)}", line))
    pcm = np.frombuffer(base64.b64decode(told["pcm"]), np.int16).astype(np.float32) / 32768.0
    audio: Samples = soxr.resample(pcm, told["hz"], SAMPLE_RATE).astype(np.float32) if len(pcm) else pcm
    length_s = len(audio) / SAMPLE_RATE
    marks = [(sample / told["hz"], ipa) for sample, ipa in told["phonemes"]]
    return Said(
        audio=audio,
        sounds=tuple(_closed(_sounds([*marks, (length_s, "")], length_s), audio)),
        words=tuple((sample / told["hz"], at) for sample, at, _ in told["words"]),
    )


def _closed(sounds: tuple[Sound, ...], audio: Samples) -> Iterator[Sound]:
    """Sounds with the silence before a stop in it: eSpeak NG's mark is the burst, but that is when lips open again.

    A long silence is a pause, of which a stop gets the end.
    """
    silent = np.concatenate([envelope_db(audio) < _SILENT_DB, [True]])
    held: Sound | None = None
    for sound in sounds:
        if held:
            still_s = _still_s(silent, held, sound)
            stop = sound.ipa[0] in STOPS and still_s > 0
            if stop:
                closure_s = still_s if still_s <= _LONGEST_CLOSURE_S else _CLOSURE_S
                sound = replace(sound, start_s=sound.start_s - closure_s)
            pause = still_s > _LONGEST_CLOSURE_S or (still_s > _SHORTEST_PAUSE_S and not stop)
            quiet_from_s = held.end_s - still_s if pause or stop else held.end_s
            yield replace(held, end_s=max(min(held.end_s, quiet_from_s), held.start_s + _BRIEFEST_S))
            sound = replace(sound, pause_before=sound.pause_before or pause)
        held = sound
    if held:
        yield held


def _still_s(silent: NDArray[np.bool_], held: Sound, sound: Sound) -> float:
    """How long it was silent up to where a sound is marked, within the one before it."""
    last = round(sound.start_s * SAMPLE_RATE / ENVELOPE_HOP) - 1
    first = round(held.start_s * SAMPLE_RATE / ENVELOPE_HOP)
    at = min(last, len(silent) - 1)
    if at >= first and not silent[at]:
        at -= 1  # the burst begins inside its frame
    end = at
    while at >= first and silent[at]:
        at -= 1
    return (end - at) * ENVELOPE_HOP / SAMPLE_RATE


def _sounds(marks: list[tuple[float, str]], length_s: float) -> tuple[Sound, ...]:
    """Phonemes with their ends; a mark without a name is a pause, or the end of the sound before it."""
    sounds: list[Sound] = []
    pause = False
    for (start_s, name), (end_s, _) in zip(marks, [*marks[1:], (length_s, "")], strict=True):
        ipa = name.strip("ˈˌ")
        if not ipa:
            brief = end_s - start_s < _SHORTEST_PAUSE_S and end_s < length_s
            if sounds and brief:
                sounds[-1] = replace(sounds[-1], end_s=end_s)
            pause = pause or not brief
        elif end_s > start_s:
            stress = max((_STRESSES.get(c, 0) for c in name), default=0)
            sounds.append(Sound(ipa=ipa, stress=stress, start_s=start_s, end_s=end_s, pause_before=pause))
            pause = False
    return tuple(sounds)
