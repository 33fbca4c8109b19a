"""Avatars from videos as the platform knows them, without a video: files of a few bytes, rows as trainings write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from avatarium.accounts.models import Principal, Role
from avatarium.catalogue.models import PHOTO, VIDEO, Avatar, LipModel
from avatarium.families import lip_model, twin
from avatarium.families.twin import avatar_id_of
from avatarium.families.twin_start import TwinStart
from avatarium.tasks.models import Task
from avatarium.tasks.states import State
from tests.running import Running

CLIP = "https://files.example/me.mp4"


@dataclass(frozen=True, kw_only=True)
class MadeTwin:
    """A training that is completed, and its avatar."""

    training_id: str
    avatar: Avatar


def principal(user_id: str) -> Principal:
    return Principal(user_id=user_id, role=Role.USER, key_id="")


def started(it: Running, owner: str = "", **body: Any) -> Task:
    """A training that waits, and that no worker of the test will take."""
    start = TwinStart.model_validate({"name": "me", "video_url": CLIP} | body)
    task = it.platform.tasks.submit(principal(owner or it.user_id), twin.FAMILY, start)
    it.worker.waiting = type(it.worker.waiting)(waits for waits in it.worker.waiting if waits[0] != task.id)
    return task


def made_twin(it: Running, owner: str = "", *, kind: str = VIDEO, sound: bytes = b"sound.wav", **body: Any) -> MadeTwin:
    """A training that is completed; without a sound the video had none."""
    owner = owner or it.user_id
    source = {"image_url": "https://files.example/me.jpg", "video_url": ""} if kind == PHOTO else {}
    task = started(it, owner, **source, **body)
    begun = it.platform.tasks.begin(task.id, task.attempt)
    assert begun is not None
    names = ("poster.jpg", *(("twin.twin", "track.npz") if kind == VIDEO else ()))
    keys = {name: _put(it, owner, task.id, name) for name in names}
    if sound and kind == VIDEO:
        keys["sound.wav"] = _put(it, owner, task.id, "sound.wav", sound)
    avatar = Avatar(
        id=avatar_id_of(task.id),
        owner=owner,
        name=task.name,
        gender="female",
        kind=kind,
        picture_key=keys["poster.jpg"],
        twin_id=task.id,
        package_key=keys.get("twin.twin", ""),
        track_key=keys.get("track.npz", ""),
        sound_key=keys.get("sound.wav", ""),
        created_ms=it.platform.clock.now_ms(),
    )
    with it.platform.database.write() as c:
        it.platform.catalogue.add_avatar(c, avatar)
    it.platform.tasks.finish(begun, State.COMPLETED, result={"anchor_id": avatar.id, "picture_key": avatar.picture_key})
    return MadeTwin(training_id=task.id, avatar=avatar)


def made_model(it: Running, twin_made: MadeTwin) -> LipModel:
    """A lip-sync model of an avatar, trained as a task, its newest version."""
    owner = twin_made.avatar.owner or ""
    start = lip_model.LipModelStart.model_validate({"_id": twin_made.training_id})
    task = it.platform.tasks.submit(principal(owner), lip_model.FAMILY, start)
    it.worker.waiting = type(it.worker.waiting)(waits for waits in it.worker.waiting if waits[0] != task.id)
    begun = it.platform.tasks.begin(task.id, task.attempt)
    assert begun is not None
    model = LipModel(
        id=task.id,
        owner=owner,
        avatar_id=twin_made.avatar.id,
        version=1,
        key=_put(it, owner, task.id, "style.json"),
        preview_key=_put(it, owner, task.id, "preview.mp4"),
        general_error=0.03,
        personal_error=0.02,
        seconds_used=17.5,
        created_ms=it.platform.clock.now_ms(),
    )
    with it.platform.database.write() as c:
        kept = it.platform.catalogue.lip_models.add(c, model)
    it.platform.tasks.finish(begun, State.COMPLETED, result={"version": kept.version, "key": kept.preview_key})
    return kept


def _put(it: Running, owner: str, task_id: str, name: str, content: bytes = b"") -> str:
    key = f"results/{owner}/{task_id}/{name}"
    it.platform.storage.put(
        key,
        content or name.encode(),
        owner=owner,
        media_type="application/octet-stream",
        expires_ms=None,
        task_id=task_id,
    )
    return key
