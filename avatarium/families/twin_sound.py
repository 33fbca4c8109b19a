"""The voice of an avatar from a video: its recording cut out, cleaned and kept (``userVideoTwin/addVoiceClone``)."""

from __future__ import annotations

from typing import Any, ClassVar

from avatarium.catalogue.lip_models import lock_avatar
from avatarium.clock import DAY_MS
from avatarium.errors import ConflictError
from avatarium.families.twin import is_open
from avatarium.families.twin_owned import OfTwin, facts_of, twin_gone, video_twin
from avatarium.prices import Price
from avatarium.tasks.family import Desk, Family, Links, Plan, Queue, Step
from avatarium.tasks.job import Job
from avatarium.tasks.models import Task
from avatarium.tasks.states import State

EXPECTED_S = 3.0
RATE = 48_000
NOT_OFFERED = "voice_clone_unavailable"
SENTENCE = (
    "The recording is cleaned and kept with the avatar. Cloning the voice itself is not offered yet; until then the "
    "avatar speaks with the voices of anchor/voice_list. Nothing was charged."
)


class SoundStart(OfTwin):
    """``POST userVideoTwin/addVoiceClone``."""


class TwinSound(Family[SoundStart]):
    """Cut the sound of the video out, clean it, keep it with the avatar."""

    name: ClassVar[str] = "twinSound"
    group: ClassVar[str] = "Create Avatars"
    engine: ClassVar[str] = "avatarium-sound"
    generic: ClassVar[bool] = False
    queue: ClassVar[Queue] = Queue.QUICK
    limit_s: ClassVar[float] = 300.0
    start = SoundStart

    def __init__(self) -> None:
        self.steps = (Step("clean", _clean),)

    @property
    def paths(self) -> tuple[str, ...]:
        return ("/uservideotwin/addvoiceclone",)

    def plan(self, start: SoundStart, desk: Desk) -> Plan:
        avatar = video_twin(desk, start.id)
        return Plan(price=Price(0), expected_s=EXPECTED_S, name=avatar.name, facts=facts_of(avatar))

    def view(self, task: Task, links: Links) -> dict[str, Any]:
        found = task.result if task.state is State.COMPLETED else {}
        return {
            "status": self.words[task.state],
            "user_video_twin_id": task.facts["twin_id"],
            "anchor_id": task.facts["avatar_id"],
            "sound_url": links.url(found.get("key", "")),
            "seconds": found.get("seconds", 0.0),
            "user_voice_id": "",
            "reason": NOT_OFFERED if found else "",
            "message": SENTENCE if found else "",
        }


def _clean(job: Job[SoundStart]) -> dict[str, Any]:
    """Clean the recording and keep it among the files of the avatar, with which it goes."""
    from avatarium.engine.speech.cleaning import clean_voice
    from avatarium.engine.video import SoundWriter, read_sound

    sound = read_sound(job.stored(job.facts["sound_key"], "sound"), RATE)
    samples = clean_voice(sound.samples, RATE)
    path = job.scratch / "voice.wav"
    with SoundWriter(path, rate=RATE) as writer:
        writer.write(samples)
    seconds = round(len(samples) / RATE, 2)
    folder = _folder(job, job.task.id)
    key = folder + "voice.wav"
    soon_ms = job.clock.now_ms() + round(job.settings.result_days * DAY_MS)
    job.storage.put(
        key,
        path,
        owner=job.task.user_id,
        media_type="audio/wav",
        expires_ms=soon_ms,
        duration_s=seconds,
        task_id=job.facts["twin_id"],
    )
    with job.database.write() as c:
        if not is_open(c, job.task):
            raise ConflictError("It was cancelled.", code="cancelled")
        if not lock_avatar(c, job.facts["avatar_id"]):
            raise twin_gone()
        before = job.catalogue.keep_voice(c, job.task.user_id, job.facts["avatar_id"], key=key, seconds=seconds)
        if before and before != key:
            job.storage.keep_until(c, before.rpartition("/")[0] + "/", job.clock.now_ms())
        job.storage.keep_until(c, folder, None)
    return {"key": key, "seconds": seconds}


def _folder(job: Job[SoundStart], name: str) -> str:
    """A folder of its own for each cleaning, so that one that fails takes nothing from the one before."""
    return f"results/{job.task.user_id}/{job.facts['twin_id']}/voice/{name}/"


FAMILY = TwinSound()
