"""Pictures to put behind an avatar: those that ship and those of users."""

from __future__ import annotations

import random
from functools import partial
from typing import Annotated, Any

from fastapi import Request
from pydantic import AliasChoices, BaseModel, Field

from avatarium.api.auth import AnonymousDep, PlatformDep, ReaderDep, UploaderDep, base_url_of
from avatarium.api.envelope import Answer, ok
from avatarium.api.groups import BACKGROUNDS
from avatarium.api.routing import Params, Router
from avatarium.api.slots import Slots
from avatarium.catalogue.bringing import bring_background
from avatarium.catalogue.models import NAME_MAX, Background
from avatarium.catalogue.shipped import shipped_backgrounds
from avatarium.clock import iso
from avatarium.errors import ConflictError, ForbiddenError, NotFoundError, TooLargeError
from avatarium.ids import stable_id
from avatarium.platform import SignedLinks

router = Router(BACKGROUNDS)

EXAMPLE_OWN = {
    "_id": "64f0c0ffee0000000000aa02",
    "type": "custom",
    "img_url": "https://files.example/files/catalogue/64f0/backgrounds/64f1.jpg?exp=1735959200&sig=...",
    "name": "My office",
    "createdAt": "2025-01-02T03:04:05.678Z",
}
EXAMPLE_SHIPPED = {
    "_id": stable_id("background", "studio-warm"),
    "type": "default",
    "img_url": "https://files.example/files/system/backgrounds/studio-warm.jpg?exp=1735959200&sig=...",
    "name": "Studio warm",
    "createdAt": "2025-01-01T00:00:00.000Z",
}


class NewBackground(BaseModel):
    """Which picture."""

    img_url: str = Field(min_length=1, max_length=4096, description="The public URL of a picture.")
    name: str | None = Field(None, max_length=NAME_MAX, description="A name to know it by.")


class WhichBackground(BaseModel):
    """Which background."""

    id: str = Field(
        min_length=1,
        max_length=64,
        validation_alias=AliasChoices("_id", "id"),
        description="The `_id` of a background of yours.",
    )


@router.serve(
    "POST /api/v1/custom_back/allBackground",
    title="Obtain the List of Background Images",
    request={},
    answer=[EXAMPLE_OWN, EXAMPLE_SHIPPED],
    returns=list[dict[str, Any]],
)
def all_backgrounds(request: Request, caller: ReaderDep, platform: PlatformDep) -> Answer:
    """Your own pictures, newest first, then those that ship.

    ``_id`` is the ``custom_back_id`` of ``video/generate`` where ``type`` is ``custom``, and the ``back_id`` where it
    is ``default``.
    """
    links = platform.links(base_url_of(request, platform))
    return ok([_view(found, links) for found in platform.catalogue.backgrounds(caller.user_id)])


@router.serve(
    "POST /api/v1/custom_back/list",
    title="List your background images",
    request={},
    answer=[EXAMPLE_OWN],
    returns=list[dict[str, Any]],
)
def own_backgrounds(request: Request, caller: ReaderDep, platform: PlatformDep) -> Answer:
    """Your own pictures, newest first."""
    links = platform.links(base_url_of(request, platform))
    return ok([_view(found, links) for found in platform.catalogue.backgrounds(caller.user_id, own_only=True)])


@router.serve(
    "POST /api/v1/custom_back/add",
    title="Add Custom Background Image",
    request={"img_url": "https://example.com/office.jpg", "name": "My office"},
    answer=EXAMPLE_OWN,
    returns=dict[str, Any],
    errors=(ForbiddenError, NotFoundError, ConflictError, TooLargeError),
)
async def add_background(
    params: Annotated[NewBackground, Params], request: Request, caller: UploaderDep, platform: PlatformDep
) -> Answer:
    """Copy a picture from a URL, to stay until you delete it. Place, camera and other hidden data are left out."""
    slots: Slots = request.app.state.transfers
    work = partial(
        bring_background,
        caller.user_id,
        params.img_url,
        name=(params.name or "").strip(),
        settings=platform.settings,
        fetcher=platform.fetcher,
        storage=platform.storage,
        catalogue=platform.catalogue,
    )
    added = await slots.run(work)
    return ok(_view(added, platform.links(base_url_of(request, platform))))


@router.serve(
    "POST /api/v1/custom_back/del",
    title="Delete Custom Image",
    request={"_id": "64f0c0ffee0000000000aa02"},
    answer={"_id": "64f0c0ffee0000000000aa02"},
    returns=dict[str, str],
    errors=(ForbiddenError, NotFoundError),
)
def delete_background(params: Annotated[WhichBackground, Params], caller: UploaderDep, platform: PlatformDep) -> Answer:
    """Delete a picture of yours and its file. Those that ship stay."""
    return ok({"_id": platform.catalogue.remove_background(caller.user_id, params.id).id})


@router.serve(
    "POST /api/v1/custom_back/randomBackground",
    title="Get a random background image",
    request={},
    answer=EXAMPLE_SHIPPED,
    returns=dict[str, Any],
    errors=(NotFoundError,),
    public=True,
)
def random_background(request: Request, _counted: AnonymousDep, platform: PlatformDep) -> Answer:
    """One of the pictures that ship. Needs no key."""
    ours = shipped_backgrounds()
    if not ours:
        raise NotFoundError("No background ships with this version.", code="background_not_found")
    return ok(_view(random.choice(ours), platform.links(base_url_of(request, platform))))


def _view(background: Background, links: SignedLinks) -> dict[str, Any]:
    """A background as clients read it."""
    return {
        "_id": background.id,
        "type": background.type,
        "img_url": links.url(background.key),
        "name": background.name,
        "createdAt": iso(background.created_ms),
    }
