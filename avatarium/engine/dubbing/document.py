"""The transcript of a dubbing: who says what and when, in both languages, as a document that people correct.

    document = DubDocument.from_json(text)      # refused with a sentence where it cannot be rendered
    text = document.to_json()

Times are seconds on the time line of the original. Only the standard library is used, so that a process that serves
requests may read and check documents.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from avatarium.engine.speech.speakers import Gender
from avatarium.errors import TextError

VERSION = 1
LONGEST_S = 7200.0
MOST_SEGMENTS, MOST_SPEAKERS = 6000, 32
LONGEST_TEXT = 2000
LONGEST_NAME = 80
SHORTEST_S = 0.15
OVERLAP_S = 0.05
"""How far segments of one speaker may overlap by rounding."""
_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
_DIGITS = 3

CLONE = "clone"
"""As the voice of a speaker: one made after the speaker's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Somebody who speaks in the original."""

    id: str
    name: str
    gender: Gender
    """As the pitch of the voice says; decides the voice where none is chosen."""
    voice: str = ""
    """Name of a voice, :data:`CLONE`, or empty for the best of the target language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """What one speaker says without a longer pause."""

    id: str
    speaker: str
    """Id of the :class:`Speaker`."""
    start_s: float
    end_s: float
    text: str
    """In the original's language."""
    translation: str
    """What is spoken instead; empty says nothing."""
    own: bool = False
    """Whether somebody wrote the translation: it stays where ``text`` is corrected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DubDocument:
    """The whole of a dubbing."""

    source_language: str
    """BCP 47."""
    target_language: str
    duration_s: float
    speakers: tuple[Speaker, ...]
    segments: tuple[Segment, ...]
    """By their starts."""
    notes: tuple[str, ...] = ()
    """What was found on the way and its user should know, in sentences."""

    def __post_init__(self) -> None:
        _check(self)

    def to_json(self) -> str:
        """For people too: one line for each field, letters as they are."""
        return json.dumps({"version": VERSION} | asdict(self), ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes | Mapping[str, Any]) -> Self:
        """A document out of what :meth:`to_json` wrote and somebody changed; segments may come in any order.

        Raises:
            TextError: ``transcript_unreadable`` (no such document) or ``transcript_invalid`` (a value that cannot be).
        """
        try:
            told = dict(text) if isinstance(text, Mapping) else json.loads(text)
            if not isinstance(told, dict) or told.get("version", VERSION) != VERSION:
                raise ValueError("version")
            return cls(
                source_language=_word(told["source_language"]),
                target_language=_word(told["target_language"]),
                duration_s=_number(told["duration_s"]),
                speakers=tuple(_speaker(s) for s in _list(told["speakers"], MOST_SPEAKERS, "speakers")),
                segments=tuple(
                    sorted(
                        (_segment(s) for s in _list(told["segments"], MOST_SEGMENTS, "segments")),
                        key=lambda segment: (segment.start_s, segment.id),
                    )
                ),
                notes=tuple(_word(note, 600) for note in _list(told.get("notes", []), 100, "notes")),
            )
        except (ValueError, TypeError, KeyError, RecursionError) as problem:
            raise TextError(
                "The transcript is not one that dubbing understands. Fetch it, change texts, times or speakers, and "
                "send it back whole.",
                code="transcript_unreadable",
            ) from problem

    def speaker(self, name: str) -> Speaker:
        """The speaker of an id."""
        return next(speaker for speaker in self.speakers if speaker.id == name)

    def with_translations(self, translations: Mapping[str, str]) -> Self:
        """The same with other translations, by the ids of the segments."""
        segments = tuple(replace(s, translation=translations.get(s.id, s.translation)) for s in self.segments)
        return replace(self, segments=segments)


def changed_segments(document: DubDocument, before: DubDocument) -> tuple[Segment, ...]:
    """The segments that sound different from before: new ones, or of another translation, length, speaker or voice."""
    voices = {speaker.id: speaker.voice for speaker in before.speakers}
    known = {(s.speaker, voices[s.speaker], s.translation, round(s.end_s - s.start_s, 2)) for s in before.segments}
    return tuple(
        s
        for s in document.segments
        if (s.speaker, document.speaker(s.speaker).voice, s.translation, round(s.end_s - s.start_s, 2)) not in known
    )


def untranslated(document: DubDocument, before: DubDocument) -> tuple[Segment, ...]:
    """The segments whose text was corrected while their translation was left as it was, and is nobody's own: it is to
    be made anew."""
    known = {s.id: s for s in before.segments}
    return tuple(
        s
        for s in document.segments
        if s.text.strip()
        and not (s.own and s.translation.strip())
        and (not s.translation.strip() or (s.id in known and known[s.id].translation == s.translation))
        and (s.id not in known or known[s.id].text != s.text)
    )


def with_own(document: DubDocument, before: DubDocument) -> DubDocument:
    """The same, the translations that somebody wrote since ``before`` marked as :attr:`Segment.own`."""
    known = {s.id: s.translation for s in before.segments}
    segments = tuple(
        replace(s, own=True) if s.translation.strip() and s.translation != known.get(s.id, "") else s
        for s in document.segments
    )
    return replace(document, segments=segments)


def _check(document: DubDocument) -> None:
    for tag in (document.source_language, document.target_language):
        if not _LANGUAGE.fullmatch(tag):
            raise _invalid(f'"{tag}" is no language; write it like "es" or "pt-BR".')
    if not 0 < document.duration_s <= LONGEST_S:
        raise _invalid(f"It lasts {document.duration_s:g} s; up to {LONGEST_S:.0f} s can be dubbed.")
    speakers = [speaker.id for speaker in document.speakers]
    _check_ids("speakers", speakers)
    _check_ids("segments", [segment.id for segment in document.segments])
    for segment in document.segments:
        _check_segment(segment, document, speakers)
    _check_overlaps(document)


def _check_ids(what: str, ids: list[str]) -> None:
    for name in ids:
        if not _ID.fullmatch(name):
            raise _invalid(f'"{name[:40]}" cannot be the id of one of the {what}; use letters, digits, - and _.')
    if len(set(ids)) != len(ids):
        raise _invalid(f"Two of the {what} have the same id.")


def _check_segment(segment: Segment, document: DubDocument, speakers: list[str]) -> None:
    if segment.speaker not in speakers:
        raise _invalid(f'Segment {segment.id} is spoken by "{segment.speaker}", who is not among the speakers.')
    inside = 0 <= segment.start_s < segment.end_s <= document.duration_s + OVERLAP_S
    if not inside or segment.end_s - segment.start_s < SHORTEST_S:
        raise _invalid(
            f"Segment {segment.id} goes from {segment.start_s:g} to {segment.end_s:g} s; it must last at least "
            f"{SHORTEST_S:g} s and lie within {document.duration_s:g} s."
        )
    if max(len(segment.text), len(segment.translation)) > LONGEST_TEXT:
        raise _invalid(f"Segment {segment.id} has more than {LONGEST_TEXT} characters; split it.")


def _check_overlaps(document: DubDocument) -> None:
    ends: dict[str, Segment] = {}
    for segment in sorted(document.segments, key=lambda s: s.start_s):
        before = ends.get(segment.speaker)
        if before is not None and segment.start_s < before.end_s - OVERLAP_S:
            raise _invalid(f"Segments {before.id} and {segment.id} of one speaker overlap; move one of them.")
        ends[segment.speaker] = segment


def _speaker(told: Any) -> Speaker:
    return Speaker(
        id=_word(told["id"]),
        name=_word(told.get("name", "")),
        gender=Gender(told["gender"]),
        voice=_word(told.get("voice", ""), 120),
    )


def _segment(told: Any) -> Segment:
    return Segment(
        id=_word(told["id"]),
        speaker=_word(told["speaker"]),
        start_s=round(_number(told["start_s"]), _DIGITS),
        end_s=round(_number(told["end_s"]), _DIGITS),
        text=_word(told.get("text", ""), 100_000),
        translation=_word(told.get("translation", ""), 100_000),
        own=told.get("own", False) is True,
    )


def _word(value: Any, longest: int = LONGEST_NAME) -> str:
    if not isinstance(value, str) or len(value) > longest or "\0" in value:
        raise ValueError("text")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("number")
    return float(value)


def _list(value: Any, most: int, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("list")
    if len(value) > most:
        raise _invalid(f"It has {len(value)} {what}; at most {most} are taken.")
    return value


def _invalid(sentence: str) -> TextError:
    return TextError(f"The transcript cannot be used. {sentence}", code="transcript_invalid")
