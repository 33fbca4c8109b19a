"""Transcripts in the shapes that clients of OpenAI's API ask for. Loads no media library."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from avatarium.api.spoken_languages import NAMES

Record = Mapping[str, Any]
"""What the family of transcriptions keeps: see ``Transcript.record`` of the engine."""


class Format(StrEnum):
    """``response_format``."""

    JSON = "json"
    TEXT = "text"
    SRT = "srt"
    VERBOSE_JSON = "verbose_json"
    VTT = "vtt"
    DIARIZED_JSON = "diarized_json"


MEDIA_TYPES = {
    Format.TEXT: "text/plain; charset=utf-8",
    Format.SRT: "application/x-subrip; charset=utf-8",
    Format.VTT: "text/vtt; charset=utf-8",
}


def as_text(record: Record, form: Format) -> str:
    """The answer of the formats that are no JSON."""
    if form is Format.TEXT:
        return str(record["text"]) + "\n"
    from avatarium.engine.speech.records import Word
    from avatarium.engine.subtitles import cues, to_srt, to_vtt

    words = [
        Word(text=text, start_s=start_s, end_s=end_s)
        for segment in record["segments"]
        for text, start_s, end_s in segment["words"]
    ]
    return to_srt(cues(words)) if form is Format.SRT else to_vtt(cues(words))


def as_json(record: Record, form: Format, *, task: str, granularities: frozenset[str]) -> dict[str, Any]:
    """The answer of the formats that are."""
    usage = {"type": "duration", "seconds": max(1, round(record["duration_s"]))}
    if form is Format.JSON:
        return {"text": record["text"], "usage": usage}
    answer: dict[str, Any] = {
        "task": task,
        "language": NAMES.get(record["language"], record["language"]),
        "duration": record["duration_s"],
        "text": record["text"],
        "usage": usage,
    }
    if form is Format.DIARIZED_JSON:
        return answer | {"segments": [_turn(number, segment) for number, segment in enumerate(record["segments"])]}
    if "word" in granularities:
        answer["words"] = [
            {"word": text, "start": start_s, "end": end_s}
            for segment in record["segments"]
            for text, start_s, end_s in segment["words"]
        ]
    if "segment" in granularities or not granularities:
        answer["segments"] = [_segment(number, segment) for number, segment in enumerate(record["segments"])]
    return answer


def _turn(number: int, segment: Record) -> dict[str, Any]:
    return {
        "type": "transcript.text.segment",
        "id": f"seg_{number}",
        "start": segment["start_s"],
        "end": segment["end_s"],
        "text": segment["text"],
        "speaker": _letters(segment["speaker"]),
    }


def _letters(number: int) -> str:
    """A, B ... Z, then A2: as OpenAI names people whom it does not know."""
    return chr(ord("A") + number % 26) + ("" if number < 26 else str(number // 26 + 1))


def _segment(number: int, segment: Record) -> dict[str, Any]:
    """With the fields that clients read; those about the decoder's insides stand for what is not told here."""
    return {
        "id": number,
        "seek": 0,
        "start": segment["start_s"],
        "end": segment["end_s"],
        "text": segment["text"],
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": round(min(0.0, _log(segment["confidence"])), 3),
        "compression_ratio": 1.0,
        "no_speech_prob": 0.0,
        "speaker": segment["speaker"],
    }


def _log(confidence: float) -> float:
    from math import log

    return log(max(confidence, 1e-6))
