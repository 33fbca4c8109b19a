"""Avatars from videos told from their own ground, once a video says what that looks like."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from avatarium.catalogue.lip_models import lock_avatar
from avatarium.clock import DAY_MS
from avatarium.errors import NotFoundError, TooLargeError
from avatarium.families.clips import PACKAGE_TYPE, network_of, package_of
from avatarium.families.twin import avatar_id_of
from avatarium.storage.models import objects
from avatarium.tasks.job import Job

if TYPE_CHECKING:
    from avatarium.engine.video.framing import Ground

KEPT = 3
"""Grounds of one avatar: each is as large as the avatar."""
_LAST = "\x7f"
SHARE = 0.5
"""Of a step's progress, as the person is told as slowly as the video is drawn."""


def told_from(job: Job[Any], package_key: str, ground: Ground, *, twin_id: str) -> Path:
    """A packed avatar whose person is told anew by the ground of the video that it was made from.

    It is kept among the avatar's files, for the next videos, for as long as results are and the avatar is there; of
    several grounds the :data:`KEPT` that were used last.

    Raises:
        InputError, NotFoundError: what was packed cannot be had or read.
    """
    from avatarium.engine.face.video.rematting import rematted

    folder = f"results/{job.task.user_id}/{twin_id}/grounds/"
    key = f"{folder}{_digest(ground)}.twin"
    expires_ms = job.clock.now_ms() + round(job.settings.result_days * DAY_MS)
    if job.storage.info(key) is not None:
        with job.database.write() as c:
            c.execute(sa.update(objects).where(objects.c.key == key).values(expires_ms=expires_ms))
        with suppress(NotFoundError):  # gone in this very moment, for newer ones
            return package_of(job, key)
    out = job.scratch / f"{job.task.attempt}-told.twin"
    rematted(
        package_of(job, package_key),
        out,
        ground=ground,
        network=network_of(job),
        progress=lambda share: job.progress(SHARE * share),
    )
    with suppress(TooLargeError):  # it is only kept to save work
        job.storage.put(
            key, out, owner=job.task.user_id, media_type=PACKAGE_TYPE, expires_ms=expires_ms, task_id=twin_id
        )
    with job.database.write() as c:
        if not lock_avatar(c, avatar_id_of(twin_id)):  # removed meanwhile, with all that was made from it by then
            job.storage.keep_until(c, folder, job.clock.now_ms())
    for old in _unused_longest(job, folder):
        job.storage.delete(old)
    return out


def _unused_longest(job: Job[Any], folder: str) -> list[str]:
    """What of an avatar's grounds goes: those that are beyond the number that is kept."""
    below = (objects.c.key >= folder, objects.c.key < folder + _LAST)
    query = sa.select(objects.c.key).where(*below).order_by(objects.c.expires_ms.desc(), objects.c.created_ms.desc())
    with job.database.read() as c:
        return list(c.execute(query.offset(KEPT)).scalars())


def _digest(ground: Ground) -> str:
    content = repr(ground).encode() if isinstance(ground, tuple) else ground.tobytes()
    return hashlib.sha256(content).hexdigest()[:32]
