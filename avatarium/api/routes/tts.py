"""Text to speech: made while the caller waits, and what was made in the last day."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Request
from starlette.concurrency import run_in_threadpool

from avatarium.api.auth import MakerDep, PlatformDep, ReaderDep, base_url_of
from avatarium.api.desk import RETRY_S, Desk, ended, problem_of
from avatarium.api.envelope import Answer, ok
from avatarium.api.families import STARTS, IdempotencyKey
from avatarium.api.groups import SPEECH
from avatarium.api.pagination import CurrentPage
from avatarium.api.routing import Params, Router
from avatarium.clock import DAY_MS
from avatarium.errors import TooLargeError, UnavailableError
from avatarium.families.tts import FAMILY, TtsStart
from avatarium.ids import stable_id
from avatarium.tasks.states import State

router = Router(SPEECH)

LATE = (
    "The speech is not ready yet; it goes on being made. Ask again with the same Idempotency-Key, or find it in "
    "tts/preview/list; without a key, asking again makes and costs another."
)
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
    "engine": "hibari",
    "createdAt": "2025-01-02T03:04:05.678Z",
    "updatedAt": "2025-01-02T03:04:06.012Z",
    "msg": "Hello there.",
    "tts_id": stable_id("voice", "hibari-ava"),
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
        "tts_id": stable_id("voice", "hibari-ava"),
        "country": "en",
        "region": "US",
        "speechRate": 1.0,
    },
    answer=EXAMPLE_URL,
    returns=str,
    errors=(*STARTS, TooLargeError),
)
async def send_tts(
    params: Annotated[TtsStart, Params],
    request: Request,
    caller: MakerDep,
    platform: PlatformDep,
    key: IdempotencyKey = None,
) -> Answer:
    """Speak a text into an MP3 file; ``data`` is its URL. The answer comes when the speech is there.

    Name a voice by ``tts_id``, or leave it out for the default voice of ``country`` and ``region``. Costs one coin for
    every 200 characters begun; what fails costs nothing. Where it takes longer than a request may, the answer is 503
    and the work goes on: ask again with the same ``Idempotency-Key``, or look into ``tts/preview/list``.
    """
    desk = Desk(FAMILY, platform, request, caller)
    task = await ended(platform, await run_in_threadpool(desk.start, params, key), FAMILY)
    if not task.state.is_final:
        raise UnavailableError(LATE, code="still_speaking", retry_after_s=RETRY_S)
    if task.state is not State.COMPLETED:
        raise problem_of(task)
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
    data = Desk(FAMILY, platform, request, caller).all(rows)
    return ok({"current": params.number, "total": total, "success": True, "data": data})


@router.serve(
    "DELETE /api/v1/tts/preview/{id}",
    title="Delete TTS preview record",
    answer={"_id": "64f0c0ffee0000000000b101"},
    returns=dict[str, str],
)
def delete_preview(
    request: Request,
    caller: MakerDep,
    platform: PlatformDep,
    record_id: Annotated[str, Path(alias="id", max_length=64)],
) -> Answer:
    """Take a speech out of the list; one that is still being made is cancelled. Its URL works for a day more."""
    return ok(Desk(FAMILY, platform, request, caller).delete(record_id))
