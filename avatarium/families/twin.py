"""Avatars of users' own, made from one picture (``userVideoTwin/startTraining``)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy import Connection

from avatarium.catalogue.models import Avatar, avatars
from avatarium.clock import HOUR_MS
from avatarium.errors import ConflictError, NotFoundError, RequestError
from avatarium.families import studio
from avatarium.families.fields import Colour, LenientStart, Name, Prompt, Url, Word, look_up
from avatarium.ids import stable_id
from avatarium.prices import Price, Unit
from avatarium.storage.sniff import Kind
from avatarium.tasks.family import Desk, Family, Links, Plan, Step
from avatarium.tasks.job import Job, results_of
from avatarium.tasks.models import Task, tasks
from avatarium.tasks.states import OPEN, State

if TYPE_CHECKING:
    from avatarium.engine.face import PhotoActor
    from avatarium.engine.picture import Picture

EXPECTED_S = 15.0
VOICE_LANGUAGE = "en-US"
"""Of the sample: its voices speak at once on any machine."""
COVER_SIDE = 512
SMALL_FACE_PX = 90
"""Distance of the outer corners of the eyes below which a face gets soft in a large video."""
DEFAULT_NAME = "Avatar"


class TwinStart(LenientStart):
    """``POST userVideoTwin/startTraining``."""

    name: Name = Field("", description="Its name.")
    gender: Annotated[Literal["female", "male"], Word] = Field(
        "female", description="Of the voice that speaks for it unless another is chosen."
    )
    image_url: Url = Field("", description="A picture in which one face looks at the camera.")
    video_url: Url = Field("", description="Not offered yet: give a picture.")
    video_background_image: Url = Field("", description="Taken; the person is told from any ground.")
    video_backgroud_image: Url = Field("", description="The same, as older clients spell it.")
    video_background_color: Colour = Field("", description="Taken; the person is told from any ground.")
    video_backgroud_color: Colour = Field("", description="The same, as older clients spell it.")
    model_version: str = Field("", max_length=32, description="Taken; there is one model here.")
    prompt: Prompt = Field("", description="Taken; how somebody moves follows from what is said.")
    negative_prompt: Prompt = Field("", description="Taken.")
    skip_preview: bool = Field(False, alias="skipPreview", description="Make no sample video.")


class Twin(Family[TwinStart]):
    """Look at the picture, make a sample, put the avatar into the catalogue."""

    name: ClassVar[str] = "userVideoTwin"
    group: ClassVar[str] = "Create Avatars"
    engine: ClassVar[str] = studio.ENGINE
    generic: ClassVar[bool] = False
    lasting: ClassVar[bool] = True
    start = TwinStart

    def __init__(self) -> None:
        self.steps = (Step("look", _look, 2), Step("preview", _preview, 6), Step("keep", _keep, 1))

    @property
    def paths(self) -> tuple[str, ...]:
        return ("/uservideotwin/starttraining",)

    def plan(self, start: TwinStart, desk: Desk) -> Plan:
        if not start.image_url:
            raise _without_picture(start)
        look_up(start.image_url, desk, "image_url")
        return Plan(price=desk.prices.of("twin_picture"), expected_s=EXPECTED_S, name=start.name or DEFAULT_NAME)

    def forget(self, c: Connection, task: Task, desk: Desk, *, now_ms: int) -> None:
        """Take the avatar back, and let its files expire: at once when it is deleted, else before long, as a retry that
        follows closely writes them anew."""
        with suppress(NotFoundError):
            desk.catalogue.remove_avatar(c, task.user_id, avatar_id_of(task.id))
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
            "image_url": start.image_url,
            "video_url": start.video_url,
            "advice": task.result.get("advice", []),
        }


def avatar_id_of(task_id: str) -> str:
    """The avatar that a training makes, known before it is made: whoever makes it twice makes one."""
    return stable_id("twin", task_id)


def _without_picture(start: TwinStart) -> RequestError:
    if start.video_url:
        return RequestError(
            "Avatars from a video are not offered yet. Give a picture as `image_url`; nothing was charged.",
            code="video_twin_unavailable",
        )
    return RequestError(
        "`image_url` is missing. It is: a picture in which one face looks at the camera.", code="no_picture"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sitter:
    """The person in the picture of a training."""

    path: Path
    """The picture, written anew."""
    media_type: str
    suffix: str
    picture: Picture
    actor: PhotoActor


def _sitter(job: Job[TwinStart]) -> _Sitter:
    from avatarium.engine.face import PhotoActor
    from avatarium.engine.picture import read_picture
    from avatarium.storage.pictures import reencode

    given = job.fetch(job.start.image_url, Kind.PICTURE, "picture")
    path = job.scratch / f"{job.task.attempt}-clean"
    cleaned = reencode(given.path, path)
    picture = read_picture(path)
    actor = PhotoActor.from_picture(picture.over())
    return _Sitter(path=path, media_type=cleaned.media_type, suffix=cleaned.suffix, picture=picture, actor=actor)


def _look(job: Job[TwinStart]) -> dict[str, Any]:
    from avatarium.engine.video import cover

    sitter = _sitter(job)
    still, people = job.scratch / "cover.jpg", _people(job, sitter)
    cover(sitter.path, still, longest=COVER_SIDE)
    # The user's own picture: nothing in it is synthetic, so that nothing is signed.
    return {
        "picture_key": job.publish(sitter.path, f"picture{sitter.suffix}", sitter.media_type),
        "cover_key": job.publish(still, "cover.jpg", "image/jpeg"),
        "people_key": job.publish(people, "people.png", "image/png") if people else "",
        "advice": _advice(sitter),
    }


def _preview(job: Job[TwinStart]) -> dict[str, Any]:
    from avatarium.engine.introduction import preview
    from avatarium.engine.speech import Gender, find_voice

    if job.start.skip_preview:
        return {"key": ""}
    path = job.scratch / f"{job.task.attempt}-preview.mp4"
    picture = job.stored(job.results["picture_key"], f"{job.task.attempt}-kept")
    voice = find_voice(VOICE_LANGUAGE, gender=Gender(job.start.gender), live=True)
    preview(picture, path, voice=voice.name)
    return {"key": studio.publish(job, path, "preview.mp4", "video/mp4")}


def _keep(job: Job[TwinStart]) -> dict[str, Any]:
    """Write the avatar and keep its files for good, in one transaction with the look whether its training was cancelled
    meanwhile. The last step: what fails before it leaves files that expire as those of any task."""
    avatar = Avatar(
        id=avatar_id_of(job.task.id),
        owner=job.task.user_id,
        name=job.task.name,
        gender=job.start.gender,
        picture_key=job.results["picture_key"],
        cover_key=job.results["cover_key"],
        preview_key=job.results["key"],
        twin_id=job.task.id,
        created_ms=job.clock.now_ms(),
    )
    if job.storage.info(avatar.picture_key) is None:
        raise NotFoundError("The picture waited too long and is gone. Try the training again.", code="file_gone")
    with job.database.write() as c:
        if not _is_open(c, job.task):
            raise ConflictError("The training was cancelled.", code="cancelled")
        if c.execute(sa.select(avatars.c.id).where(avatars.c.id == avatar.id)).one_or_none() is None:
            job.catalogue.add_avatar(c, avatar)
        job.storage.keep_until(c, results_of(job.task), None)
    return {"anchor_id": avatar.id}


def _is_open(c: Connection, task: Task) -> bool:
    """Whether an attempt is neither ended nor overtaken; holds the row until the transaction ends."""
    mine = sa.select(tasks.c.state).where(tasks.c.id == task.id, tasks.c.attempt == task.attempt)
    state = c.execute(mine.with_for_update()).scalar_one_or_none()
    return state in [state.value for state in OPEN]


def _people(job: Job[TwinStart], sitter: _Sitter) -> Path | None:
    """The person cut out, where it can be told from the ground."""
    import numpy as np
    from PIL import Image

    if not sitter.actor.layered:
        return None
    cut = np.dstack((sitter.picture.over(), np.rint(255 * sitter.actor.alpha))).astype(np.uint8)
    out = job.scratch / "people.png"
    Image.fromarray(cut).save(out, "PNG", compress_level=4)
    return out


def _advice(sitter: _Sitter) -> list[str]:
    """What would make a better avatar."""
    import numpy as np

    from avatarium.engine.face.topology import EYE_OUTER_LEFT, EYE_OUTER_RIGHT

    face = sitter.actor.face
    advice = []
    if face.others:
        advice.append(f"The picture has {face.others + 1} faces; the largest speaks. Use a picture of one person.")
    eyes = face.points[[EYE_OUTER_LEFT, EYE_OUTER_RIGHT], :2]
    if float(np.linalg.norm(eyes[0] - eyes[1])) < SMALL_FACE_PX:
        advice.append("The face is small and will look soft in a large video. Use a picture in which it is larger.")
    if not sitter.actor.layered:
        advice.append(
            "The person cannot be told well from the ground, so backgrounds cannot be replaced. Use a plainer ground."
        )
    return advice


FAMILY = Twin()
