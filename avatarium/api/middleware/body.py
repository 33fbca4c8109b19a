"""Request bodies, taken leniently and within bounds.

Clients send JSON under odd content types, with none, on GET, or nothing at all where ``{}`` is meant. After this layer
a body is either absent or a JSON object under ``application/json``; what a GET or DELETE carried stands in its query.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode

from pydantic_core import from_json
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from avatarium.api.envelope import failure
from avatarium.api.errors import answer_of
from avatarium.errors import RequestError, TooLargeError

LARGE_BYTES = 64 * 1024
MAX_FORM_FIELDS = 500
MAX_INTEGER = 2**63 - 1
_INFINITE = (float("inf"), float("-inf"))
_SUSPECT = re.compile(rb"\\u0000|\d{19}|[eE]\+?\d{3}")
_QUERY_METHODS = frozenset({"GET", "HEAD", "DELETE"})
_BODY_HEADERS = frozenset({b"content-type", b"content-length", b"transfer-encoding"})


class BodyMiddleware:
    """Read, bound and tidy the body before anything else sees it.

    Args:
        max_bytes: the largest body.
        timeout_s: within which all of it has to arrive.
        raw_prefix: paths below it, or below one of several, take their body as it comes.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, timeout_s: float, raw_prefix: str | tuple[str, ...]) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.timeout_s = timeout_s
        self.raw_prefix = raw_prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(self.raw_prefix):
            await self.app(scope, receive, send)
            return
        try:
            _refuse_nul(scope)
            async with asyncio.timeout(self.timeout_s):
                body = await self._read(Headers(scope=scope), receive)
            if body is None:
                return
            ready = await _tidied(scope, body)
        except TimeoutError:
            words = f"The body did not arrive within {self.timeout_s:g} seconds. Send it again."
            await failure(408, "body_too_slow", words, headers={"Connection": "close"})(scope, receive, send)
            return
        except (RequestError, TooLargeError) as problem:
            answer = answer_of(problem)
            if isinstance(problem, TooLargeError):
                answer.headers["Connection"] = "close"
            await answer(scope, receive, send)
            return
        await self.app(scope, _replay(ready, receive), send)

    async def _read(self, headers: Headers, receive: Receive) -> bytes | None:
        """The whole body; None where the client went away."""
        declared = headers.get("content-length", "")
        if declared.isdecimal() and len(declared) < 20 and int(declared) > self.max_bytes:
            raise self._too_large()
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return None
            body += message.get("body", b"")
            if len(body) > self.max_bytes:
                raise self._too_large()
            if not message.get("more_body", False):
                return bytes(body)

    def _too_large(self) -> TooLargeError:
        size = f"{self.max_bytes / (1 << 20):.3g} MB"
        return TooLargeError(
            f"The body is larger than {size}. Upload files first and send their URLs.", code="body_too_large"
        )


async def _tidied(scope: Scope, body: bytes) -> bytes:
    """The body as the endpoint is to see it; changes headers and query of the request to match."""
    content_type = Headers(scope=scope).get("content-type", "").split(";")[0].strip().lower()
    content = body.removeprefix(b"\xef\xbb\xbf").strip()
    if len(content) > LARGE_BYTES:
        given = await run_in_threadpool(_object_of, content, content_type)
    else:
        given = _object_of(content, content_type)
    in_query = scope["method"] in _QUERY_METHODS
    if in_query and given:
        _merge_into_query(scope, given)
    ready = b"" if scope["method"] in ("GET", "HEAD", "OPTIONS") else _json_of(content, given)
    kept = [(name, value) for name, value in scope["headers"] if name not in _BODY_HEADERS]
    if ready:
        kept += [(b"content-type", b"application/json"), (b"content-length", str(len(ready)).encode())]
    scope["headers"] = kept
    return ready


def _json_of(content: bytes, given: dict[str, Any]) -> bytes:
    """The content itself where it already is an object, which saves writing it anew."""
    return content if content.startswith(b"{") else json.dumps(given).encode()


def _object_of(content: bytes, content_type: str) -> dict[str, Any]:
    if not content:
        return {}
    if content_type == "multipart/form-data":
        raise RequestError("Send the parameters as a JSON object, not as a multipart form.", code="not_json")
    if content_type == "application/x-www-form-urlencoded" and not content.startswith(b"{"):
        return _form(content)
    try:
        value = from_json(content, allow_inf_nan=False)
    except ValueError as problem:
        raise RequestError(f"The body is not valid JSON: {problem}.", code="bad_json") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RequestError('The body must be a JSON object such as {"name": "value"}.', code="not_an_object")
    if _SUSPECT.search(content):
        _refuse_what_no_database_takes(value)
    return value


def _form(content: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(content.decode(), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS)
    except ValueError:
        raise RequestError("The form cannot be read. Send a JSON object.", code="bad_form") from None
    form: dict[str, Any] = {}
    for name, value in pairs:
        known = form.get(name)
        form[name] = value if known is None else [*known, value] if isinstance(known, list) else [known, value]
    _refuse_what_no_database_takes(form)
    return form


def _refuse_what_no_database_takes(value: object) -> None:
    for leaf in _leaves(value):
        if isinstance(leaf, str) and "\0" in leaf:
            raise RequestError("A text contains the character U+0000. Leave it out.", code="nul_character")
        if isinstance(leaf, (int, float)) and (abs(leaf) > MAX_INTEGER and isinstance(leaf, int) or leaf in _INFINITE):
            raise RequestError("A number is too large: whole numbers end at 2**63.", code="number_too_large")


def _leaves(value: object) -> Iterator[object]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
        else:
            yield item


def _refuse_nul(scope: Scope) -> None:
    if "\0" in scope["path"] or b"%00" in scope.get("query_string", b""):
        raise RequestError("The address contains the character U+0000. Leave it out.", code="nul_character")


def _merge_into_query(scope: Scope, given: dict[str, Any]) -> None:
    """Add what the body says; what the query says already wins."""
    query = scope.get("query_string", b"").decode("latin-1")
    said = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
    pairs = [(name, text) for name, value in given.items() if name not in said for text in _texts(value)]
    scope["query_string"] = "&".join(part for part in (query, urlencode(pairs)) if part).encode("latin-1")


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif value is not None:
        yield json.dumps(value)


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
