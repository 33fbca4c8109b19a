"""What is done to an avatar from a video after it was made: it is found by its training, and has to be there still."""

from __future__ import annotations

from typing import Annotated, Any

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy import Connection

from avatarium.catalogue.models import VIDEO, Avatar
from avatarium.errors import NotFoundError, RequestError
from avatarium.families.fields import LenientStart
from avatarium.ids import LENGTH
from avatarium.tasks.family import Desk
from avatarium.tasks.models import Task, tasks
from avatarium.tasks.states import FINAL

LIP_MODEL, TWIN_VOICE = "lipModel", "twinSound"
"""The families of trainings of models and of voices, which go with their avatar."""


class OfTwin(LenientStart):
    """A start call that names a training."""

    id: Annotated[str, Field(max_length=4 * LENGTH)] = Field(
        alias="_id", description="The `_id` of a training by a video that is completed."
    )


def video_twin(desk: Desk, training_id: str) -> Avatar:
    """The avatar that a training of the caller made from a video with sound.

    Raises:
        NotFoundError: ``twin_not_found``.
        RequestError: ``picture_twin``, ``twin_silent``.
    """
    found = desk.catalogue.avatars(desk.owner, kind="custom", twin_id=training_id) if training_id else []
    if not found:
        raise NotFoundError(
            "There is no avatar of this training: it is not completed, or was removed. Check the _id.",
            code="twin_not_found",
        )
    if found[0].kind != VIDEO:
        raise RequestError(
            "This avatar was made from a picture, in which nobody speaks. Make one with `video_url`.",
            code="picture_twin",
        )
    if not found[0].sound_key:
        raise RequestError(
            "The video of this avatar has no sound. Make one from a video in which the person is heard.",
            code="twin_silent",
        )
    return found[0]


def facts_of(avatar: Avatar) -> dict[str, Any]:
    """What the steps need to know of an avatar."""
    return {
        "avatar_id": avatar.id,
        "twin_id": avatar.twin_id,
        "gender": avatar.gender,
        "package_key": avatar.package_key,
        "track_key": avatar.track_key,
        "sound_key": avatar.sound_key,
    }


def hide_trainings(c: Connection, training: Task, *, now_ms: int) -> None:
    """Take the trainings of an avatar's models and voices that have ended out of every list, together with that of the
    avatar."""
    ended = (tasks.c.state.in_([state.value for state in FINAL]), tasks.c.deleted_ms.is_(None))
    mine = (tasks.c.user_id == training.user_id, tasks.c.family.in_((LIP_MODEL, TWIN_VOICE)), *ended)
    rows = c.execute(sa.select(tasks.c.id, tasks.c.facts).where(*mine))
    ids = [row.id for row in rows if row.facts["twin_id"] == training.id]
    c.execute(sa.update(tasks).where(tasks.c.id.in_(ids), *ended).values(deleted_ms=now_ms, expires_ms=now_ms))


def twin_gone() -> NotFoundError:
    """The error for an avatar that was removed while something was made for it."""
    return NotFoundError("The avatar was removed meanwhile.", code="twin_gone")
