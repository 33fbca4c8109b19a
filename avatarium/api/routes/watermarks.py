"""Watermarks: the answer is the finished record."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from avatarium.api.auth import MakerDep, PlatformDep, ReaderDep
from avatarium.api.envelope import Answer, ok
from avatarium.api.families import (
    EXAMPLE_ID,
    RECORD,
    STARTS,
    Desk,
    IdempotencyKey,
    PathId,
    Records,
    ended,
    problem_of,
)
from avatarium.api.groups import MISC
from avatarium.api.routing import Params, Router
from avatarium.errors import TooLargeError
from avatarium.families.watermark import FAMILY, WatermarkStart
from avatarium.tasks.models import Task
from avatarium.tasks.states import State

router = Router(MISC)

REQUEST = {
    "media_url": "https://files.example/v.mp4",
    "watermark_type": "text",
    "text": "Made with AI",
    "fontsize": 48,
    "fontcolor": [255, 255, 255, 200],
    "position": "bottom_right",
    "scale_ratio": 1,
    "to_720p": False,
    "credentials_url": "",
}
DONE = {
    **{name: value for name, value in RECORD.items() if name not in ("queue_position", "eta_s")},
    **REQUEST,
    "name": "",
    "request_id": "watermark_64f0c0ffee0000000000a001",
    "watermark_image_url": "",
    "result_url": "https://files.example/w.mp4",
    "current_status": "completed",
    "progress": 100,
    "coins": 1,
    "engine": "avatarium-watermark",
}


@router.serve(
    "POST /api/v1/watermark/start",
    title="Add Watermark to Video or Image",
    request=REQUEST,
    answer=DONE,
    returns=dict[str, Any],
    errors=(*STARTS, TooLargeError),
)
async def start(
    params: Annotated[WatermarkStart, Params],
    request: Request,
    caller: MakerDep,
    platform: PlatformDep,
    key: IdempotencyKey = None,
) -> Answer:
    """Put words or a logo into a picture or a video. The answer comes when it is done.

    Where that takes longer than a request may, the answer is the record as it is then: ask `GET watermark/{_id}` until
    `current_status` is final. What fails costs nothing, and says why with its own status.
    """
    desk = Desk(FAMILY, platform, request, caller)

    def submit() -> Task:
        return desk.start(params, key)

    task = await ended(platform, await run_in_threadpool(submit), FAMILY)
    if task.state.is_final and task.state is not State.COMPLETED:
        raise problem_of(task)
    return ok(await run_in_threadpool(desk.shown, task))


@router.serve(
    "GET /api/v1/watermark/allRecords",
    title="List watermarks",
    request={"pageNum": 1, "pageSize": 10},
    answer={"rows": [DONE], "list": [DONE], "count": 1},
    returns=dict[str, Any],
)
def all_records(
    params: Annotated[Records, Params], request: Request, caller: ReaderDep, platform: PlatformDep
) -> Answer:
    """Your watermarks that have not expired, newest first."""
    return ok(Desk(FAMILY, platform, request, caller).page(params))


@router.serve(
    "GET /api/v1/watermark/{_id}",
    title="Get a watermark",
    answer=DONE,
    returns=dict[str, Any],
)
def detail(task_id: PathId, request: Request, caller: ReaderDep, platform: PlatformDep) -> Answer:
    """One watermark."""
    desk = Desk(FAMILY, platform, request, caller)
    return ok(desk.shown(desk.get(task_id)))


@router.serve(
    "DELETE /api/v1/watermark/{_id}",
    title="Delete a watermark",
    answer={"_id": EXAMPLE_ID},
    returns=dict[str, str],
)
def delete(task_id: PathId, request: Request, caller: MakerDep, platform: PlatformDep) -> Answer:
    """Take a watermark out of the list; one that is not done is cancelled first."""
    return ok(Desk(FAMILY, platform, request, caller).delete(task_id))
