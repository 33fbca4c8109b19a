"""Any task of the caller: its record, and its progress as it happens."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from fastapi import Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from avatarium.accounts.models import Principal
from avatarium.api.auth import MakerDep, PlatformDep, ReaderDep
from avatarium.api.desk import Desk, record_of
from avatarium.api.envelope import Answer, ok
from avatarium.api.families import EXAMPLE_ID, RECORD, PathId
from avatarium.api.groups import TASKS
from avatarium.api.routing import Router
from avatarium.errors import AvatariumError, BusyError
from avatarium.platform import Platform

router = Router(TASKS)

LOOK_S = 0.5
HEARTBEAT_S = 15
SEND_TIMEOUT_S = 30.0
STREAMS_MAX = 50
"""Of one user at once: each asks the database twice a second."""
LONGEST_S = 6 * 3600.0
"""A stream ends after this, and the client asks again."""
STREAM = f"""event: state
data: {{"_id": "{EXAMPLE_ID}", "current_status": "processing", "progress": 40, ...}}

event: progress
data: {{"_id": "{EXAMPLE_ID}", "progress": 42, "queue_position": 0, "eta_s": 3.5}}

event: end
data: {{"_id": "{EXAMPLE_ID}", "current_status": "completed", "progress": 100, "result_url": "https://...", ...}}
"""

ANY = {
    **RECORD,
    **{"image_url": "https://files.example/face.jpg", "audio_url": "", "duration": 5},
    **{"prompt": "", "negative_prompt": "", "captions_url": "", "captions_vtt_url": "", "family": "talkingPhoto"},
}


@router.serve("GET /api/v1/tasks/{_id}", title="Get any task", answer=ANY, returns=dict[str, Any])
def detail(task_id: PathId, request: Request, caller: ReaderDep, platform: PlatformDep) -> Answer:
    """The record of a task of any kind, as its own group shows it; `family` tells the kind."""
    return ok(_look(platform, request, caller, task_id)[0])


@router.serve(
    "POST /api/v1/tasks/{_id}/cancel",
    title="Cancel any task",
    request={},
    answer=ANY | {"current_status": "failed", "failed_code": "cancelled"},
    returns=dict[str, Any],
)
def cancel(task_id: PathId, request: Request, caller: MakerDep, platform: PlatformDep) -> Answer:
    """Stop a task of any kind, wherever it is, and give its coins back. One that is done stays as it is."""
    task, family = platform.tasks.find(caller.user_id, task_id)
    desk = Desk(family, platform, request, caller)
    return ok(desk.shown(desk.cancel(task.id)) | {"family": family.name})


@router.serve(
    "GET /api/v1/tasks/{_id}/events",
    title="Watch a task",
    answer="",
    stream=STREAM,
)
async def events(task_id: PathId, request: Request, caller: ReaderDep, platform: PlatformDep) -> EventSourceResponse:
    """A stream of server-sent events until the task ends.

    `progress` comes with `{_id, progress, eta_s, queue_position}` when any of these changed, `state` with the record
    when the status changed, `end` with the record when it is final; then the stream is over. Every 15 seconds there is
    a comment, so that nothing between you and the service takes the line for dead.
    """
    await run_in_threadpool(platform.tasks.find, caller.user_id, task_id)
    if request.app.state.streams[caller.user_id] >= STREAMS_MAX:
        raise BusyError(
            f"{STREAMS_MAX} streams of yours are open, which is the limit. Close some, or poll instead.",
            code="too_many_streams",
            retry_after_s=HEARTBEAT_S,
        )
    return EventSourceResponse(
        _counted(platform, request, caller, task_id), ping=HEARTBEAT_S, send_timeout=SEND_TIMEOUT_S
    )


async def _counted(
    platform: Platform, request: Request, caller: Principal, task_id: str
) -> AsyncIterator[ServerSentEvent]:
    open_streams: Counter[str] = request.app.state.streams
    open_streams[caller.user_id] += 1
    try:
        async for event in _changes(platform, request, caller, task_id):
            yield event
    finally:
        open_streams[caller.user_id] -= 1
        if not open_streams[caller.user_id]:
            del open_streams[caller.user_id]


async def _changes(
    platform: Platform, request: Request, caller: Principal, task_id: str
) -> AsyncIterator[ServerSentEvent]:
    until_s = platform.clock.monotonic_s() + LONGEST_S
    state = ""
    seen: dict[str, Any] = {}
    while platform.clock.monotonic_s() < until_s:
        try:
            record, now, final = await run_in_threadpool(_look, platform, request, caller, task_id)
        except AvatariumError as problem:
            yield _event("error", {"_id": task_id, "reason": problem.code, "message": problem.message})
            return
        if final:
            yield _event("end", record)
            return
        if now != state:
            state = now
            yield _event("state", record)
        place = {name: record.get(name) for name in ("_id", "progress", "queue_position", "eta_s")}
        if place != seen:
            seen = place
            yield _event("progress", place)
        await asyncio.sleep(LOOK_S)


def _look(platform: Platform, request: Request, caller: Principal, task_id: str) -> tuple[dict[str, Any], str, bool]:
    """The record of a task, its state, and whether that is final."""
    task, family = platform.tasks.find(caller.user_id, task_id)
    record = record_of(platform, request, family, task) | {"family": family.name}
    return record, task.state.value, task.state.is_final


def _event(name: str, data: dict[str, Any]) -> ServerSentEvent:
    return ServerSentEvent(event=name, data=json.dumps(data, ensure_ascii=False))
