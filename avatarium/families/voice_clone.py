"""Voices of users' own, cloned from recordings of one speaker (``userVoice/training``)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field
from sqlalchemy import Connection

from avatarium.errors import RequestError
from avatarium.families import cloning
from avatarium.families.consent import Consented, check_consent, consent_record
from avatarium.families.fields import Name, Url, Word, look_up
from avatarium.storage.models import StoredObject
from avatarium.storage.sniff import Kind, advice
from avatarium.tasks.family import Desk, Family, Links, Plan, Step
from avatarium.tasks.job import Job
from avatarium.tasks.models import Task
from avatarium.tasks.states import Vocabulary

FILES_MAX = 10
SHORTEST_S, LONGEST_S = 10.0, 600.0
"""Of all recordings together. Beyond a minute of speech a voice gains little."""
RECORDING_MAX_BYTES = 512 << 20


def _as_list(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


VoiceUrls = Annotated[list[Url], BeforeValidator(_as_list), Field(max_length=FILES_MAX)]


class VoiceStart(Consented):
    """``POST userVoice/training``."""

    name: Name = Field(description="Its name.")
    voice_urls: VoiceUrls = Field(
        description=f"One to {FILES_MAX} recordings of the same speaker, 15 to 60 seconds in all or more: MP3, WAV, "
        "M4A and others, or videos."
    )
    gender: Annotated[Literal["female", "male"], Word] = Field("female", description="Of the voice.")
    model: str = Field("", max_length=32, description="Taken; there is one model here.")
    language: str = Field(
        "", max_length=40, description="What is spoken in the recordings, such as en-US; any where it is left out."
    )
    denoise: bool = Field(False, description="Take noise out of the recordings first.")
    enhance_voice_similarity: bool = Field(False, description="Taken; it is made as like as it can be at any rate.")
    train_mode: str = Field("", max_length=32, description="Taken; there is one mode, `best`.")


class VoiceClone(Family[VoiceStart]):
    """Fetch the recordings, make a voice of them, keep it with its owner."""

    name: ClassVar[str] = cloning.OF_RECORDINGS
    group: ClassVar[str] = "TTS and Voice Clone"
    engine: ClassVar[str] = cloning.ENGINE
    words: ClassVar[Vocabulary] = cloning.WORDS
    generic: ClassVar[bool] = False
    lasting: ClassVar[bool] = True
    limit_s: ClassVar[float] = cloning.LIMIT_S
    start = VoiceStart

    def __init__(self) -> None:
        self.steps = (Step("fetch", _fetch, 1), Step("clone", _clone, 30), Step("keep", _keep, 1))

    @property
    def paths(self) -> tuple[str, ...]:
        return ("/uservoice/training",)

    def plan(self, start: VoiceStart, desk: Desk) -> Plan:
        if not start.name:
            raise RequestError("`name` is missing. Give the voice a name.", code="no_name")
        check_consent(start, required=desk.consent_required, what=cloning.PEOPLE)
        tongues = cloning.tongues(start.language, desk.language)
        look_up_recordings(start.voice_urls, desk)
        return Plan(
            price=desk.prices.of("voice_clone"),
            expected_s=cloning.EXPECTED_S,
            name=start.name,
            facts={"gender": start.gender, **tongues, "voices_max": desk.voices_max},
        )

    def admit(self, c: Connection, task: Task) -> None:
        cloning.check_room(c, task)

    def forget(self, c: Connection, task: Task, desk: Desk, *, now_ms: int) -> None:
        cloning.forget(c, task, desk, now_ms=now_ms)

    def view(self, task: Task, links: Links) -> dict[str, Any]:
        start = VoiceStart.model_validate(task.request)
        shown = cloning.view(
            task, links, voice_urls=start.voice_urls, gender=start.gender, language=str(task.facts["tag"])
        )
        kept = consent_record(start, account=task.user_id, at_ms=task.created_ms, standard=cloning.CONSENT)
        return shown | {
            "model": start.model or "a2e",
            "denoise": start.denoise,
            "anchor_id": "",
            "consent": cloning.shown_consent(kept),
        }


def look_up_recordings(urls: list[str], desk: Desk) -> None:
    """What can be told of recordings at once is told.

    Raises:
        RequestError: ``no_recording``, ``bad_url``, ``wrong_kind``, ``voice_too_short``, ``voice_too_long``.
        ForbiddenError, NotFoundError: an address of ours that is too old, or whose file is gone.
    """
    if not urls:
        raise RequestError(
            "`voice_urls` is empty. Give recordings of one person who speaks, 15 to 60 seconds in all.",
            code="no_recording",
        )
    found = [look_up(url, desk, "voice_urls") for url in urls]
    for stored in found:
        if stored is not None and not stored.media_type.startswith(("audio/", "video/")):
            raise RequestError(
                f"`voice_urls` leads to a file that is no recording. {advice(Kind.SOUND)}", code="wrong_kind"
            )
    lengths = [_length_of(stored) for stored in found]
    if all(seconds is not None for seconds in lengths):
        check_length(math.fsum(seconds or 0.0 for seconds in lengths))


def check_length(seconds: float) -> None:
    """Refuse recordings by their length.

    Raises:
        RequestError: ``voice_too_short``, ``voice_too_long``.
    """
    if seconds < SHORTEST_S:
        raise RequestError(
            f"The recordings have {seconds:.1f} seconds in all, and a voice needs {SHORTEST_S:g} of speech at least. "
            "Record half a minute.",
            code="voice_too_short",
        )
    if seconds > LONGEST_S:
        raise RequestError(
            f"The recordings have more than {LONGEST_S / 60:g} minutes in all. Choose the best minute of them.",
            code="voice_too_long",
        )


def fetched(job: Job[Any], urls: list[str]) -> tuple[list[Path], float]:
    """The recordings on the local disk, and how long they are in all.

    Raises:
        RequestError, TooLargeError: they cannot be had.
        AudioError: one cannot be read.
    """
    from avatarium.storage.media import duration_s

    paths = [
        _named(job.fetch(url, Kind.SOUND, f"recording-{number}").path, f"Recording {number}")
        for number, url in enumerate(urls, 1)
    ]
    seconds = math.fsum(duration_s(path) for path in paths)
    check_length(seconds)
    return paths, seconds


def _named(path: Path, name: str) -> Path:
    """The file under a name that can stand in a sentence."""
    named = path.with_name(name)
    named.unlink(missing_ok=True)
    named.symlink_to(path.name)
    return named


def _length_of(stored: StoredObject | None) -> float | None:
    return stored.duration_s if stored else None


def _fetch(job: Job[VoiceStart]) -> dict[str, Any]:
    return {"recorded_s": round(fetched(job, job.start.voice_urls)[1], 2)}


def _clone(job: Job[VoiceStart]) -> dict[str, Any]:
    paths, _ = fetched(job, job.start.voice_urls)
    return cloning.clone(job, paths, gender=job.start.gender, denoise=job.start.denoise)


def _keep(job: Job[VoiceStart]) -> dict[str, Any]:
    consent = consent_record(job.start, account=job.task.user_id, at_ms=job.task.created_ms, standard=cloning.CONSENT)
    voice = cloning.voice_of(job, avatar_id="", consent=consent)
    with job.database.write() as c:
        cloning.keep(c, job, voice)
    return {"user_voice_id": voice.id}


FAMILY = VoiceClone()
