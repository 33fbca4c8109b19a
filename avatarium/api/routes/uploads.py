"""Files from clients into the storage: addresses to PUT to, and copies of what lies elsewhere."""

from __future__ import annotations

import functools

from fastapi import Request
from pydantic import AliasChoices, BaseModel, Field

from avatarium.api.auth import PlatformDep, UploaderDep, base_url_of
from avatarium.api.envelope import Answer, ok
from avatarium.api.groups import MISC
from avatarium.api.routing import Router
from avatarium.api.slots import Slots
from avatarium.errors import ForbiddenError, NotFoundError, TooLargeError

router = Router(MISC)

DAY_S = 24 * 3600
DEFAULT_BUCKET = "3days-apac"
DEFAULT_EXPIRY_S = 300


class Presign(BaseModel):
    """Which file is going to be uploaded. ``urlPrefix`` and ``cdnDomain`` may be sent and change nothing."""

    key: str = Field(min_length=1, max_length=1024, description="The name that the file shall have.")
    bucket: str = Field(DEFAULT_BUCKET, max_length=100, description="Sent back as it is.")
    expires_in: int = Field(
        DEFAULT_EXPIRY_S,
        ge=60,
        le=7 * DAY_S,
        validation_alias=AliasChoices("expiresIn", "expires_in"),
        description="Seconds within which the upload has to begin, at least 60; a day at most.",
    )
    content_type: str | None = Field(
        None,
        max_length=128,
        pattern=r"^[\w.+-]+/[\w.+-]+(\s*;.*)?$",
        validation_alias=AliasChoices("contentType", "content_type"),
        description="The Content-Type that the PUT has to have, such as image/jpeg.",
    )
    size_bytes: int | None = Field(
        None,
        ge=1,
        validation_alias=AliasChoices("contentLength", "fileSize"),
        description="The size of the file in bytes; the PUT has to have it.",
    )


class Transfer(BaseModel):
    """Which file is to be copied."""

    url: str = Field(
        min_length=1,
        max_length=4096,
        validation_alias=AliasChoices("url", "file_url"),
        description="The public URL of a picture, sound or video.",
    )


@router.serve(
    "POST /api/v1/r2/upload-presigned-url",
    title="Get R2 Upload Presigned URL",
    request={"key": "portrait.jpg", "contentType": "image/jpeg", "contentLength": 123456, "expiresIn": 300},
    answer={
        "uploadUrl": "https://files.example/files/uploads/u1/5e0f/portrait.jpg?exp=1735700000&sig=...",
        "cdnUrl": "https://files.example/files/uploads/u1/5e0f/portrait.jpg?exp=1735959200&sig=...",
        "key": "uploads/u1/5e0f/portrait.jpg",
        "bucket": DEFAULT_BUCKET,
        "expiresIn": 300,
    },
    returns=dict[str, str | int],
    errors=(ForbiddenError, TooLargeError),
    legacy=("POST /api/v1/r2/get_upload_presigned_url",),
)
def presign(params: Presign, request: Request, caller: UploaderDep, platform: PlatformDep) -> Answer:
    """An address for one upload: PUT the bytes to ``uploadUrl`` without a key, then use ``cdnUrl``."""
    ticket = platform.uploads.ticket(
        caller.user_id,
        params.key,
        media_type=params.content_type,
        size_bytes=params.size_bytes,
        seconds=params.expires_in,
        base_url=base_url_of(request, platform),
    )
    view: dict[str, object] = {"uploadUrl": ticket.upload_url, "cdnUrl": ticket.public_url, "key": ticket.key}
    return ok(view | {"bucket": params.bucket, "expiresIn": ticket.expires_in_s})


@router.serve(
    "POST /api/v1/tos/transferToStorage",
    title="Save URL to A2E's storage",
    request={"url": "https://example.com/portrait.jpg"},
    answer={"url": "https://files.example/files/uploads/u1/5e0f/portrait.jpg?exp=1735959200&sig=..."},
    returns=dict[str, str],
    errors=(ForbiddenError, NotFoundError, TooLargeError),
)
async def transfer(params: Transfer, request: Request, caller: UploaderDep, platform: PlatformDep) -> Answer:
    """Copy a file from a public URL into the storage, where it stays for some days.

    Pictures are written anew, without place, camera and other hidden data.
    """
    slots: Slots = request.app.state.transfers
    stored = await slots.run(functools.partial(platform.uploads.transfer, caller.user_id, params.url))
    seconds = platform.settings.upload_days * DAY_S
    return ok({"url": platform.storage.url(stored.key, base_url=base_url_of(request, platform), seconds=seconds)})
