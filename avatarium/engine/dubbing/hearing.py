"""From a video or recording to the document of its dubbing: taken apart, written down, translated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soxr

from avatarium.engine.dubbing.document import (
    LONGEST_TEXT,
    SHORTEST_S,
    DubDocument,
    Segment,
    Speaker,
    untranslated,
)
from avatarium.engine.dubbing.media import check_media
from avatarium.engine.dubbing.pitch import RATE as PITCH_RATE
from avatarium.engine.dubbing.pitch import gender_of
from avatarium.engine.speech.records import Samples
from avatarium.engine.speech.separation import RATE, Stems, mono_stem, separate
from avatarium.engine.speech.speakers import find_voice
from avatarium.engine.speech.transcripts import Said, Task, transcribe
from avatarium.engine.translation import Quality, Translator, translate
from avatarium.engine.translation.routes import find_way, has_way, language_of, no_translation, quality_of
from avatarium.errors import AudioError, OptionError

ANY_LANGUAGE = ("", "auto")
JOINED_GAP_S, JOINED_S, SHORT_S = 0.4, 9.0, 1.2
"""Short sentences are taken together with what follows them so soon, as long as the whole is no longer."""
_LISTENED_S = 20.0
"""Speech from which a speaker's gender is told."""
_SEPARATING, _HEARING = 0.4, 0.4

Progress = Callable[[float], None]
"""Told the share that is done, 0 to 1."""


def hear(
    media: Path,
    folder: Path,
    *,
    source_language: str = "",
    target_language: str,
    speakers: int | None = None,
    translator: Translator | None = None,
    threads: int = 2,
    progress: Progress | None = None,
) -> DubDocument:
    """Who says what and when in a video or recording, and what it is in another language.

    The voice and its background are taken apart into two files of ``folder`` (:class:`Stems`), which rendering needs
    again. About 0.5 s of CPU for a second of sound. Memory does not grow with the length.

    Args:
        media: a video with sound, or a sound file.
        folder: which exists; the stems are kept there, and taken from there if they are.
        source_language: what is spoken; found out where it is empty or ``auto``.
        target_language: BCP 47; into the same language, what is said is only spoken by another voice.
        speakers: how many people speak; None finds out.
        translator: another than what this machine has.
        threads: of the CPU.
        progress: told the share done.

    Raises:
        InputError: ``media_silent`` and others of :func:`check_media`.
        AudioError: ``silent_audio``, ``no_speech`` and others of :func:`separate` and :func:`transcribe`.
        OptionError: ``no_translation``, ``no_voice_for_language``, ``unknown_language``, ``bad_speakers``.
        TextError: ``translation_failed``.
    """
    tell = progress or (lambda share: None)
    facts = check_media(media)
    find_voice(target_language)
    told = "" if source_language.lower() in ANY_LANGUAGE else source_language
    if told and translator is None:
        _check_pair(told, target_language)
    stems = Stems.in_folder(folder)
    if not stems.there:
        length_s = max(facts.duration_s, 1e-3)
        separate(media, folder, threads=threads, progress=lambda at_s: tell(min(1.0, at_s / length_s) * _SEPARATING))
    heard = transcribe(
        stems.voice,
        language=told,
        speakers=speakers,
        threads=threads,
        progress=lambda share: tell(_SEPARATING + _HEARING * share),
    )
    if not heard.segments:
        raise AudioError(
            f"Nobody speaks in {media.name}: there is nothing to dub. Music and noise alone cannot be dubbed.",
            code="no_speech",
        )
    source = told or heard.language
    duration_s = max(facts.duration_s, stems.duration_s)
    document = _document(heard.segments, source, target_language, duration_s, stems)
    document = _translated(document, document.segments, translator, stems)
    tell(1.0)
    return replace(document, notes=_notes(document, translator))


def retranslate(
    document: DubDocument,
    before: DubDocument | None,
    translator: Translator | None = None,
) -> DubDocument:
    """A corrected document with new translations where only the text was corrected.

    Args:
        document: as it is now.
        before: as it was; None translates whatever has no translation.

    Raises:
        OptionError: ``no_translation``.
        TextError: ``translation_failed``.
    """
    if before is None:
        changed: Sequence[Segment] = [s for s in document.segments if s.text.strip() and not s.translation.strip()]
    else:
        changed = untranslated(document, before)
    return _translated(document, changed, translator, None) if changed else document


def _document(said: Sequence[Said], source: str, target: str, duration_s: float, stems: Stems) -> DubDocument:
    segments = _segments(said, duration_s)
    names = dict.fromkeys(segment.speaker for segment in segments)
    speakers = tuple(
        Speaker(
            id=name,
            name=f"Speaker {number}",
            gender=gender_of(_speech_of(name, segments, stems)),
        )
        for number, name in enumerate(names, 1)
    )
    return DubDocument(
        source_language=source,
        target_language=target,
        duration_s=round(duration_s, 3),
        speakers=speakers,
        segments=segments,
    )


