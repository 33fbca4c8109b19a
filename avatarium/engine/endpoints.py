"""Questions to services that whoever runs the installation has named in its settings."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

CONNECT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a service answered."""

    status: int
    body: bytes


def post_json(address: str, body: dict[str, Any], *, key: str, timeout_s: float, most_bytes: int) -> Reply:
    """Send JSON and wait for the whole answer; for threads that have no event loop of their own.

    No redirect is followed: the key and the text would go along, to wherever it leads.

    Args:
        key: sent as a bearer token, where there is one.
        timeout_s: for all of it. The time-outs of a socket begin anew with every byte, and whoever sends one a second
            would hold a task for ever.
        most_bytes: of the answer.

    Raises:
        TimeoutError: the answer was not whole in time.
        ConnectionError: the service cannot be reached, or broke off.
        ValueError: the answer is larger.
    """
    import httpx

    headers = {"Authorization": f"Bearer {key}"} if key else {}

    async def asked() -> Reply:
        limits = httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s))
        async with (
            asyncio.timeout(timeout_s),
            httpx.AsyncClient(timeout=limits) as client,
            client.stream("POST", address, json=body, headers=headers) as answer,
        ):
            return Reply(status=answer.status_code, body=await _read(answer, most_bytes))

    try:
        return asyncio.run(asked())
    except httpx.TimeoutException as problem:
        raise TimeoutError("no answer in time") from problem
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as problem:
        if isinstance(problem, TimeoutError):
            raise
        raise ConnectionError("no answer") from problem


async def _read(answer: httpx.Response, most_bytes: int) -> bytes:
    found = bytearray()
    async for block in answer.aiter_bytes():
        found += block
        if len(found) > most_bytes:
            raise ValueError("the answer is too large")
    return bytes(found)
