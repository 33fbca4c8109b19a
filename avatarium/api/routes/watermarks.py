"""Watermarks: the answer is the finished record."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import Request

from avatarium.api.auth import MakerDep, PlatformDep
from avatarium.api.desk import Desk
from avatarium.api.envelope import Answer, ok
from avatarium.api.families import SETTLED, STARTS, Calls, IdempotencyKey
from avatarium.api.groups import MISC
from avatarium.api.routing import Params, Router
from avatarium.errors import TooLargeError
from avatarium.families.watermark import FAMILY, WatermarkStart

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
    **SETTLED,
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
    return ok(await Desk(FAMILY, platform, request, caller).awaited(params, key))


calls = Calls(router, "/api/v1/watermark", partial(Desk, FAMILY))
calls.records(DONE, title="List watermarks", says="Your watermarks that have not expired, newest first.")
calls.detail(DONE, title="Get a watermark", says="One watermark.")
calls.delete(
    title="Delete a watermark",
    says="Take a watermark out of the list; one that is not done is cancelled first.",
)
