"""Files behind signed addresses: whoever has the address may do what its signature says, without a key."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from avatarium.api.auth import PlatformDep
from avatarium.api.envelope import Answer, failure, ok
from avatarium.api.errors import answer_of
from avatarium.api.groups import FILES
from avatarium.api.ranges import Part, UnsatisfiableError, http_date, not_modified, part_wanted
from avatarium.api.routing import Router
from avatarium.api.slots import Slots
from avatarium.api.uploads import body_blocks
from avatarium.errors import AvatariumError, NotFoundError
from avatarium.platform import Platform
from avatarium.storage.blobs import Stat
from avatarium.storage.models import StoredObject
from avatarium.storage.receiving import too_large

CACHE_S = 300
SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'"

router = Router(FILES)


@router.get("/files/{key:path}", include_in_schema=False)
@router.head("/files/{key:path}", include_in_schema=False)
def download(key: str, request: Request, platform: PlatformDep) -> Response:
    """A file or a part of it: ``Range``, ``If-Range``, ``If-None-Match`` and ``If-Modified-Since`` are heeded."""
    known = platform.storage.check_download(key, dict(request.query_params))
    stat = platform.storage.stat(key)
    if stat is None:
        raise NotFoundError("This file is not here any more. Make or upload it again.", code="file_gone")
    headers = _headers(known, stat, as_attachment="download" in request.query_params)
    if not_modified(request.headers, etag=stat.etag, modified_ms=stat.modified_ms):
        return Response(status_code=304, headers=headers)
    if request.method == "HEAD":
        return Response(headers=headers | {"Content-Length": str(stat.size_bytes)})
    try:
        part = part_wanted(request.headers, size_bytes=stat.size_bytes, etag=stat.etag, modified_ms=stat.modified_ms)
    except UnsatisfiableError:
        size = f"bytes */{stat.size_bytes}"
        return failure(416, "bad_range", f"The file has {stat.size_bytes} bytes.", headers={"Content-Range": size})
    return _stream(platform, key, part, stat, headers)


@router.put("/files/{key:path}", include_in_schema=False)
async def upload(key: str, request: Request, platform: PlatformDep) -> Answer:
    """Take the one file that the address was made for."""
    slots: Slots = request.app.state.uploads
    try:
        stored = await slots.run(functools.partial(_receive, key, request, platform))
    except AvatariumError as problem:
        answer = answer_of(problem)
        answer.headers["Connection"] = "close"  # most of the body may still be on its way
        return answer
    return ok({"key": stored.key, "size": stored.size_bytes, "type": stored.media_type})


def _receive(key: str, request: Request, platform: Platform) -> StoredObject:
    size = request.headers.get("content-length", "")
    announced = int(size) if size.isascii() and size.isdigit() and len(size) < 20 else None
    claims = platform.storage.check_upload(
        key,
        dict(request.query_params),
        media_type=request.headers.get("content-type"),
        size_bytes=announced,
    )
    if announced is not None and announced > platform.settings.upload_max_bytes:
        raise too_large(platform.settings.upload_max_bytes)  # before the bytes have come
    return platform.storage.receive(key, body_blocks(request, platform.clock), claims)


def _stream(platform: Platform, key: str, part: Part | None, stat: Stat, headers: dict[str, str]) -> Response:
    whole = Part(start=0, end=stat.size_bytes)
    wanted = part or whole
    blocks = platform.storage.read_range(key, wanted.start, wanted.end)
    first = next(blocks, b"")  # a file that is gone by now says so before the answer begins
    headers["Content-Length"] = str(wanted.size_bytes)
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{stat.size_bytes}"
    return StreamingResponse(_joined(first, blocks), status_code=200 if part is None else 206, headers=headers)


def _joined(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _headers(known: StoredObject, stat: Stat, *, as_attachment: bool) -> dict[str, str]:
    """Nothing that a user stored may run as a page of ours."""
    is_media = known.media_type.startswith(("image/", "audio/", "video/")) and "svg" not in known.media_type
    place = "inline" if is_media and not as_attachment else "attachment"
    headers = {
        "Content-Type": known.media_type,
        "Content-Disposition": f'{place}; filename="{known.key.rsplit("/", 1)[-1]}"',
        "Accept-Ranges": "bytes",
        "ETag": f'"{stat.etag}"',
        "Last-Modified": http_date(stat.modified_ms),
        "Cache-Control": f"private, max-age={CACHE_S}",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return headers if is_media else headers | {"Content-Security-Policy": SANDBOX}