@dataclass(slots=True)
class _Turn:
    speaker: int
    start_s: float
    end_s: float
    text: str


def _segments(said: Sequence[Said], duration_s: float) -> tuple[Segment, ...]:
    """Sentences as segments: short ones joined with their neighbours, none over another of the same speaker."""
    turns: list[_Turn] = []
    for sentence in said:
        text = sentence.text.strip()[:LONGEST_TEXT]
        if not text:
            continue
        last = turns[-1] if turns else None
        if last is not None and _joins(last, sentence):
            last.text, last.end_s = f"{last.text} {text}", max(last.end_s, sentence.end_s)
        else:
            turns.append(_Turn(sentence.speaker, sentence.start_s, sentence.end_s, text))
    ends: dict[int, float] = {}
    found = []
    for turn in turns:
        start_s = round(max(turn.start_s, ends.get(turn.speaker, 0.0)), 3)
        end_s = round(min(turn.end_s, duration_s), 3)
        if end_s - start_s >= SHORTEST_S:
            ends[turn.speaker] = end_s
            found.append((turn, start_s, end_s))
    found.sort(key=lambda row: row[1])
    return tuple(
        Segment(
            id=str(number), speaker=f"s{turn.speaker + 1}", start_s=start_s, end_s=end_s, text=turn.text, translation=""
        )
        for number, (turn, start_s, end_s) in enumerate(found, 1)
    )


def _joins(last: _Turn, sentence: Said) -> bool:
    near = sentence.speaker == last.speaker and sentence.start_s - last.end_s < JOINED_GAP_S
    short = min(last.end_s - last.start_s, sentence.end_s - sentence.start_s) < SHORT_S
    return near and short and sentence.end_s - last.start_s < JOINED_S


def _speech_of(speaker: str, segments: Sequence[Segment], stems: Stems) -> Samples:
    """Some seconds of one speaker at 16 kHz."""
    parts: list[Samples] = [np.zeros(0, np.float32)]
    left_s = _LISTENED_S
    for segment in segments:
        if segment.speaker == speaker and left_s > 0:
            parts.append(mono_stem(stems.voice, segment.start_s, min(segment.end_s, segment.start_s + left_s)))
            left_s -= segment.end_s - segment.start_s
    whole = np.concatenate(parts)
    return np.asarray(soxr.resample(whole, RATE, PITCH_RATE), np.float32) if len(whole) else whole


def _translated(
    document: DubDocument, segments: Sequence[Segment], translator: Translator | None, stems: Stems | None
) -> DubDocument:
    source, target = document.source_language, document.target_language
    texts = [segment.text for segment in segments]
    if translator is not None or not _by_ear(source, target, stems):
        made = translate(texts, source, target, translator)
    else:
        assert stems is not None
        english = [_heard_in_english(segment, stems, source) for segment in segments]
        made = translate(english, "en", target)
    done = {segment.id: text[:LONGEST_TEXT] for segment, text in zip(segments, made, strict=True)}
    return document.with_translations(done)


def _by_ear(source: str, target: str, stems: Stems | None) -> bool:
    """Whether English is better heard out of the sound than made from the text."""
    a, b = language_of(source), language_of(target)
    if stems is None or a in (b, "en"):
        return False
    if not has_way(a, b):
        return b == "en" or has_way("en", b)
    return b == "en" and quality_of(find_way(a, b)) is not Quality.GOOD


def _heard_in_english(segment: Segment, stems: Stems, source: str) -> str:
    sound = mono_stem(stems.voice, segment.start_s - 0.1, segment.end_s + 0.2)
    heard = transcribe(sound, RATE, language=source, task=Task.TRANSLATE, speakers=1)
    return heard.text.strip() or segment.text


def _check_pair(source: str, target: str) -> None:
    a, b = language_of(source), language_of(target)
    if a == b or has_way(a, b) or b == "en" or has_way("en", b):
        return
    raise no_translation(a, b)


def _notes(document: DubDocument, translator: Translator | None) -> tuple[str, ...]:
    source, target = language_of(document.source_language), language_of(document.target_language)
    if translator is not None or source == target:
        return ()
    try:
        quality = quality_of(find_way(source, target))
    except OptionError:
        quality = Quality.USABLE if target == "en" else Quality.DRAFT
    if quality is Quality.DRAFT:
        return (f"The translation from {source} to {target} is a draft: read and correct it before it is published.",)
    return ()
