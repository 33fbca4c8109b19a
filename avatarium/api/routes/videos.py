"""Avatar videos, in A2E's own shapes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from avatarium.accounts.models import Principal
from avatarium.api.auth import HolderDep, MakerDep, PlatformDep, ReaderDep
from avatarium.api.desk import Desk
from avatarium.api.envelope import Answer, ok
from avatarium.api.families import EXAMPLE_ID, ID_MAX, RECORD, STARTS, Calls, IdempotencyKey, Named
from avatarium.api.groups import VIDEOS
from avatarium.api.pagination import CurrentPage
from avatarium.api.routing import Params, Router
from avatarium.clock import SECOND_MS, iso
from avatarium.errors import NotFoundError
from avatarium.families.video import FAMILY
from avatarium.families.video_start import VideoStart
from avatarium.ids import stable_id
from avatarium.platform import Platform
from avatarium.tasks.models import Task

router = Router(VIDEOS)

REQUEST = {
    "title": "demo",
    "anchor_id": stable_id("avatar", "ava"),
    "anchor_type": 0,
    "audioSrc": "https://files.example/speech.mp3",
    "resolution": 720,
    "color": "rgb(0,128,0)",
    "web_bg_width": 1280,
    "web_bg_height": 720,
    "web_people_width": 640,
    "web_people_height": 720,
    "web_people_x": 320,
    "web_people_y": 0,
}
VIDEO = {
    **{name: value for name, value in RECORD.items() if name != "current_status"},
    "name": "demo",
    "title": "demo",
    "status": "process",
    "process": 40,
    "progress": 40,
    "result": "",
    "msg": "",
    "error": "",
    "anchor_id": stable_id("avatar", "ava"),
    "anchor_type": "0",
    "web_bg_width": 1280,
    "web_bg_height": 720,
    "color": "rgb(0,128,0)",
    "result_people_url": "",
    "result_bg_url": "",
    "replace_bg_id": "",
    "custom_backs_id": None,
    "resolution": 720,
    "duration": 0,
    "diff_s": 8,
    "current_date": "2025-01-02T03:04:13.678Z",
    "credentials_url": "",
    "background_video": "",
    "background_blur": 0.0,
    "captions_url": "",
    "captions_vtt_url": "",
}


class VideoDesk(Desk):
    """Video tasks for one request."""

    def __init__(self, platform: Platform, request: Request, caller: Principal) -> None:
        super().__init__(FAMILY, platform, request, caller)
        self._clock = platform.clock

    def shown(self, task: Task) -> dict[str, Any]:
        """The record, its age as of now."""
        now_ms = self._clock.now_ms()
        age_s = max(now_ms - task.created_ms, 0) // SECOND_MS
        return super().shown(task) | {"diff_s": age_s, "current_date": iso(now_ms)}


class Watched(BaseModel):
    """One video."""

    model_config = ConfigDict(extra="ignore")

    video_id: str = Field(max_length=ID_MAX, description="The `_id` of video/generate.")


class Pool(BaseModel):
    """Where tasks go when the caller's own lines are busy."""

    model_config = ConfigDict(populate_by_name=True, extra="ignore")

    is_auto_to_public_pool: bool = Field(
        alias="isAutoToPublicPool", description="Kept with your account. There is one pool here, so nothing changes."
    )


