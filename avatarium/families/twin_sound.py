"""The voice of an avatar from a video, cloned from what is said in it (``userVideoTwin/addVoiceClone``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field
from sqlalchemy import Connection

from avatarium.catalogue.lip_models import lock_avatar
from avatarium.errors import NotFoundError
from avatarium.families import cloning
from avatarium.families.consent import Consented, check_consent, consent_record
from avatarium.families.fields import Name
from avatarium.families.twin_owned import TWIN_VOICE, OfTwin, facts_of, twin_gone, video_twin
from avatarium.tasks.family import Desk, Family, Links, Plan, Step
from avatarium.tasks.job import Job
from avatarium.tasks.models import Task
from avatarium.tasks.states import State, Vocabulary

RATE = 48_000
SOUND = "voice.wav"


class SoundStart(OfTwin, Consented):
    """``POST userVideoTwin/addVoiceClone``."""

    name: Name = Field("", description="Of the voice; that of the avatar unless given.")
    language: str = Field("", max_length=40, description="What is spoken in the video; any where it is left out.")
    denoise: bool = Field(False, description="Take noise out of the recording first.")


class TwinSound(Family[SoundStart]):
    """Cut the sound of the video out, clean it, make a voice of it that goes with the avatar."""

    name: ClassVar[str] = TWIN_VOICE
    group: ClassVar[str] = "Create Avatars"
    engine: ClassVar[str] = cloning.ENGINE
    words: ClassVar[Vocabulary] = cloning.WORDS
    generic: ClassVar[bool] = False
    lasting: ClassVar[bool] = True
    limit_s: ClassVar[float] = cloning.LIMIT_S
    start = SoundStart

    def __init__(self) -> None:
        self.steps = (Step("clean", _clean, 1), Step("clone", _clone, 30), Step("keep", _keep, 1))

    @property
    def paths(self) -> tuple[str, ...]:
        return ("/uservideotwin/addvoiceclone",)

    def plan(self, start: SoundStart, desk: Desk) -> Plan:
        avatar = video_twin(desk, start.id)
        # Who agreed to the avatar, in which they are heard, agreed to its voice.
        check_consent(start, required=desk.consent_required and not avatar.consent, what=cloning.PEOPLE)
        tongues = cloning.tongues(start.language, desk.language)
        return Plan(
            price=desk.prices.of("voice_clone"),
            expected_s=cloning.EXPECTED_S,
            name=start.name or avatar.name,
            facts={**facts_of(avatar), **tongues, "voices_max": desk.voices_max, "consent": avatar.consent},
        )

    def admit(self, c: Connection, task: Task) -> None:
        if not lock_avatar(c, task.facts["avatar_id"]):
            raise twin_gone()
        cloning.check_room(c, task)

    def forget(self, c: Connection, task: Task, desk: Desk, *, now_ms: int) -> None:
        cloning.forget(c, task, desk, now_ms=now_ms)

    def view(self, task: Task, links: Links) -> dict[str, Any]:
        start = SoundStart.model_validate(task.request)
        found = task.result if task.state is State.COMPLETED else {}
        shown = cloning.view(
            task, links, voice_urls=[], gender=str(task.facts["gender"]), language=str(task.facts["tag"])
        )
        return shown | {
            "status": self.words[task.state],
            "model": "a2e",
            "denoise": start.denoise,
            "user_video_twin_id": task.facts["twin_id"],
            "anchor_id": task.facts["avatar_id"],
            "sound_url": links.url(found.get("sound_key", "")),
            "seconds": found.get("seconds", 0.0),
            "consent": cloning.shown_consent(_consent(start, task)),
        }


def _consent(start: SoundStart, task: Task) -> dict[str, Any]:
    """What was said with the call, or else of the avatar."""
    given = consent_record(start, account=task.user_id, at_ms=task.created_ms, standard=cloning.CONSENT)
    return given or dict(task.facts["consent"])


def _clean(job: Job[SoundStart]) -> dict[str, Any]:
    """Take rumble and silence out of the recording and bring it to the loudness of speech.

    Raises:
        NotFoundError: ``twin_gone``.
    """
    from avatarium.engine.speech.cleaning import clean_voice
    from avatarium.engine.video import SoundWriter, read_sound

    try:
        recording = job.stored(job.facts["sound_key"], "sound")
    except NotFoundError as problem:
        raise twin_gone() from problem
    sound = read_sound(recording, RATE)
    samples = clean_voice(sound.samples, RATE)
    path = job.scratch / SOUND
    with SoundWriter(path, rate=RATE) as writer:
        writer.write(samples)
    seconds = round(len(samples) / RATE, 2)
    return {"sound_key": job.publish(path, SOUND, "audio/wav", duration_s=seconds), "seconds": seconds}


def _clone(job: Job[SoundStart]) -> dict[str, Any]:
    recording: Path = job.stored(job.results["sound_key"], f"{job.task.attempt}-cleaned.wav")
    return cloning.clone(job, [recording], gender=str(job.facts["gender"]), denoise=job.start.denoise)


def _keep(job: Job[SoundStart]) -> dict[str, Any]:
    """Write the voice as the avatar's own."""
    voice = cloning.voice_of(
        job,
        avatar_id=job.facts["avatar_id"],
        consent=_consent(job.start, job.task),
    )
    with job.database.write() as c:
        cloning.keep(c, job, voice)
    return {"user_voice_id": voice.id}


FAMILY = TwinSound()
