"""The voices to choose from."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Request
from pydantic import BaseModel, Field
from starlette.responses import FileResponse, Response

from avatarium.api.auth import PlatformDep, ReaderDep, base_url_of
from avatarium.api.envelope import Answer, ok
from avatarium.api.groups import SPEECH
from avatarium.api.routing import Params, Router
from avatarium.catalogue.voices import Installed, every_voice, groups, sample_of, wanted_locale
from avatarium.errors import NotFoundError
from avatarium.ids import stable_id

router = Router(SPEECH)

EXAMPLE_VOICE = {
    "label": "Ava",
    "value": stable_id("voice", "hibari-ava"),
    "gender": "female",
    "country": "en",
    "region": "US",
    "description": "American English, female, warm and clear; fast enough for a conversation.",
    "engine": "hibari",
    "licence": "Apache-2.0",
    "live": True,
    "installed": True,
    "preview_url": "https://avatarium.example/voices/hibari-ava.mp3",
}
SAMPLE_CACHE_S = 86_400


class WhichVoices(BaseModel):
    """Voices of which locale."""

    country: str = Field("", max_length=40, description="Language, such as en; en where nothing is given.")
    region: str = Field("", max_length=16, description="Region, such as US.")
    voice_map_type: str = Field("", max_length=40, description="Both in one, such as en-US; `country` wins over it.")


@router.serve(
    "GET /api/v1/anchor/voice_list",
    title="List Public TTS Options",
    request={"country": "en", "region": "US", "voice_map_type": "en-US"},
    answer=[{"label": "Female", "value": "female", "children": [EXAMPLE_VOICE]}],
    returns=list[dict[str, Any]],
    legacy=["POST /api/v1/anchor/voice_list"],
)
def voice_list(
    params: Annotated[WhichVoices, Params], request: Request, caller: ReaderDep, platform: PlatformDep
) -> Answer:
    """The voices of a locale by gender; a child's ``value`` is the ``tts_id`` of ``video/send_tts``.

    Where no voice has the region, all of the language are listed; where none speaks the language, the list is empty.
    Voices whose model is here come first (``installed``); the others fetch it when they first speak. ``preview_url``
    is a short sample, an MP3 that needs no key.
    """
    locale = wanted_locale(
        params.country,
        params.region,
        tag=params.voice_map_type,
        language=request.headers.get("x-lang", "")[:16],
    )
    return ok(groups(locale, Installed(platform.settings.home), base_url_of(request, platform)))


@router.serve(
    "POST /api/v1/anchor/tts_list",
    title="List system voices (TTS presets)",
    answer=[{"_id": stable_id("voice", "hibari-ava"), "name": "Ava", **EXAMPLE_VOICE}],
    returns=list[dict[str, Any]],
)
def tts_list(request: Request, caller: ReaderDep, platform: PlatformDep) -> Answer:
    """All voices of all languages in one list."""
    return ok(every_voice(Installed(platform.settings.home), base_url_of(request, platform)))


@router.get("/voices/{name}.mp3", include_in_schema=False)
@router.head("/voices/{name}.mp3", include_in_schema=False)
def sample(name: str, request: Request) -> Response:
    """What a voice says of itself; open to everybody, as it ships with the program."""
    found = sample_of(name)
    if found is None:
        raise NotFoundError(
            "There is no voice with this name. Take a preview_url from anchor/voice_list.", code="no_route"
        )
    return FileResponse(found, media_type="audio/mpeg", headers={"Cache-Control": f"public, max-age={SAMPLE_CACHE_S}"})
