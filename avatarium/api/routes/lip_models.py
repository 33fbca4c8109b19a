"""Lip-sync models of avatars' own."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from avatarium.api.auth import MakerDep, PlatformDep, ReaderDep, base_url_of
from avatarium.api.desk import Desk
from avatarium.api.envelope import Answer, ok
from avatarium.api.families import EXAMPLE_ID, PathId
from avatarium.api.groups import VIDEOS
from avatarium.api.routing import Router
from avatarium.catalogue.models import LipModel
from avatarium.clock import iso
from avatarium.families import lip_model
from avatarium.platform import Platform, SignedLinks

router = Router(VIDEOS)

MODEL = {
    "_id": "64f0c0ffee0000000000f002",
    "name": "demo",
    "anchor_id": "64f0c0ffee0000000000e001",
    "user_video_twin_id": EXAMPLE_ID,
    "version": 1,
    "in_use": True,
    "general_error": 0.031,
    "personal_error": 0.022,
    "seconds_used": 17.4,
    "preview_url": "https://files.example/preview.mp4",
    "createdAt": "2025-01-02T03:04:05.678Z",
}


@router.serve(
    "GET /api/v1/video/lip_models",
    title="Obtain the List of Personalized Lip-Sync Models",
    answer=[MODEL],
    returns=list[dict[str, Any]],
)
def lip_models(request: Request, caller: ReaderDep, platform: PlatformDep) -> Answer:
    """Models of your avatars' own, newest first.

    The newest of an avatar is `in_use`. The errors are the mean distance of its lips from the real ones in seconds that
    it has not learnt from, in distances of the eyes.
    """
    found = platform.catalogue.lip_models.all(caller.user_id)
    links = platform.links(base_url_of(request, platform))
    return ok(_views(platform, caller.user_id, found, links))


@router.serve(
    "DELETE /api/v1/video/lip_models/{_id}",
    title="Remove a personalized lip-sync model",
    answer={"_id": "64f0c0ffee0000000000f002"},
    returns=dict[str, str],
)
def remove_lip_model(task_id: PathId, request: Request, caller: MakerDep, platform: PlatformDep) -> Answer:
    """Remove a model with its files. Its avatar speaks by the version before, or by the general model again."""
    return ok(Desk(lip_model.FAMILY, platform, request, caller).delete(task_id))


def _views(platform: Platform, owner: str, found: list[LipModel], links: SignedLinks) -> list[dict[str, Any]]:
    avatars = {avatar.id: avatar for avatar in platform.catalogue.avatars(owner, kind="custom")}
    newest: dict[str, int] = {}
    for model in found:
        newest[model.avatar_id] = max(newest.get(model.avatar_id, 0), model.version)
    return [
        {
            "_id": model.id,
            "name": avatars[model.avatar_id].name,
            "anchor_id": model.avatar_id,
            "user_video_twin_id": avatars[model.avatar_id].twin_id,
            "version": model.version,
            "in_use": model.version == newest[model.avatar_id],
            "general_error": model.general_error,
            "personal_error": model.personal_error,
            "seconds_used": model.seconds_used,
            "preview_url": links.url(model.preview_key),
            "createdAt": iso(model.created_ms),
        }
        for model in found
        if model.avatar_id in avatars
    ]
