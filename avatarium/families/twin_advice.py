"""A look at a video or picture before an avatar is made of it, for nothing (``userVideoTwin/advice``)."""

from __future__ import annotations

from typing import Any, ClassVar

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy import Connection

from avatarium.accounts import ledger
from avatarium.errors import BusyError, InputError
from avatarium.families import clips, studio, twin_picture
from avatarium.families.clips import look_up_clip
from avatarium.families.fields import LenientStart, Url, look_up
from avatarium.families.twin_start import check_source
from avatarium.prices import Price
from avatarium.tasks.family import Desk, Family, Links, Plan, Step
from avatarium.tasks.job import Job
from avatarium.tasks.models import Task, tasks
from avatarium.tasks.states import OPEN, State

OPEN_MAX = 2
"""Looks of one user that may wait or run."""
PICTURE_S, CLIP_S = 3.0, 30.0
SOON_S = 20.0


class AdviceStart(LenientStart):
    """``POST userVideoTwin/advice``."""

    video_url: Url = Field("", description="The video that an avatar shall be made from; or else")
    image_url: Url = Field("", description="the picture.")


class TwinAdvice(Family[AdviceStart]):
    """Fetch it, look at it, say what is thought."""

    name: ClassVar[str] = "twinAdvice"
    group: ClassVar[str] = "Create Avatars"
    engine: ClassVar[str] = studio.VIDEO_ENGINE
    generic: ClassVar[bool] = False
    limit_s: ClassVar[float] = 900.0
    start = AdviceStart

    def __init__(self) -> None:
        self.steps = (Step("look", _look),)

    @property
    def paths(self) -> tuple[str, ...]:
        return ("/uservideotwin/advice",)

    def plan(self, start: AdviceStart, desk: Desk) -> Plan:
        check_source(start.video_url, start.image_url)
        if start.image_url:
            look_up(start.image_url, desk, "image_url")
            return Plan(price=Price(0), expected_s=PICTURE_S, engine=studio.ENGINE)
        look_up_clip(start.video_url, desk, "video_url")
        return Plan(price=Price(0), expected_s=CLIP_S)

    def admit(self, c: Connection, task: Task) -> None:
        ledger.lock(c, task.user_id)  # or two that come at once would each count without the other
        mine = (tasks.c.user_id == task.user_id, tasks.c.family == self.name, tasks.c.id != task.id)
        query = sa.select(sa.func.count()).where(*mine, tasks.c.state.in_([state.value for state in OPEN]))
        if c.execute(query).scalar_one() >= OPEN_MAX:
            raise BusyError(
                f"{OPEN_MAX} of your videos are being looked at already. Wait for the answers.",
                code="too_many_looks",
                retry_after_s=SOON_S,
            )

    def view(self, task: Task, links: Links) -> dict[str, Any]:
        start = AdviceStart.model_validate(task.request)
        found = task.result if task.state is State.COMPLETED else {}
        return {
            "video_url": start.video_url,
            "image_url": start.image_url,
            "score": found.get("score"),
            "fit_to_train": found.get("fit_to_train"),
            "advice": found.get("advice", []),
            "reason": found.get("reason", ""),
            "facts": found.get("facts", {}),
        }


def _look(job: Job[AdviceStart]) -> dict[str, Any]:
    """What is thought of it. What no avatar can be made of is an answer too, not a failure."""
    try:
        return _of_picture(job) if job.start.image_url else _of_clip(job)
    except InputError as problem:
        return {"score": 0, "fit_to_train": False, "advice": [problem.message], "reason": problem.code, "facts": {}}


def _of_picture(job: Job[AdviceStart]) -> dict[str, Any]:
    score, advice = twin_picture.advice_on(twin_picture.sitter_of(job, job.start.image_url))
    return {"score": score, "fit_to_train": True, "advice": advice, "reason": "", "facts": {}}


def _of_clip(job: Job[AdviceStart]) -> dict[str, Any]:
    clip = clips.taken(job, job.start.video_url).clip
    _, advice = clips.looked_at(job, clip)
    return {
        "score": advice.score,
        "fit_to_train": advice.fit_to_train,
        "advice": [*advice.sentences, *clip.notes],
        "reason": "" if advice.fit_to_train else clips.unfit(advice).code,
        "facts": {name: _plain(value) for name, value in advice.facts.items()},
    }


def _plain(value: float | bool) -> float | bool:
    return value if isinstance(value, bool) else round(float(value), 4)


FAMILY = TwinAdvice()
