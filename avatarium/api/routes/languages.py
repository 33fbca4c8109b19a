"""The languages that voices speak."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from avatarium.api.auth import ReaderDep
from avatarium.api.envelope import Answer, ok
from avatarium.api.groups import MISC
from avatarium.api.routing import Params, Router
from avatarium.catalogue.voices import languages, wanted_locale

router = Router(MISC)


class WhichLanguages(BaseModel):
    """Languages of which locale. ``lang`` may be sent and changes nothing: the names are English."""

    voice_map_type: str = Field("", max_length=40, description="Only the language and region of this, such as en-US.")


@router.serve(
    "POST /api/v1/anchor/language_list",
    title="List Available Languages",
    request={},
    answer=[
        {
            "label": "English",
            "value": "en",
            "children": [{"label": "United States", "value": "US"}, {"label": "United Kingdom", "value": "GB"}],
        }
    ],
    returns=list[dict[str, Any]],
    legacy=["GET /api/v1/anchor/language_list"],
)
def language_list(params: Annotated[WhichLanguages, Params], caller: ReaderDep) -> Answer:
    """Languages with their regions: ``value`` is the ``country`` of ``video/send_tts``, a child's its ``region``."""
    only = wanted_locale(tag=params.voice_map_type) if params.voice_map_type.strip() else None
    return ok(languages(only))
