"""Recordings as text, for the calls of OpenAI's API: the file came with the request and waits in the storage."""

from __future__ import annotations

import json
import math
from typing import Any, ClassVar, Literal

from pydantic import Field

from avatarium.errors import RequestError, TooLargeError
from avatarium.families.fields import LenientStart
from avatarium.tasks.family import Desk, Family, Plan, Queue, Step
from avatarium.tasks.job import Job

SECONDS_PER_UNIT = 60.0
"""What one unit of the price buys."""
PROMPT_MAX = 2000
QUICK_S = 120.0
"""Recordings up to so long wait where speech does, longer ones where videos do."""
TEXT = "transcript.json"
TEXT_MAX_BYTES = 64 << 20
_SHARE = 0.2
"""Seconds of work for a second of recording, on one core; with people told apart the double."""


class TranscriptionStart(LenientStart):
    """Which recording, and what is wanted of it."""

    key: str = Field(max_length=512, description="The stored recording.")
    task: Literal["transcribe", "translate"] = "transcribe"
    language: str = Field("", max_length=16, description="What is spoken; heard where it is not said.")
    prompt: str = Field("", max_length=PROMPT_MAX)
    speakers: int = Field(1, ge=0, le=20, description="How many people speak; 0 finds out.")


class Transcription(Family[TranscriptionStart]):
    """What is said in a recording that somebody waits for."""

    name: ClassVar[str] = "transcription"
    group: ClassVar[str] = "OpenAI-compatible"
    engine: ClassVar[str] = "Whisper base"
    queue: ClassVar[Queue] = Queue.QUICK
    generic: ClassVar[bool] = False
    start = TranscriptionStart

    def __init__(self) -> None:
        self.steps = (Step("transcribe", _transcribe),)

    @property
    def paths(self) -> tuple[str, ...]:
        return ()

    def plan(self, start: TranscriptionStart, desk: Desk) -> Plan:
        stored = desk.storage.info(start.key)
        if stored is None or stored.owner != desk.owner or stored.duration_s is None:
            raise RequestError("The recording is not here any more. Send it again.", code="file_gone")
        work_s = stored.duration_s * (_SHARE if start.speakers == 1 else 2 * _SHARE)
        return Plan(
            price=desk.prices.of("transcription", max(1, math.ceil(stored.duration_s / SECONDS_PER_UNIT))),
            expected_s=2 + work_s,
            name=stored.key.rsplit("/", 1)[-1],
            facts={"duration_s": stored.duration_s},
            queue=Queue.QUICK if stored.duration_s <= QUICK_S else Queue.MEDIA,
        )


def _transcribe(job: Job[TranscriptionStart]) -> dict[str, Any]:
    from avatarium.engine.speech.transcripts import Task, transcribe

    start = job.start
    found = transcribe(
        job.stored(start.key, f"{job.task.attempt}-recording"),
        language=start.language,
        task=Task(start.task),
        speakers=start.speakers or None,
        prompt=start.prompt,
        threads=job.settings.slot_threads,
        progress=job.progress,
        max_s=job.settings.media_max_s,
    )
    path = job.scratch / TEXT
    path.write_text(json.dumps(found.record(), ensure_ascii=False), encoding="utf-8")
    if path.stat().st_size > TEXT_MAX_BYTES:
        raise TooLargeError("The recording has too much text for one answer. Send it in parts.", code="text_too_long")
    return {"key": job.publish(path, TEXT, "application/json"), "speakers": found.speakers}


FAMILY = Transcription()
