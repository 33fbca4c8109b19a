"""The body of a request as plain blocks of bytes for code that runs in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import anyio.from_thread
from fastapi import Request
from starlette.requests import ClientDisconnect

from avatarium.clock import Clock
from avatarium.errors import RequestError

IDLE_S = 30
GRACE_S = 60
SLOWEST_BYTES_PER_S = 8 * 1024


def body_blocks(request: Request, clock: Clock) -> Iterator[bytes]:
    """The body, block by block, as the client sends it; only for a thread of the event loop's pool.

    One block is in memory at a time: the client is read from only when the next is asked for.

    Raises:
        RequestError: ``upload_too_slow``, ``upload_broken``.
    """
    stream = request.stream()
    begun_s = clock.monotonic_s()
    received = 0
    while (block := anyio.from_thread.run(_next, stream)) is not None:
        received += len(block)
        waited_s = clock.monotonic_s() - begun_s
        if waited_s > GRACE_S and received < (waited_s - GRACE_S) * SLOWEST_BYTES_PER_S:
            raise _slow()
        yield block


async def _next(stream: AsyncIterator[bytes]) -> bytes | None:
    try:
        async with asyncio.timeout(IDLE_S):
            return await anext(stream, None)
    except TimeoutError:
        raise _slow() from None
    except ClientDisconnect:
        raise RequestError("The upload broke off. Send it again.", code="upload_broken") from None


def _slow() -> RequestError:
    return RequestError("The upload is too slow and was given up. Send it again.", code="upload_too_slow")