@router.serve(
    "POST /api/v1/video/generate",
    title="Generate AI Avatar Videos",
    request=REQUEST,
    answer=VIDEO | {"status": "init", "process": 0, "progress": 0},
    returns=dict[str, Any],
    errors=STARTS,
)
def generate(
    params: Annotated[VideoStart, Params],
    request: Request,
    caller: MakerDep,
    platform: PlatformDep,
    key: IdempotencyKey = None,
) -> Answer:
    """An avatar says a recording. `data._id` names the task: ask awsResult until `status` is `success` or `fail`.

    With `back_id`, `custom_back_id` or `color` the avatar is cut out and stands on a canvas of `web_bg_width` by
    `web_bg_height` of your own units, its picture filling the rectangle `web_people_...`; `resolution` is the height
    of the video in pixels. Without, the avatar's own picture fills the video. One coin for each second begun.

    With `isCaptionEnabled` what is said is written into the picture, as `captionAlign` says: the words of `send_tts`
    as they were sent, those of any other recording as they are recognised. `captions_url` (SRT) and
    `captions_vtt_url` (WebVTT) lead to them as files; for speech of `send_tts` without `isCaptionEnabled` too.
    """
    desk = VideoDesk(platform, request, caller)
    return ok(desk.shown(desk.start(params, key)))


@router.serve(
    "POST /api/v1/video/awsResult",
    title="Obtain the Status of One Avatar Video Task",
    request={"_id": EXAMPLE_ID},
    answer=[VIDEO],
    returns=list[dict[str, Any]],
    errors=(NotFoundError,),
)
def result(params: Annotated[Named, Params], request: Request, caller: ReaderDep, platform: PlatformDep) -> Answer:
    """An array with the one video: `status`, `process` from 0 to 100, and `result`, the URL of the file."""
    desk = VideoDesk(platform, request, caller)
    return ok([desk.shown(desk.get(params.id))])


@router.serve(
    "GET /api/v1/video/awsList",
    title="List of Result Videos",
    request={"current": 1, "pageSize": 20},
    answer={"current": 1, "total": 1, "success": True, "data": [VIDEO]},
    returns=dict[str, Any],
    legacy=("POST /api/v1/video/awsList",),
)
def videos(
    params: Annotated[CurrentPage, Params], request: Request, caller: ReaderDep, platform: PlatformDep
) -> Answer:
    """Your videos that have not expired, newest first."""
    rows, total = platform.tasks.page(caller.user_id, FAMILY, offset=params.offset, limit=params.size)
    data = VideoDesk(platform, request, caller).all(rows)
    return ok({"current": params.number, "total": total, "success": True, "data": data})


@router.serve(
    "GET /api/v1/video/detail",
    title="Get record details",
    request={"video_id": EXAMPLE_ID},
    answer=VIDEO,
    returns=dict[str, Any],
    errors=(NotFoundError,),
)
def detail(params: Annotated[Watched, Params], request: Request, caller: ReaderDep, platform: PlatformDep) -> Answer:
    """One video."""
    desk = VideoDesk(platform, request, caller)
    return ok(desk.shown(desk.get(params.video_id)))


calls = Calls(router, "/api/v1/video", VideoDesk)
calls.batch(VIDEO, says="Those of these videos that are there: match them by `_id`, not by order.")
calls.delete(
    title="Delete or Cancel a Video",
    says="Take a video out of the list; one that is not done is cancelled first, and its coins are given back.",
)
calls.cancel(
    VIDEO | {"status": "fail", "failed_code": "cancelled"},
    title="Cancel a video",
    says="Stop a video, wherever it is, and give its coins back. One that is done stays as it is.",
)
calls.retry(
    VIDEO | {"status": "init", "process": 0, "progress": 0},
    title="Try a video again",
    says="Make a video again that failed or was cancelled. It costs what it costs now.",
)


@router.serve(
    "POST /api/v1/video/auto-public-pool",
    title="Auto Switch to Public Computing Pool",
    request={"isAutoToPublicPool": True},
    answer={"isAutoToPublicPool": True},
    returns=dict[str, bool],
)
def auto_public_pool(params: Annotated[Pool, Params], caller: HolderDep, platform: PlatformDep) -> Answer:
    """Keep the choice of the shared pool. All tasks of an installation share its workers, so it changes nothing."""
    user = platform.accounts.set_auto_public_pool(caller.user_id, params.is_auto_to_public_pool)
    return ok({"isAutoToPublicPool": user.auto_public_pool})
