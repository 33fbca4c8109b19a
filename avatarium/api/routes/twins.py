"""Avatars of users' own, in A2E's own shapes."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any

from fastapi import Request

from avatarium.accounts.models import Principal
from avatarium.api.auth import MakerDep, PlatformDep, ReaderDep
from avatarium.api.envelope import Answer, ok
from avatarium.api.families import (
    EXAMPLE_ID,
    RECORD,
    STARTS,
    Batch,
    Desk,
    IdempotencyKey,
    Named,
    PathId,
    Records,
)
from avatarium.api.groups import AVATARS
from avatarium.api.routing import Params, Router
from avatarium.errors import NotFoundError
from avatarium.families import lip_model
from avatarium.families.twin import FAMILY, TwinStart
from avatarium.platform import Platform
from avatarium.tasks.models import Task
from avatarium.tasks.states import OPEN, State

router = Router(AVATARS)

ALL_MAX = 1000
"""Records that the lists without pages give."""
REQUEST = {
    "name": "demo",
    "gender": "female",
    "video_url": "https://files.example/me.mp4",
    "consent": True,
    "consent_name": "Ada",
}
TWIN = {
    **{name: value for name, value in RECORD.items() if name not in ("queue_position", "eta_s")},
    "name": "demo",
    "gender": "female",
    "current_status": "completed",
    "status": "completed",
    "progress": 100,
    "coins": 0,
    "diamonds": 0,
    "engine": "avatarium-video",
    "anchor_id": "64f0c0ffee0000000000e001",
    "preview_result_url": "https://files.example/preview.mp4",
    "people_img": "https://files.example/people.png",
    "image_url": "https://files.example/poster.jpg",
    "video_url": "https://files.example/me.mp4",
    "score": 88,
    "advice": ["The light comes from one side. Turn towards a window."],
    "consent": {
        "text": "The person shown and heard has agreed ...",
        "sha256": "0f3c...",
        "name": "Ada",
        "givenAt": "2025-01-02T03:04:05.678Z",
    },
}
STARTED = {
    **TWIN,
    **{"current_status": "initialized", "status": "initialized", "progress": 0, "queue_position": 0, "eta_s": 130.0},
    **{"anchor_id": "", "preview_result_url": "", "people_img": "", "image_url": "", "score": None, "advice": []},
}


class TwinDesk(Desk):
    """Trainings for one request."""

    def __init__(self, platform: Platform, request: Request, caller: Principal) -> None:
        super().__init__(FAMILY, platform, request, caller)

    def whole(self, *states: State) -> list[dict[str, Any]]:
        """Records without pages."""
        rows, _ = self._platform.tasks.page(self._caller.user_id, FAMILY, states=states, limit=ALL_MAX)
        return self.all(rows)

    def ongoing(self) -> list[dict[str, Any]]:
        """Records of what is not done, of lip-sync models too."""
        models = Desk(lip_model.FAMILY, self._platform, self._request, self._caller).all(self._open_models())
        return sorted([*self.whole(*OPEN), *models], key=lambda record: str(record["createdAt"]), reverse=True)

    def delete(self, task_id: str) -> dict[str, str]:
        """Remove an avatar with its personal models; what is being trained for it is cancelled, and costs nothing."""
        being_trained = [model for model in self._open_models() if model.facts["twin_id"] == task_id]
        removed = super().delete(task_id)
        for model in being_trained:
            with suppress(NotFoundError):  # it ended just before, and went with the avatar
                self._platform.tasks.delete(self._caller.user_id, lip_model.FAMILY, model.id)
        return removed

    def _open_models(self) -> list[Task]:
        page = self._platform.tasks.page(self._caller.user_id, lip_model.FAMILY, states=OPEN, limit=ALL_MAX)
        return page[0]


def desk_of(task_id: str, platform: Platform, request: Request, caller: Principal) -> Desk:
    """Where to ask after one task of an avatar, its making or the training of its model: clients do so in one place."""
    if platform.tasks.find(caller.user_id, task_id)[1].name == lip_model.FAMILY.name:
        return Desk(lip_model.FAMILY, platform, request, caller)
    return TwinDesk(platform, request, caller)  # which says of any other task that it is not there


@router.serve(
    "POST /api/v1/userVideoTwin/startTraining",
    title="Create A Custom Avatar by a Video or an Image",
    request=REQUEST,
    answer=STARTED,
    returns=dict[str, Any],
    errors=STARTS,
)
def start(
    params: Annotated[TwinStart, Params],
    request: Request,
    caller: MakerDep,
    platform: PlatformDep,
    key: IdempotencyKey = None,
) -> Answer:
    """Make an avatar of your own from a video of one person who speaks, or from a picture of one face.

    The video lasts ten seconds to ten minutes, of which the first minute is used: upright or not, any size and rate.
    One from a video moves as the person moves and speaks with the person's own mouth; it is free. One from a picture
    costs a diamond, or 100 coins where you have none. When `current_status` is `completed`, `anchor_id` is the avatar
    for `video/generate` (with `anchor_type` 1) and for live rooms; `score` and `advice` say how to make a better one.
    """
    desk = TwinDesk(platform, request, caller)
    return ok(desk.shown(desk.start(params, key)))


@router.serve(
    "GET /api/v1/userVideoTwin/records",
    title="Get Status of All Tasks",
    request={"pageNum": 1, "pageSize": 10, "status": "completed"},
    answer={"rows": [TWIN], "list": [TWIN], "count": 1},
    returns=dict[str, Any],
)
def records(params: Annotated[Records, Params], request: Request, caller: ReaderDep, platform: PlatformDep) -> Answer:
    """Your trainings of avatars, newest first. Those of lip-sync models are in `video/lip_models`, and as long as they
    are not done in `userVideoTwin/trainingRecords`."""
    return ok(TwinDesk(platform, request, caller).page(params))


@router.serve(
    "GET /api/v1/userVideoTwin/userRecords",
    "GET /api/v1/userVideoTwin/list",
    title="Get all training records",
    answer=[TWIN],
    returns=list[dict[str, Any]],
)
def user_records(request: Request, caller: ReaderDep, platform: PlatformDep) -> Answer:
    """All your trainings of avatars at once, newest first, as `userVideoTwin/records` has them by the page."""
    return ok(TwinDesk(platform, request, caller).whole())


@router.serve(
    "GET /api/v1/userVideoTwin/trainingRecords",
    title='Get All Ongoing "Training" Tasks',
    answer=[STARTED],
    returns=list[dict[str, Any]],
)
def training_records(request: Request, caller: ReaderDep, platform: PlatformDep) -> Answer:
    """Your trainings that are not done, of avatars and of lip-sync models, newest first."""
    return ok(TwinDesk(platform, request, caller).ongoing())


@router.serve(
    "POST /api/v1/userVideoTwin/batchDetail",
    title="Details of several tasks",
    request={"ids": [EXAMPLE_ID]},
    answer=[TWIN],
    returns=list[dict[str, Any]],
)
def batch_detail(
    params: Annotated[Batch, Params], request: Request, caller: ReaderDep, platform: PlatformDep
) -> Answer:
    """Those of these trainings that are there, of avatars and of lip-sync models: match them by `_id`, not by order."""
    models = Desk(lip_model.FAMILY, platform, request, caller)
    return ok([*TwinDesk(platform, request, caller).batch(params.ids), *models.batch(params.ids)])


@router.serve(
    "GET /api/v1/userVideoTwin/{_id}",
    title="Status of One Task",
    answer=TWIN,
    returns=dict[str, Any],
)
def detail(task_id: PathId, request: Request, caller: ReaderDep, platform: PlatformDep) -> Answer:
    """One training. `anchor_id` is there when it is completed. A training of a lip-sync model is found here too."""
    desk = desk_of(task_id, platform, request, caller)
    return ok(desk.shown(desk.get(task_id)))


@router.serve(
    "POST /api/v1/userVideoTwin/remove",
    title="Remove A Customized Avatar",
    request={"_id": EXAMPLE_ID},
    answer={"_id": EXAMPLE_ID},
    returns=dict[str, str],
    errors=(NotFoundError,),
)
def remove(params: Annotated[Named, Params], request: Request, caller: MakerDep, platform: PlatformDep) -> Answer:
    """Remove the avatar that a training made, with its files, its recording and its lip-sync models.

    One that is not done is cancelled, and costs nothing. Given the `_id` of a lip-sync model's training, that model
    alone is removed.
    """
    return ok(desk_of(params.id, platform, request, caller).delete(params.id))


@router.serve(
    "DELETE /api/v1/userVideoTwin/{_id}",
    title="Remove A Customized Avatar",
    answer={"_id": EXAMPLE_ID},
    returns=dict[str, str],
)
def delete(task_id: PathId, request: Request, caller: MakerDep, platform: PlatformDep) -> Answer:
    """The same as `userVideoTwin/remove`."""
    return ok(desk_of(task_id, platform, request, caller).delete(task_id))


@router.serve(
    "POST /api/v1/userVideoTwin/{_id}/cancel",
    title="Cancel a training",
    request={},
    answer=TWIN | {"current_status": "failed", "status": "failed", "failed_code": "cancelled", "anchor_id": ""},
    returns=dict[str, Any],
)
def cancel(task_id: PathId, request: Request, caller: MakerDep, platform: PlatformDep) -> Answer:
    """Stop a training and give its price back. One that is done stays as it is."""
    desk = desk_of(task_id, platform, request, caller)
    return ok(desk.shown(desk.cancel(task_id)))


@router.serve(
    "POST /api/v1/userVideoTwin/retry",
    title="Try a training again",
    request={"_id": EXAMPLE_ID},
    answer=STARTED,
    returns=dict[str, Any],
    errors=STARTS,
)
def retry(params: Annotated[Named, Params], request: Request, caller: MakerDep, platform: PlatformDep) -> Answer:
    """Do a training again that failed or was cancelled. It costs what it costs now."""
    desk = desk_of(params.id, platform, request, caller)
    return ok(desk.shown(desk.retry(params.id)))
