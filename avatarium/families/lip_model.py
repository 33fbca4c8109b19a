"""Personal lip-sync models: how the person of a video speaks, learnt from it (``userVideoTwin/continueTranining``)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import sqlalchemy as sa
from sqlalchemy import Connection

from avatarium.catalogue.lip_models import lock_avatar
from avatarium.catalogue.models import LipModel
from avatarium.clock import HOUR_MS
from avatarium.errors import AudioError, ConflictError, InputError
from avatarium.families import clips, studio
from avatarium.families.twin import is_open
from avatarium.families.twin_owned import LIP_MODEL, OfTwin, facts_of, twin_gone, video_twin
from avatarium.prices import Price, Unit
from avatarium.tasks.family import Desk, Family, Links, Plan, Step
from avatarium.tasks.job import Job, results_of
from avatarium.tasks.models import Task, tasks
from avatarium.tasks.states import OPEN, State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from avatarium.engine.face.style import Fitting

EXPECTED_S = 60.0
NOT_ENOUGH = "clip_not_enough"
FITTED = 0.85
"""Of the first step's progress, when the sound has been heard and the fitting begins."""
HEARD = 0.4


class LipModelStart(OfTwin):
    """``POST userVideoTwin/continueTranining``."""


class LipModelFamily(Family[LipModelStart]):
    """Hear what was said, fit the model, keep it if it is better than the general one in seconds it has not seen."""

    name: ClassVar[str] = LIP_MODEL
    group: ClassVar[str] = "Create Avatars"
    engine: ClassVar[str] = studio.VIDEO_ENGINE
    generic: ClassVar[bool] = False
    lasting: ClassVar[bool] = True
    limit_s: ClassVar[float] = 3600.0
    start = LipModelStart

    def __init__(self) -> None:
        self.steps = (Step("fit", _fit, 8), Step("preview", _preview, 3), Step("keep", _keep, 1))

    @property
    def paths(self) -> tuple[str, ...]:
        return ("/uservideotwin/continuetranining", "/uservideotwin/continuetraining")

    def plan(self, start: LipModelStart, desk: Desk) -> Plan:
        avatar = video_twin(desk, start.id)
        return Plan(price=desk.prices.of("lip_model"), expected_s=EXPECTED_S, name=avatar.name, facts=facts_of(avatar))

    def admit(self, c: Connection, task: Task) -> None:
        if not lock_avatar(c, task.facts["avatar_id"]):
            raise twin_gone()
        mine = (tasks.c.user_id == task.user_id, tasks.c.family == self.name, tasks.c.id != task.id)
        query = sa.select(tasks.c.facts).where(*mine, tasks.c.state.in_([state.value for state in OPEN]))
        if any(row.facts["avatar_id"] == task.facts["avatar_id"] for row in c.execute(query)):
            raise ConflictError(
                "A lip-sync model of this avatar is being trained already. Wait for it, or cancel it.",
                code="lip_model_running",
            )

    def forget(self, c: Connection, task: Task, desk: Desk, *, now_ms: int) -> None:
        desk.catalogue.lip_models.remove(c, task.user_id, model_id=task.id)
        desk.storage.keep_until(c, results_of(task), now_ms + (0 if task.deleted_ms else HOUR_MS))

    def view(self, task: Task, links: Links) -> dict[str, Any]:
        found = task.result if task.state is State.COMPLETED else {}
        amount = task.charged if task.state.is_final else task.price
        return {
            "coins": Price(amount, Unit(task.unit)).coins,
            "diamonds": amount if task.unit == Unit.DIAMOND else 0,
            "status": self.words[task.state],
            "user_video_twin_id": task.facts["twin_id"],
            "anchor_id": task.facts["avatar_id"],
            "version": found.get("version", 0),
            "general_error": found.get("general_error"),
            "personal_error": found.get("personal_error"),
            "seconds_used": found.get("seconds_used"),
            "preview_result_url": links.url(found.get("key", "")),
        }


def _fit(job: Job[LipModelStart]) -> dict[str, Any]:
    fitting = _fitting(job)
    if fitting.style is None:
        raise InputError(fitting.reason, code=NOT_ENOUGH)
    path = job.scratch / f"{job.task.attempt}-style.json"
    path.write_text(fitting.style.to_json(), encoding="utf-8")
    return {
        "model_key": job.publish(path, "style.json", "application/json"),
        "general_error": round(fitting.general_error or 0.0, 5),
        "personal_error": round(fitting.personal_error or 0.0, 5),
        "seconds_used": round(fitting.seconds_used, 2),
    }


def _fitting(job: Job[LipModelStart]) -> Fitting:
    from avatarium.engine.face.style import fit_style
    from avatarium.engine.face.video.measures import measure
    from avatarium.engine.face.video.tracking import Track
    from avatarium.engine.recording import recorded_speech

    track = Track.load(job.stored(job.facts["track_key"], "track"))
    shown = _shown(_package(job), len(track))
    try:
        speech = recorded_speech(job.stored(job.facts["sound_key"], "sound"))
    except AudioError as problem:
        raise InputError(
            "Nobody is heard to speak clearly in the video of this avatar, so there is nothing to learn from. Make one "
            "from a video in which the person speaks without music.",
            code=NOT_ENOUGH,
        ) from problem
    job.progress(HEARD)
    return fit_style(
        measure(track), speech, shown=shown, progress=lambda share: job.progress(HEARD + (FITTED - HEARD) * share)
    )


def _shown(package: Path, frames: int) -> NDArray[np.float32]:
    """How well the mouth is seen in every frame of the clip, 0 to 1, from those that the avatar was made of."""
    import numpy as np

    from avatarium.engine.face.video.package import read_twin

    arrays = read_twin(package).arrays()
    order, first = np.unique(arrays["order"], return_index=True)
    return np.interp(np.arange(frames), order, arrays["shown"][first]).astype(np.float32)


def _preview(job: Job[LipModelStart]) -> dict[str, Any]:
    from avatarium.engine.introduction import preview
    from avatarium.engine.speech import Gender, find_voice

    path = job.scratch / f"{job.task.attempt}-preview.mp4"
    voice = find_voice(studio.VOICE_LANGUAGE, gender=Gender(job.facts["gender"]), live=True)
    style = studio.style_of(job, job.results["model_key"])
    preview(_package(job), path, voice=voice.name, style=style, scratch=job.scratch)
    return {"key": studio.publish(job, path, "preview.mp4", "video/mp4")}


def _package(job: Job[LipModelStart]) -> Path:
    return clips.package_of(job, job.facts["package_key"])


def _keep(job: Job[LipModelStart]) -> dict[str, Any]:
    """Write the model as the newest of its avatar, if it is still wanted and the avatar is still there."""
    found = job.results
    with job.database.write() as c:
        if not is_open(c, job.task):
            raise ConflictError("The training was cancelled.", code="cancelled")
        if not lock_avatar(c, job.facts["avatar_id"]):
            raise twin_gone()
        model = job.catalogue.lip_models.add(
            c,
            LipModel(
                id=job.task.id,
                owner=job.task.user_id,
                avatar_id=job.facts["avatar_id"],
                version=1,
                key=found["model_key"],
                preview_key=found["key"],
                general_error=found["general_error"],
                personal_error=found["personal_error"],
                seconds_used=found["seconds_used"],
                created_ms=job.clock.now_ms(),
            ),
        )
        job.storage.keep_until(c, results_of(job.task), None)
    return {"version": model.version}


FAMILY = LipModelFamily()
