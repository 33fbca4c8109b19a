"""Text to speech under OpenAI's paths, and which models and voices there are."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Request
from pydantic import BaseModel, ConfigDict, Field, field_validator
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response, StreamingResponse

from avatarium.api.auth import MakerDep, PlatformDep, ReaderDep
from avatarium.api.groups import OPENAI
from avatarium.api.openai_models import MODELS, check_speaker
from avatarium.api.parts import Parts
from avatarium.api.routing import Router
from avatarium.catalogue.voices import Installed, every_voice
from avatarium.errors import NotFoundError, RequestError
from avatarium.families.audio_speech import FAMILY, LONGEST, OPENAI_VOICES, AudioSpeechStart
from avatarium.platform import Platform

router = Router(OPENAI)

MEDIA_TYPES = {
    **{"mp3": "audio/mpeg", "opus": "audio/ogg", "aac": "audio/aac", "flac": "audio/flac"},
    **{"wav": "audio/wav", "pcm": "audio/pcm"},
}
CREATED = 1735689600
"""Clients want to know since when a model is there; the beginning of 2025 will do."""


class Wish(BaseModel):
    """``POST /v1/audio/speech`` as OpenAI documents it; ``instructions`` and others change nothing."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    model: str = Field("tts-1", max_length=64, description="A model of GET /v1/models.")
    input: str = Field(min_length=1, max_length=LONGEST, description=f"The text to speak, 1 to {LONGEST} characters.")
    voice: str = Field("", max_length=64, description="A voice of GET /v1/audio/voices, or one of OpenAI's names.")
    response_format: str = Field("mp3", max_length=16, description="mp3, opus, aac, flac, wav or pcm.")
    speed: float = Field(1.0, ge=0.5, le=2.0, description="Speed, 0.5 to 2.")
    stream_format: str = Field("audio", max_length=16, description="Only `audio`.")

    @field_validator("voice", mode="before")
    @classmethod
    def _of_an_object(cls, given: Any) -> Any:
        return given.get("id", "") if isinstance(given, dict) else given


@router.post("/v1/audio/speech", include_in_schema=False)
async def speech(params: Wish, request: Request, caller: MakerDep, platform: PlatformDep) -> Response:
    """The text as sound, sent while it is made."""
    check_speaker(params.model, *_outside(platform))
    if params.response_format not in MEDIA_TYPES:
        known = ", ".join(MEDIA_TYPES)
        raise RequestError(f"`response_format` is not known. Choose from {known}.", code="bad_format")
    if params.stream_format != "audio":
        raise RequestError("`stream_format` can only be audio.", code="bad_format")
    start = AudioSpeechStart.model_validate(params.model_dump(exclude={"stream_format"}))
    task = await run_in_threadpool(platform.tasks.submit, caller, FAMILY, start)
    parts = Parts(platform, request, task)
    first = await parts.first()
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(parts.sent(first), media_type=MEDIA_TYPES[params.response_format], headers=headers)


@router.get("/v1/models", include_in_schema=False)
def models(caller: ReaderDep, platform: PlatformDep) -> JSONResponse:
    """Every model name that the calls take."""
    return JSONResponse({"object": "list", "data": [_model(name) for name in (*MODELS, *_outside(platform))]})


@router.get("/v1/models/{model}", include_in_schema=False)
def model(model: Annotated[str, Path(max_length=64)], caller: ReaderDep, platform: PlatformDep) -> JSONResponse:
    """One of them."""
    if model.lower() not in (*MODELS, *_outside(platform)):
        raise NotFoundError(f"There is no model {model!r}. GET /v1/models lists them.", code="model_not_found")
    return JSONResponse(_model(model.lower()))


@router.get("/v1/audio/voices", include_in_schema=False)
def voices(caller: ReaderDep, platform: PlatformDep) -> JSONResponse:
    """The voices by name, with your own, and who stands for OpenAI's names."""
    shipped = [
        {"id": voice["_id"], "name": voice["name"], "object": "voice"}
        | {"language": "-".join(part for part in (voice["country"], voice["region"]) if part)}
        | {key: voice[key] for key in ("gender", "description", "engine", "live", "installed")}
        for voice in every_voice(Installed(platform.settings.home))
    ]
    own = [
        {"id": voice.id, "name": voice.name, "object": "voice", "language": "", "gender": "", "engine": "cloned"}
        for voice in platform.catalogue.voices.all(caller.user_id)
    ]
    return JSONResponse(
        {"object": "list", "voices": [*own, *shipped], "data": [*own, *shipped], "aliases": OPENAI_VOICES}
    )


def _outside(platform: Platform) -> tuple[str, ...]:
    settings = platform.settings
    return (settings.speech_model.lower(),) if settings.speech_url else ()


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "avatarium"}
