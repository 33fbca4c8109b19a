"""The avatars to choose from."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, field_validator

from avatarium.accounts.models import Principal
from avatarium.api.auth import PlatformDep, ReaderDep, base_url_of
from avatarium.api.envelope import Answer, ok
from avatarium.api.groups import VIDEOS
from avatarium.api.routing import Params, Router
from avatarium.catalogue.models import Avatar, UserVoice
from avatarium.catalogue.service import Which
from avatarium.clock import iso
from avatarium.ids import stable_id
from avatarium.platform import Platform, SignedLinks

router = Router(VIDEOS)

EXAMPLE_AVATAR = {
    "_id": stable_id("avatar", "ava"),
    "type": "default",
    "name": "Ava",
    "gender": "female",
    "user_voice_id": "",
    "user_video_twin_id": "",
    "video_cover": "https://files.example/files/system/avatars/ava-cover.jpg?exp=1735959200&sig=...",
    "people_img": "https://files.example/files/system/avatars/ava.png?exp=1735959200&sig=...",
    "base_video": "",
    "background_img": "",
    "background_color": "",
    "lang": [],
    "createdAt": "2025-01-01T00:00:00.000Z",
}


class WhichAvatars(BaseModel):
    """Which avatars."""

    model_config = ConfigDict(populate_by_name=True)

    kind: Which | None = Field(
        None, alias="type", description="default: those that ship; custom: your own. All where it is left out."
    )
    twin_id: str | None = Field(
        None, alias="user_video_twin_id", max_length=64, description="Only the avatar that this training made."
    )

    @field_validator("kind", "twin_id", mode="before")
    @classmethod
    def _blank_is_missing(cls, given: Any) -> Any:
        return None if given == "" else given


class WhichAnchors(BaseModel):
    """Whether those that ship are wanted too."""

    web_type: Literal["a2e", "tyzn", ""] | None = Field(None, description="a2e adds the avatars that ship to your own.")


@router.serve(
    "GET /api/v1/anchor/character_list",
    title="List One or All Avatars",
    request={"type": "default"},
    answer=[EXAMPLE_AVATAR],
    returns=list[dict[str, Any]],
    legacy=["POST /api/v1/anchor/character_list"],
)
def character_list(
    params: Annotated[WhichAvatars, Params], request: Request, caller: ReaderDep, platform: PlatformDep
) -> Answer:
    """Your own avatars, newest first, then those that ship. ``_id`` is the ``anchor_id`` of ``video/generate``."""
    found = platform.catalogue.avatars(caller.user_id, kind=params.kind, twin_id=params.twin_id)
    return ok(_views(found, request, caller, platform))


@router.serve(
    "POST /api/v1/anchor/list",
    title="List available avatars",
    request={"web_type": "a2e"},
    answer=[EXAMPLE_AVATAR],
    returns=list[dict[str, Any]],
)
def anchor_list(
    params: Annotated[WhichAnchors, Params], request: Request, caller: ReaderDep, platform: PlatformDep
) -> Answer:
    """Your own avatars, newest first; with a ``web_type`` those that ship come after them."""
    found = platform.catalogue.avatars(caller.user_id, kind=None if params.web_type else "custom")
    return ok(_views(found, request, caller, platform))


def _views(found: list[Avatar], request: Request, caller: Principal, platform: Platform) -> list[dict[str, Any]]:
    voices = platform.catalogue.voices.of_avatars(caller.user_id)
    links = platform.links(base_url_of(request, platform))
    return [_view(avatar, voices.get(avatar.id), links) for avatar in found]


def _view(avatar: Avatar, voice: UserVoice | None, links: SignedLinks) -> dict[str, Any]:
    """An avatar as clients read it. ``gender`` and ``user_voice_id``, its own voice if it has one, are ours."""
    return {
        "_id": avatar.id,
        "type": avatar.type,
        "name": avatar.name,
        "gender": avatar.gender,
        "user_voice_id": voice.id if voice else "",
        "user_video_twin_id": avatar.twin_id,
        "video_cover": links.url(avatar.cover_key or avatar.picture_key),
        "people_img": links.url(avatar.picture_key),
        "base_video": links.url(avatar.preview_key),
        "background_img": links.url(avatar.background_key),
        "background_color": avatar.background_color,
        "lang": [],
        "createdAt": iso(avatar.created_ms),
    }
