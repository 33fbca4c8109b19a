"""Text to speech: made while the caller waits, and what was made in the last day."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, Any

from fastapi import Header, Path, Request
from starlette.concurrency import run_in_threadpool

from avatarium.accounts.models import Principal
from avatarium.api.auth import MakerDep, PlatformDep, ReaderDep, base_url_of
from avatarium.api.envelope import Answer, ok
from avatarium.api.groups import SPEECH
from avatarium.api.pagination import CurrentPage
from avatarium.api.routing import Params, Router
from avatarium.clock import DAY_MS
from avatarium.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    RequestError,
    ServiceError,
    TooFewCoinsError,
    TooLargeError,
    UnavailableError,
)
from avatarium.families.tts import FAMILY, TtsStart
from avatarium.platform import Platform
from avatarium.tasks.models import Task
from avatarium.tasks.service import KEY_MAX
from avatarium.tasks.states import State

router = Router(SPEECH)

POLL_S = 0.1
MARGIN, MARGIN_MAX_S = 0.1, 5.0
"""Share of a request's time that is kept for the answer."""
LATE_RETRY_S = 10.0

_BUGS = {"engine_bug", "engine_crashed", "interrupted", "unknown_family", "unknown_step", "phonemes_failed"}
_AWAY = {"time_limit", "memory_limit", "out_of_memory", "espeak_broken", "storage_full", "storage_away"}
_TOO_LARGE = {"quota"}

EXAMPLE_URL = "https://files.example/files/results/64f0/64f1/speech.mp3?exp=1735959200&sig=..."
EXAMPLE_RECORD = {
    "_id": "64f0c0ffee0000000000b101",
    "name": "Hello there.",
    "current_status": "completed",
    "coins": 1,
    "result_url": EXAMPLE_URL,
    "cover_url": "",
    "failed_message": "",
    "failed_code": "",
    "progress": 100,
    "engine": "hibari and Kokoro-82M voices",
    "createdAt": "2025-01-02T03:04:05.678Z",
    "updatedAt": "2025-01-02T03:04:06.012Z",
    "msg": "Hello there.",
    "tts_id": "64f0c0ffee0000000000b001",
    "user_voice_id": "",
    "country": "en",
    "region": "US",
    "speechRate": 1.0,
    "audio_url": EXAMPLE_URL,
    "marks_url": "https://files.example/files/results/64f0/64f1/speech.json?exp=1735959200&sig=...",
    "duration_s": 1.02,
    "characters": 12,
}


@router.serve(
    "POST /api/v1/video/send_tts",
    title="Generate TTS Audio (Text-to-Speech)",
    request={
        "msg": "Hello there.",
        "tts_id": "64f0c0ffee0000000000b001",
        "country": "en",
        "region": "US",
        "speechRate": 1.0,
    },
    answer=EXAMPLE_URL,
    returns=str,
    errors=(TooFewCoinsError, ForbiddenError, NotFoundError, ConflictError, TooLargeError),
)
async def send_tts(
    params: Annotated[TtsStart, Params],
    request: Request,
    caller: MakerDep,
    platform: PlatformDep,
    key: Annotated[
        str | None,
        Header(alias="Idempotency-Key", max_length=KEY_MAX, description="The same key makes and costs only once."),
    ] = None,
) -> Answer:
    """Speak a text into an MP3 file; ``data`` is its URL. The answer comes when the speech is there.

    Name a voice by ``tts_id``, or leave it out for the default voice of ``country`` and ``region``. Costs one coin for
    every 200 characters begun; what fails costs nothing. Where it takes longer than a request may, the answer is 503
    and the work goes on: ask again with the same ``Idempotency-Key``, or look into ``tts/preview/list``.
    """
    submit = partial(
        _submit, platform, caller, params, idempotency_key=key, language=request.headers.get("x-lang", "")[:16]
    )
    task = await _ended(platform, await run_in_threadpool(submit))
    if task.state is not State.COMPLETED:
        raise _problem(task)
    return ok(platform.links(base_url_of(request, platform)).url(task.result["key"]))


@router.serve(
    "GET /api/v1/tts/preview/list",
    title="Get TTS preview list",
    request={"current": 1, "pageSize": 20},
    answer={"current": 1, "total": 1, "success": True, "data": [EXAMPLE_RECORD]},
    returns=dict[str, Any],
)
def previews(
    params: Annotated[CurrentPage, Params], request: Request, caller: ReaderDep, platform: PlatformDep
) -> Answer:
    """Your speeches of the last 24 hours, newest first, with those that are still being made or failed."""
    rows, total = platform.tasks.page(
        caller.user_id,
        FAMILY,
        since_ms=platform.clock.now_ms() - DAY_MS,
        offset=params.offset,
        limit=params.size,
    )
    links = platform.links(base_url_of(request, platform))
    data = [FAMILY.record(task, links) for task in rows]
    return ok({"current": params.number, "total": total, "success": True, "data": data})


@router.serve(
    "DELETE /api/v1/tts/preview/{id}",
    title="Delete TTS preview record",
    answer={"_id": "64f0c0ffee0000000000b101"},
    returns=dict[str, str],
)
def delete_preview(
    caller: MakerDep, platform: PlatformDep, record_id: Annotated[str, Path(alias="id", max_length=64)]
) -> Answer:
    """Take a speech out of the list; one that is still being made is cancelled. Its URL works for a day more."""
    task = platform.tasks.delete(caller.user_id, FAMILY, record_id)
    return ok({"_id": task.id})


def _submit(platform: Platform, caller: Principal, start: TtsStart, **how: Any) -> Task:
    return platform.tasks.submit(caller, FAMILY, start, **how)


async def _ended(platform: Platform, task: Task) -> Task:
    """The task at its end.

    Raises:
        UnavailableError: ``still_speaking``.
    """
    limit_s = platform.settings.request_timeout_s
    until_s = platform.clock.monotonic_s() + limit_s - min(MARGIN * limit_s, MARGIN_MAX_S)
    look = partial(platform.tasks.get, task.user_id, FAMILY, task.id)
    while not task.state.is_final:
        if platform.clock.monotonic_s() > until_s:
            raise UnavailableError(
                "The speech is not ready yet; it goes on being made. Ask again with the same Idempotency-Key, or find "
                "it in tts/preview/list; without a key, asking again makes and costs another.",
                code="still_speaking",
                retry_after_s=LATE_RETRY_S,
            )
        await asyncio.sleep(POLL_S)
        task = await run_in_threadpool(look)
    return task


def _problem(task: Task) -> ServiceError:
    """Why a task failed, as the answer to the call that waited for it."""
    code, message = task.failed_code, task.failed_message
    if task.state is State.CANCELLED:
        return ConflictError("The speech was cancelled while it was made. Ask again.", code="cancelled")
    if code in _BUGS:
        return ServiceError(message, code=code)
    if code in _AWAY or code.startswith("asset_"):
        return UnavailableError(message, code=code, retry_after_s=LATE_RETRY_S)
    return (TooLargeError if code in _TOO_LARGE else RequestError)(message, code=code)
