"""One answer of an OpenAI-compatible endpoint as it comes (``POST /chat/completions``, server-sent events).

Whatever the endpoint does, the answer ends: each word has a time-out, the whole has bounds in seconds and characters,
a line has one in bytes. The endpoint is the operator's own setting, so its address may be private.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog

from avatarium.clock import Clock
from avatarium.errors import OptionError, UnavailableError

LINE_BYTES = 256 * 1024
BODY_BYTES = 1024 * 1024
"""Of an answer that comes whole, because the endpoint does not stream."""
ERROR_BYTES = 2000
CONNECT_S = 10.0
RETRY_AFTER_S = 5.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where the model is and what it is allowed."""

    url: str
    """Of ``/chat/completions``."""
    model: str
    key: str
    timeout_s: float
    """For the first word, and between two."""
    longest_s: float
    """For the whole answer; what has come by then is the answer."""
    characters_max: int


Message = Mapping[str, str]


def endpoint_url(base: str) -> str:
    """The address of chat completions below the ``/v1`` that people write down.

    Raises:
        OptionError: ``bad_chat_url``.
    """
    parts = urlsplit(base.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise OptionError(
            f"chat_url must be an address such as http://127.0.0.1:11434/v1; {base!r} is none.", code="bad_chat_url"
        )
    url = base.strip().rstrip("/")
    return url if url.endswith("/chat/completions") else f"{url}/chat/completions"


async def stream_chat(
    client: httpx.AsyncClient, endpoint: Endpoint, messages: Sequence[Message], clock: Clock
) -> AsyncGenerator[str, None]:
    """The text of one answer in pieces. Closing the iterator closes the connection, and so stops the model.

    Raises:
        UnavailableError: ``chat_unreachable``, ``chat_timeout``, ``chat_refused``, ``chat_busy``, ``chat_failed``,
            ``chat_bad_answer``, ``chat_empty``. Pieces that came before stay.
    """
    request = client.build_request("POST", endpoint.url, json=_body(endpoint, messages), headers=_headers(endpoint))
    begun = clock.monotonic_s()
    characters = 0
    try:
        async with aclosing(_pieces(client, request, endpoint)) as pieces:
            while True:
                left_s = min(endpoint.timeout_s, begun + endpoint.longest_s - clock.monotonic_s())
                piece = await _next(pieces, left_s)
                if piece is None:
                    break
                piece = piece[: endpoint.characters_max - characters]
                characters += len(piece)
                yield piece
                if characters >= endpoint.characters_max or clock.monotonic_s() - begun >= endpoint.longest_s:
                    log.info("chat_answer_cut", characters=characters)
                    return
    except TimeoutError as problem:
        if not characters or clock.monotonic_s() - begun < endpoint.longest_s:
            raise _trouble("chat_timeout", "The language model did not answer in time.") from problem
    except (httpx.HTTPError, httpx.InvalidURL) as problem:
        log.warning("chat_unreachable", url=endpoint.url, reason=repr(problem))
        raise _trouble("chat_unreachable", "The language model cannot be reached.") from problem
    if not characters:
        raise _trouble("chat_empty", "The language model answered with nothing.")


async def _next(pieces: AsyncGenerator[str, None], seconds: float) -> str | None:
    """The next piece with anything in it; None at the end. What has no words in it buys no time."""
    async with asyncio.timeout(max(seconds, 0.0)):
        async for piece in pieces:
            if piece:
                return piece
    return None


async def _pieces(client: httpx.AsyncClient, request: httpx.Request, endpoint: Endpoint) -> AsyncGenerator[str, None]:
    response = await client.send(request, stream=True)
    try:
        if not response.is_success:
            raise await _refusal(response, endpoint)
        kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind == "application/json":
            yield _whole(await _bounded(response, BODY_BYTES))
            return
        if kind.startswith("text/html"):
            raise _bad("a web page")
        async with aclosing(_lines(response)) as lines:
            async for line in lines:
                if line == b"data: [DONE]" or line == b"data:[DONE]":
                    return
                if line.startswith(b"data:"):
                    yield _delta(line[5:])
                elif line and not line.startswith((b":", b"event:", b"id:", b"retry:")):
                    raise _bad("something that is no stream of events")
    finally:
        await response.aclose()


async def _lines(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    rest = b""
    async for block in response.aiter_bytes():
        rest += block
        *lines, rest = rest.split(b"\n")
        for line in lines:
            yield line.strip()
        if len(rest) > LINE_BYTES:
            raise _bad("a line without an end")
    if rest.strip():
        yield rest.strip()


def _delta(data: bytes) -> str:
    choice = _choice(_json(data))
    piece = (choice.get("delta") or {}).get("content") if choice else ""
    return piece if isinstance(piece, str) else ""


def _whole(body: bytes) -> str:
    choice = _choice(_json(body))
    piece = (choice.get("message") or {}).get("content") if choice else ""
    return piece if isinstance(piece, str) else ""


def _json(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError as problem:
        raise _bad("something that is no JSON") from problem
    if not isinstance(value, dict):
        raise _bad("JSON of another kind")
    return value


def _choice(value: dict[str, Any]) -> dict[str, Any]:
    """The first choice; empty where there is none, as in the last event with the usage."""
    if value.get("error"):
        log.warning("chat_error", said=str(value["error"])[:300])
        raise _trouble("chat_failed", "The language model answered with an error.")
    choices = value.get("choices")
    if not isinstance(choices, list):
        raise _bad("JSON of another kind")
    return choices[0] if choices and isinstance(choices[0], dict) else {}


async def _bounded(response: httpx.Response, limit: int) -> bytes:
    body = b""
    async for block in response.aiter_bytes():
        body += block
        if len(body) > limit:
            raise _bad("more than a megabyte at once")
    return body


async def _refusal(response: httpx.Response, endpoint: Endpoint) -> UnavailableError:
    said = b""
    async for block in response.aiter_bytes():
        said += block
        if len(said) >= ERROR_BYTES:
            break
    status = response.status_code
    log.warning("chat_refusal", url=endpoint.url, status=status, said=repr(said[:300]))
    if status in (401, 403):
        return _trouble("chat_refused", "The language model does not accept the key; the operator has to set chat_key.")
    if status == 429:
        return _trouble("chat_busy", "The language model has too much to do.")
    return _trouble("chat_failed", f"The language model answered with the HTTP status {status}.")


def _body(endpoint: Endpoint, messages: Sequence[Message]) -> dict[str, Any]:
    return {"model": endpoint.model, "messages": list(messages), "stream": True}


def _headers(endpoint: Endpoint) -> dict[str, str]:
    headers = {"Accept": "text/event-stream, application/json"}
    return headers | {"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else headers


def _bad(what: str) -> UnavailableError:
    return _trouble("chat_bad_answer", f"The language model's endpoint answered with {what}; look at chat_url.")


def _trouble(code: str, message: str) -> UnavailableError:
    return UnavailableError(message, code=code, retry_after_s=RETRY_AFTER_S)
