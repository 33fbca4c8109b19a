"""Avatars of users' own, made from a video or one picture (``userVideoTwin/startTraining``)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy import Connection

from avatarium.catalogue.models import PHOTO, Avatar, avatars
from avatarium.clock import HOUR_MS, iso
from avatarium.errors import ConflictError, NotFoundError
from avatarium.families import studio, twin_picture, twin_video
from avatarium.families.clips import look_up_clip
from avatarium.families.consent import check_consent, consent_record
from avatarium.families.fields import look_up
from avatarium.families.twin_owned import hide_trainings
from avatarium.families.twin_start import TwinStart, check_source
from avatarium.ids import stable_id
from avatarium.prices import Price, Unit
from avatarium.tasks.family import Desk, Family, Links, Plan, Step
from avatarium.tasks.job import Job, results_of
from avatarium.tasks.models import Task, tasks
from avatarium.tasks.states import OPEN, State

PICTURE_S = 15.0
VIDEO_BASE_S, VIDEO_SHARE = 30.0, 5.0
"""Seconds of work for an avatar from a video, and for each second of it that is used."""
GUESSED_CLIP_S = 20.0
DEFAULT_NAME = "Avatar"


class Twin(Family[TwinStart]):
    """Look at what was given, lay it out, make a sample, put the avatar into the catalogue."""

    name: ClassVar[str] = "userVideoTwin"
    group: ClassVar[str] = "Create Avatars"
    engine: ClassVar[str] = studio.ENGINE
    generic: ClassVar[bool] = False
    lasting: ClassVar[bool] = True
    limit_s: ClassVar[float] = 3600.0
    start = TwinStart

    def __init__(self) -> None:
        self.steps = (
            Step("clip", _clip, 3),
            Step("look", _look, 3),
            Step("prepare", _prepare, 10),
            Step("preview", _preview, 4),
            Step("keep", _keep, 1),
        )

    @property
    def paths(self) -> tuple[str, ...]:
        return ("/uservideotwin/starttraining",)

    def plan(self, start: TwinStart, desk: Desk) -> Plan:
        check_source(start.video_url, start.image_url)
        check_consent(start, required=desk.consent_required)
        name = start.name or DEFAULT_NAME
        if start.kind == PHOTO:
            look_up(start.image_url, desk, "image_url")
            return Plan(price=desk.prices.of("twin_picture"), expected_s=PICTURE_S, name=name)
        stored = look_up_clip(start.video_url, desk, "video_url")
        if start.ground_url:
            look_up(start.ground_url, desk, "video_background_image")
        seconds = min((stored.duration_s if stored else None) or GUESSED_CLIP_S, twin_video.KEPT_S)
        return Plan(
            price=desk.prices.of("twin_video"),
            expected_s=VIDEO_BASE_S + VIDEO_SHARE * seconds,
            name=name,
            engine=studio.VIDEO_ENGINE,
        )

    def forget(self, c: Connection, task: Task, desk: Desk, *, now_ms: int) -> None:
        """Take the avatar back with its models, its voices and their trainings, and let their files expire: at once
        when it is deleted, else before long, as a retry that follows closely writes them anew."""
        avatar_id = avatar_id_of(task.id)
        if task.deleted_ms:  # rows of tasks before that of the avatar, as everywhere
            hide_trainings(c, task, now_ms=now_ms)
        with suppress(NotFoundError):
            desk.catalogue.remove_avatar(c, task.user_id, avatar_id)
        models = desk.catalogue.lip_models.remove(c, task.user_id, avatar_id=avatar_id)
        voices = desk.catalogue.voices.remove(c, task.user_id, avatar_id=avatar_id)
        for made_id in (*(model.id for model in models), *(voice.id for voice in voices)):
            desk.storage.keep_until(c, f"results/{task.user_id}/{made_id}/", now_ms)
        soon_ms = now_ms + (0 if task.deleted_ms else HOUR_MS)
        desk.storage.keep_until(c, results_of(task), soon_ms)

    def view(self, task: Task, links: Links) -> dict[str, Any]:
        start = TwinStart.model_validate(task.request)
        done = task.state is State.COMPLETED
        amount = task.charged if task.state.is_final else task.price
        return {
            "gender": start.gender,
            "status": self.words[task.state],
            "coins": Price(amount, Unit(task.unit)).coins,
            "diamonds": amount if task.unit == Unit.DIAMOND else 0,
            "anchor_id": task.result.get("anchor_id", "") if done else "",
            "preview_result_url": links.url(task.result.get("key", "")),
            "people_img": links.url(task.result.get("people_key", "")),
            "image_url": start.image_url or links.url(task.result.get("picture_key", "")),
            "video_url": start.video_url,
            "score": task.result.get("score"),
            "advice": task.result.get("advice", []),
            "consent": _shown_consent(start, task),
        }


def avatar_id_of(task_id: str) -> str:
    """The avatar that a training makes, known before it is made: whoever makes it twice makes one."""
    return stable_id("twin", task_id)


def is_open(c: Connection, task: Task) -> bool:
    """Whether an attempt is neither ended nor overtaken; holds the row until the transaction ends."""
    mine = sa.select(tasks.c.state).where(tasks.c.id == task.id, tasks.c.attempt == task.attempt)
    state = c.execute(mine.with_for_update()).scalar_one_or_none()
    return state in [state.value for state in OPEN]


def _shown_consent(start: TwinStart, task: Task) -> dict[str, Any] | None:
    kept = consent_record(start, account=task.user_id, at_ms=task.created_ms)
    if not kept:
        return None
    return {name: kept[name] for name in ("text", "sha256", "name")} | {"givenAt": iso(kept["at_ms"])}


def _clip(job: Job[TwinStart]) -> dict[str, Any]:
    return {} if job.start.kind == PHOTO else twin_video.take(job)


def _look(job: Job[TwinStart]) -> dict[str, Any]:
    return twin_picture.look(job) if job.start.kind == PHOTO else twin_video.look(job)


def _prepare(job: Job[TwinStart]) -> dict[str, Any]:
    return {} if job.start.kind == PHOTO else twin_video.prepare(job)


def _preview(job: Job[TwinStart]) -> dict[str, Any]:
    from avatarium.engine.introduction import preview
    from avatarium.engine.speech import Gender, find_voice

    if job.start.skip_preview:
        return {"key": ""}
    path = job.scratch / f"{job.task.attempt}-preview.mp4"
    who = twin_picture.shown(job) if job.start.kind == PHOTO else twin_video.shown(job)
    voice = find_voice(studio.VOICE_LANGUAGE, gender=Gender(job.start.gender), live=True)
    preview(who, path, voice=voice.name, scratch=job.scratch)
    return {"key": studio.publish(job, path, "preview.mp4", "video/mp4")}


def _keep(job: Job[TwinStart]) -> dict[str, Any]:
    """Write the avatar and keep its files for good, in one transaction with the look whether its training was cancelled
    meanwhile. The last step: what fails before it leaves files that expire as those of any task."""
    avatar = _avatar(job)
    needed = (avatar.picture_key, avatar.package_key, avatar.track_key, avatar.sound_key, avatar.background_key)
    for key in filter(None, needed):
        if job.storage.info(key) is None:
            raise NotFoundError(
                "What was prepared waited too long and is gone. Try the training again.", code="file_gone"
            )
    with job.database.write() as c:
        if not is_open(c, job.task):
            raise ConflictError("The training was cancelled.", code="cancelled")
        if c.execute(sa.select(avatars.c.id).where(avatars.c.id == avatar.id)).one_or_none() is None:
            job.catalogue.add_avatar(c, avatar)
        job.storage.keep_until(c, results_of(job.task), None)
    return {"anchor_id": avatar.id}


def _avatar(job: Job[TwinStart]) -> Avatar:
    found = job.results
    return Avatar(
        id=avatar_id_of(job.task.id),
        owner=job.task.user_id,
        name=job.task.name,
        gender=job.start.gender,
        kind=job.start.kind,
        picture_key=found["picture_key"],
        cover_key=found["cover_key"],
        preview_key=found["key"] or found.get("base_key", ""),
        twin_id=job.task.id,
        package_key=found.get("package_key", ""),
        track_key=found.get("track_key", ""),
        sound_key=found.get("sound_key", ""),
        background_key=found.get("background_key", ""),
        background_color="" if found.get("background_key") or job.start.kind == PHOTO else job.start.ground_color,
        consent=consent_record(job.start, account=job.task.user_id, at_ms=job.task.created_ms),
        created_ms=job.clock.now_ms(),
    )


FAMILY = Twin()
