"""Recordings to text under OpenAI's paths: its clients change the address and the key, and nothing else."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from avatarium.accounts.models import Principal
from avatarium.api.auth import MakerDep, PlatformDep
from avatarium.api.awaiting import completed
from avatarium.api.errors import answer_of
from avatarium.api.forms import Form, read_form
from avatarium.api.groups import OPENAI
from avatarium.api.openai_models import check_recogniser
from avatarium.api.routing import Router
from avatarium.api.slots import Slots
from avatarium.api.spoken_languages import CODES, NAMES
from avatarium.api.transcripts import MEDIA_TYPES, Format, as_json, as_text
from avatarium.api.uploads import body_blocks
from avatarium.errors import AvatariumError, RequestError, TooLargeError
from avatarium.families.transcription import FAMILY, PROMPT_MAX, TEXT_MAX_BYTES, TranscriptionStart
from avatarium.platform import Platform
from avatarium.storage.child import duration_apart
from avatarium.storage.incoming import working_folder
from avatarium.tasks.models import Task

router = Router(OPENAI)

GRANULARITIES = frozenset({"word", "segment"})
_CODE_MAX = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What a form asks for."""

    form: Format
    language: str
    prompt: str
    granularities: frozenset[str]
    speakers: int


@router.post("/v1/audio/transcriptions", include_in_schema=False)
async def transcriptions(request: Request, caller: MakerDep, platform: PlatformDep) -> Response:
    """What is said in ``file``."""
    return await _answered(request, caller, platform, "transcribe")


@router.post("/v1/audio/translations", include_in_schema=False)
async def translations(request: Request, caller: MakerDep, platform: PlatformDep) -> Response:
    """What is said in ``file``, in English."""
    return await _answered(request, caller, platform, "translate")


async def _answered(request: Request, caller: Principal, platform: Platform, task: str) -> Response:
    slots: Slots = request.app.state.uploads
    try:
        wish, stored = await slots.run(functools.partial(_received, request, caller, platform))
    except AvatariumError as problem:
        answer = answer_of(problem)
        answer.headers["Connection"] = "close"  # most of the body may still be on its way
        return answer
    try:
        start = TranscriptionStart.model_validate(
            {"key": stored, "task": task, "language": wish.language, "prompt": wish.prompt, "speakers": wish.speakers}
        )
        begun = await run_in_threadpool(platform.tasks.submit, caller, FAMILY, start)
        ended = await completed(platform, request, FAMILY, begun)
        record = await run_in_threadpool(_record, platform, ended)
    finally:
        await run_in_threadpool(platform.storage.delete, stored)
    if wish.form in MEDIA_TYPES:
        text = await run_in_threadpool(as_text, record, wish.form)
        return Response(text, media_type=MEDIA_TYPES[wish.form])
    return JSONResponse(as_json(record, wish.form, task=task, granularities=wish.granularities))


def _received(request: Request, caller: Principal, platform: Platform) -> tuple[_Wish, str]:
    """Take the form in, look at it, measure the recording and keep it; answers with its key."""
    limit = platform.settings.recording_max_bytes
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and len(announced) < 20 and int(announced) > limit + (1 << 20):
        raise TooLargeError(f"The recording is larger than the {limit >> 20} MB that are taken.", code="too_large")
    with working_folder(platform.settings.home) as folder:
        file = folder / "recording"
        blocks = body_blocks(request, platform.clock)
        form = read_form(request.headers.get("content-type", ""), blocks, file=file, name="file", max_bytes=limit)
        wish = _wished(form)
        if not form.file_name or not file.stat().st_size:
            raise RequestError("`file` is missing. It is: the recording, a sound or a video.", code="no_file")
        length_s = duration_apart(file)
        if length_s > platform.settings.media_max_s:
            raise TooLargeError(
                f"The recording is longer than {platform.settings.media_max_s / 60:g} minutes. Send it in parts.",
                code="sound_too_long",
            )
        stored = platform.uploads.take(caller.user_id, form.file_name, file, duration_s=length_s)
    return wish, stored.key


def _wished(form: Form) -> _Wish:
    model = _one(form, "model")
    if model:
        check_recogniser(model)
    wanted = _one(form, "response_format") or Format.JSON.value
    if wanted not in set(Format):
        known = ", ".join(Format)
        raise RequestError(f"`response_format` {wanted[:40]!r} is not known. Choose from {known}.", code="bad_format")
    granularities = frozenset([*form.fields.get("timestamp_granularities[]", []), *_listed(form)])
    if granularities - GRANULARITIES:
        raise RequestError("`timestamp_granularities` are word and segment.", code="bad_granularity")
    return _Wish(
        form=Format(wanted),
        language=_language(_one(form, "language")),
        prompt=_one(form, "prompt")[:PROMPT_MAX],
        granularities=granularities,
        speakers=0 if wanted == Format.DIARIZED_JSON else 1,
    )


def _one(form: Form, name: str) -> str:
    return form.fields.get(name, [""])[-1].strip()


def _listed(form: Form) -> list[str]:
    return [part.strip() for text in form.fields.get("timestamp_granularities", []) for part in text.split(",")]


def _language(text: str) -> str:
    """A code, or the English name of a language, as a code.

    Raises:
        RequestError: ``unknown_language``.
    """
    code = CODES.get(text.lower(), text.replace("_", "-").split("-")[0].lower())
    if code and code not in NAMES:
        raise RequestError(
            f"`language` {text[:_CODE_MAX]!r} is not known. Give a code such as en, es or zh, or leave it out.",
            code="unknown_language",
        )
    return code


def _record(platform: Platform, task: Task) -> dict[str, Any]:
    found = bytearray()
    for block in platform.storage.read(task.result["key"]):
        found += block
        if len(found) > TEXT_MAX_BYTES:
            raise TooLargeError("The transcript is too long for one answer. Send less at once.", code="text_too_long")
    record: dict[str, Any] = json.loads(found)
    return record
