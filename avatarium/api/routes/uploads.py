"""Files from clients into the storage: addresses to PUT to, and copies of what lies elsewhere."""

from __future__ import annotations

import functools
import secrets
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from fastapi import Request
from pydantic import AliasChoices, BaseModel, Field

from avatarium.api.auth import PlatformDep, UploaderDep, base_url_of
from avatarium.api.envelope import Answer, ok
from avatarium.api.groups import MISC
from avatarium.api.routing import Router
from avatarium.api.slots import Slots
from avatarium.errors import ForbiddenError, TooLargeError
from avatarium.platform import Platform
from avatarium.storage.keys import clean_name
from avatarium.storage.sniff import Kind

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
        description="Seconds within which the upload has to begin, at least 60.",
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
    limit = platform.settings.upload_max_bytes
    if params.size_bytes is not None and params.size_bytes > limit:
        raise TooLargeError(f"The file is larger than the {limit} bytes that are taken.", code="too_large")
    key, base_url = _new_key(caller.user_id, params.key), base_url_of(request, platform)
    upload_url = platform.storage.upload_url(
        key,
        owner=caller.user_id,
        media_type=params.content_type,
        size_bytes=params.size_bytes,
        seconds=params.expires_in,
        base_url=base_url,
    )
    view: dict[str, object] = {"uploadUrl": upload_url, "cdnUrl": _public_url(platform, key, base_url), "key": key}
    return ok(view | {"bucket": params.bucket, "expiresIn": params.expires_in})


@router.serve(
    "POST /api/v1/tos/transferToStorage",
    title="Save URL to A2E's storage",
    request={"url": "https://example.com/portrait.jpg"},
    answer={"url": "https://files.example/files/uploads/u1/5e0f/portrait.jpg?exp=1735959200&sig=..."},
    returns=dict[str, str],
    errors=(ForbiddenError, TooLargeError),
)
async def transfer(params: Transfer, request: Request, caller: UploaderDep, platform: PlatformDep) -> Answer:
    """Copy a file from a public URL into the storage, where it stays for some days."""
    slots: Slots = request.app.state.transfers
    key = await slots.run(functools.partial(_copy, platform, params.url, caller.user_id))
    return ok({"url": _public_url(platform, key, base_url_of(request, platform))})


def _copy(platform: Platform, url: str, owner: str) -> str:
    name = _stem(url)
    with tempfile.TemporaryDirectory(dir=_scratch(platform)) as folder:
        fetched = platform.fetcher.fetch(url, Path(folder) / "file", kind=Kind.ANY, owner=owner)
        key = _new_key(owner, f"{name or 'file'}{fetched.suffix}")
        platform.storage.put(
            key,
            fetched.path,
            owner=owner,
            media_type=fetched.media_type,
            expires_ms=platform.storage.upload_expiry_ms(),
        )
    return key


def _scratch(platform: Platform) -> Path:
    """Beside the other work of this installation: the machine's own folder for such may be small."""
    folder = platform.settings.home / "scratch" / "transfers"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _new_key(owner: str, name: str) -> str:
    return f"uploads/{owner}/{secrets.token_hex(8)}/{clean_name(name)}"


def _public_url(platform: Platform, key: str, base_url: str) -> str:
    return platform.storage.url(key, base_url=base_url, seconds=platform.settings.upload_days * DAY_S)


def _stem(url: str) -> str:
    """The name of a file in a URL, without its ending, which may not say what it is; empty where there is none."""
    try:
        return Path(unquote(urlsplit(url).path)).stem
    except ValueError:
        return ""
