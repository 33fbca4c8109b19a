"""Avatars of users' own, in A2E's own shapes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any

from fastapi import Request

from avatarium.accounts.models import Principal
from avatarium.api.auth import MakerDep, PlatformDep, ReaderDep
from avatarium.api.desk import WHOLE_MAX, Desk
from avatarium.api.envelope import Answer, ok
from avatarium.api.families import EXAMPLE_ID, SETTLED, STARTS, Calls, IdempotencyKey, Named
from avatarium.api.groups import AVATARS
from avatarium.api.routing import Params, Router
from avatarium.errors import NotFoundError
from avatarium.families import lip_model
from avatarium.families.twin import FAMILY
from avatarium.families.twin_start import TwinStart
from avatarium.platform import Platform
from avatarium.tasks.states import OPEN

router = Router(AVATARS)

REQUEST = {
    "name": "demo",
    "gender": "female",
    "video_url": "https://files.example/me.mp4",
    "consent": True,
    "consent_name": "Ada",
}
TWIN = {
    **SETTLED,
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
    """Trainings of avatars for one request, and of their lip-sync models: clients ask after both in one place."""

    def __init__(self, platform: Platform, request: Request, caller: Principal) -> None:
        super().__init__(FAMILY, platform, request, caller)
        self._models = Desk(lip_model.FAMILY, platform, request, caller)

    def of(self, task_id: str) -> Desk:
        """Where a model's training is answered for; any other task's here, which says if it is none of an avatar."""
        found = self._platform.tasks.find(self._caller.user_id, task_id)[1]
        return self._models if found.name == lip_model.FAMILY.name else self

    def ongoing(self) -> list[dict[str, Any]]:
        """Records of what is not done, of lip-sync models too."""
        both = [*self.whole(*OPEN), *self._models.whole(*OPEN)]
        return sorted(both, key=lambda record: str(record["createdAt"]), reverse=True)

    def batch(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Records of those that are there, of lip-sync models too."""
        return [*super().batch(ids), *self._models.batch(ids)]

    def delete(self, task_id: str) -> dict[str, str]:
        """Remove an avatar with its personal models; what is being trained for it is cancelled, and costs nothing."""
        tasks, owner = self._platform.tasks, self._caller.user_id
        models, _ = tasks.page(owner, lip_model.FAMILY, states=OPEN, limit=WHOLE_MAX)
        removed = super().delete(task_id)
        for model in models:
            if model.facts["twin_id"] == task_id:
                with suppress(NotFoundError):  # it ended just before, and went with the avatar
                    tasks.delete(owner, lip_model.FAMILY, model.id)
        return removed


calls = Calls(router, "/api/v1/userVideoTwin", TwinDesk)


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


calls.records(
    TWIN,
    name="records",
    title="Get Status of All Tasks",
    says="Your trainings of avatars, newest first. Those of lip-sync models are in `video/lip_models`, and as long as "
    "they are not done in `userVideoTwin/trainingRecords`.",
    request={"pageNum": 1, "pageSize": 10, "status": "completed"},
)


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


calls.batch(
    TWIN,
    says="Those of these trainings that are there, of avatars and of lip-sync models: match them by `_id`, not by "
    "order.",
)
calls.detail(
    TWIN,
    title="Status of One Task",
    says="One training. `anchor_id` is there when it is completed. A training of a lip-sync model is found here too.",
)


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
    return ok(TwinDesk(platform, request, caller).of(params.id).delete(params.id))


calls.delete(title="Remove A Customized Avatar", says="The same as `userVideoTwin/remove`.")
calls.cancel(
    TWIN | {"current_status": "failed", "status": "failed", "failed_code": "cancelled", "anchor_id": ""},
    title="Cancel a training",
    says="Stop a training and give its price back. One that is done stays as it is.",
)
calls.retry(
    STARTED,
    title="Try a training again",
    says="Do a training again that failed or was cancelled. It costs what it costs now.",
)
