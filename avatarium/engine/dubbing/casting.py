"""Which voice speaks for whom: the one that was chosen, a clone of the speaker's own, or the best of the language."""

from __future__ import annotations

import wave
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avatarium.engine.dubbing.document import CLONE, DubDocument, Segment, Speaker
from avatarium.engine.speech.separation import RATE, Stems, mono_stem
from avatarium.engine.speech.speakers import Voice, find_voice, voices
from avatarium.errors import AudioError, InputError, OptionError

CLONED_FROM_S = (10.0, 90.0)
"""Speech of one speaker that a clone needs, and how much of it is given."""
_SHORTEST_S = 1.0

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who speaks for whom."""

    voices: Mapping[str, Voice]
    """By the ids of the speakers."""
    notes: tuple[str, ...] = ()
    """Where it is not as it was wanted, in sentences."""


def choose_voices(
    document: DubDocument, stems: Stems, *, folder: Path, seed: int = 0, progress: Progress | None = None
) -> Cast:
    """A voice for every speaker of a document, as ``speaker.voice`` says.

    A clone takes minutes; it is kept in ``folder`` and not made again. Where none can be made, the best ready voice of
    the language and of the speaker's gender takes its place, and a note says so.

    Args:
        document: whose speakers are cast.
        stems: what the clones are made from.
        folder: where clones are kept.
        seed: of the clones.
        progress: told the share done.

    Raises:
        OptionError: ``unknown_voice``, ``no_voice_for_language`` or ``voice_language`` (a voice that does not speak
            the target language).
    """
    tell = progress or (lambda share: None)
    found: dict[str, Voice] = {}
    notes: list[str] = []
    count = max(1, len(document.speakers))
    for number, speaker in enumerate(document.speakers):
        if speaker.voice == CLONE:
            share = _part(tell, number / count, 1 / count)
            voice = _clone(document, speaker, stems, folder, seed, share, notes)
            found[speaker.id] = voice or _ready(document, speaker, found)
        elif speaker.voice:
            found[speaker.id] = _chosen(document, speaker)
        else:
            found[speaker.id] = _ready(document, speaker, found)
        tell((number + 1) / count)
    return Cast(voices=found, notes=tuple(notes))


def speaks(voice: Voice, language: str) -> bool:
    """Whether a voice speaks a language, regions aside."""
    wanted = language.split("-")[0].lower()
    return any(tag.split("-")[0].lower() == wanted for tag in voice.languages)


def _chosen(document: DubDocument, speaker: Speaker) -> Voice:
    voice = find_voice(speaker.voice)
    if not speaks(voice, document.target_language):
        ready = find_voice(document.target_language, gender=speaker.gender)
        raise OptionError(
            f"{voice.name} does not speak {document.target_language}; choose a voice of that language for "
            f"{speaker.name or speaker.id}, such as {ready.name}.",
            code="voice_language",
        )
    return voice


def _ready(document: DubDocument, speaker: Speaker, taken: Mapping[str, Voice]) -> Voice:
    """The best voice of the language and gender that nobody else has, where there are enough."""
    best = find_voice(document.target_language, gender=speaker.gender)
    used = {voice.name for voice in taken.values()}
    alike = [v for v in voices() if v.engine is best.engine and v.language == best.language and v.gender is best.gender]
    return next((voice for voice in (best, *alike) if voice.name not in used), best)


def _clone(
    document: DubDocument,
    speaker: Speaker,
    stems: Stems,
    folder: Path,
    seed: int,
    progress: Progress,
    notes: list[str],
) -> Voice | None:
    from avatarium.engine.speech.cloning import clone_voice, open_voice

    kept = folder / f"{speaker.id}.voice"
    name = speaker.name or speaker.id
    try:
        if not kept.is_file():
            recording = _recording(document, speaker, stems, folder)
            clone_voice(
                [recording],
                kept,
                gender=speaker.gender,
                language=document.source_language,
                seed=seed,
                scratch=folder,
                progress=progress,
            )
        voice = open_voice(kept, language=document.target_language)
    except InputError as problem:
        notes.append(f"{name} speaks with a ready voice, because none could be made after the original. {problem}")
        return None
    if not speaks(voice, document.target_language):
        notes.append(f"{name} speaks with a ready voice: clones do not speak {document.target_language}.")
        return None
    return voice


def _recording(document: DubDocument, speaker: Speaker, stems: Stems, folder: Path) -> Path:
    """The speaker's own words, one after the other, in a file."""
    least_s, most_s = CLONED_FROM_S
    segments = [s for s in document.segments if s.speaker == speaker.id and s.end_s - s.start_s >= _SHORTEST_S]
    alone = [s for s in segments if not _talked_over(s, document)]
    if sum(s.end_s - s.start_s for s in alone) < least_s:
        raise AudioError(f"There are fewer than {least_s:.0f} s of clear speech.", code="voice_too_short")
    recording = folder / f"{speaker.id}.wav"
    left_s = most_s
    with wave.open(str(recording), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        for segment in sorted(alone, key=lambda s: s.start_s - s.end_s):
            if left_s > 0:
                sound = mono_stem(stems.voice, segment.start_s, segment.end_s)
                file.writeframes(np.rint(np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
                left_s -= len(sound) / RATE
    return recording


def _talked_over(segment: Segment, document: DubDocument) -> bool:
    return any(
        other.speaker != segment.speaker and other.start_s < segment.end_s and other.end_s > segment.start_s
        for other in document.segments
    )


def _part(tell: Progress, first: float, share: float) -> Progress:
    return lambda done: tell(first + share * done)
