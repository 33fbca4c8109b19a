"""Time limits, and what comes too late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from avatarium.api.envelope import Answer, ok
from avatarium.api.middleware.body import BodyMiddleware
from avatarium.api.middleware.guard import GuardMiddleware
from avatarium.api.routing import Router
from avatarium.api.slots import Slots
from avatarium.errors import BusyError
from tests.support.still_time import run_still
from tests.unit.api.kit import House, house

PATIENCE_S = 30


@pytest.fixture
def hurried(tmp_path: Path) -> Iterator[House]:
    """An installation that answers within a tenth of a second."""
    with house(tmp_path, request_timeout_s=0.1) as made:
        yield made


def test_an_endpoint_that_waits_too_long_is_stopped(hurried: House) -> None:
    ended = Event()
    router = Router()

    @router.get("/wait")
    async def wait() -> Answer:
        try:
            await asyncio.sleep(PATIENCE_S)
        finally:
            ended.set()
        return ok("late")

    hurried.add(router)
    with hurried.client() as client:
        answer = client.get("/wait")
        assert ended.wait(PATIENCE_S)
    assert answer.status_code == 503
    assert answer.json()["reason"] == "request_timeout"
    assert answer.headers["Retry-After"]
    assert answer.headers["X-Trace-Id"] == answer.json()["trace_id"]


def test_a_thread_that_takes_too_long_is_answered_for_before_it_ends() -> None:
    """The thread is let go only after the answer is out: it must not wait for it."""
    go_on = Event()
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.shield(asyncio.to_thread(go_on.wait, PATIENCE_S))
        await ok("late")(scope, receive, send)

    async def send(message: Message) -> None:
        sent.append(message)
        go_on.set()

    asyncio.run(GuardMiddleware(app, limit_s=0.05, raw_prefix="/files/")(_scope("/x"), _nothing, send))
    assert [message.get("status") for message in sent if message["type"] == "http.response.start"] == [503]
    assert b"late" not in b"".join(message.get("body", b"") for message in sent)


def test_an_answer_that_has_begun_goes_on() -> None:
    sent: list[Message] = []

    async def words() -> AsyncIterator[bytes]:
        yield b"begun "
        await asyncio.sleep(3 * PATIENCE_S)
        yield b"ended"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await StreamingResponse(words())(dict(scope) | {"asgi": {"spec_version": "2.4"}}, receive, send)

    async def send(message: Message) -> None:
        sent.append(message)

    run_still(GuardMiddleware(app, limit_s=0.1, raw_prefix="/files/")(_scope("/stream"), _nothing, send))
    assert sent[0]["status"] == 200
    assert b"".join(message.get("body", b"") for message in sent) == b"begun ended"


def test_files_have_no_limit_of_time() -> None:
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(PATIENCE_S)
        await ok("whole")(scope, receive, send)

    async def send(message: Message) -> None:
        sent.append(message)

    run_still(GuardMiddleware(app, limit_s=0.01, raw_prefix="/files/")(_scope("/files/a"), _nothing, send))
    assert sent[0]["status"] == 200


def test_a_bug_after_the_answer_began_breaks_the_connection() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("late bug")

    async def send(message: Message) -> None:
        assert message.get("status") != 500

    with pytest.raises(RuntimeError, match="late bug"):
        asyncio.run(GuardMiddleware(app, limit_s=5, raw_prefix="/files/")(_scope("/x"), _nothing, send))


def test_a_body_that_drips_is_given_up() -> None:
    sent: list[Message] = []

    async def drip() -> Message:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b" ", "more_body": True}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("the body never arrived")

    async def send(message: Message) -> None:
        sent.append(message)

    middleware = BodyMiddleware(app, max_bytes=10**6, timeout_s=0.2, raw_prefix="/files/")
    run_still(middleware(_scope("/x", "POST"), drip, send))
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]


def test_a_client_that_leaves_in_its_body_is_answered_nothing() -> None:
    async def gone() -> Message:
        return {"type": "http.disconnect"}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("nobody is there")

    async def send(message: Message) -> None:
        raise AssertionError("nobody is there")

    middleware = BodyMiddleware(app, max_bytes=10, timeout_s=5, raw_prefix="/files/")
    asyncio.run(middleware(_scope("/x", "POST"), gone, send))


def test_who_finds_no_free_slot_is_turned_away() -> None:
    async def scene() -> None:
        go_on = Event()
        slots = Slots(1, wait_s=0.05, what="uploads")
        first = asyncio.create_task(slots.run(lambda: go_on.wait(PATIENCE_S)))
        await asyncio.sleep(0)
        with pytest.raises(BusyError, match="Too many uploads"):
            await slots.run(lambda: True)
        go_on.set()
        assert await first
        assert await slots.run(lambda: True)

    asyncio.run(scene())


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def _scope(path: str, method: str = "GET") -> dict[str, Any]:
    return {"type": "http", "method": method, "path": path, "query_string": b"", "headers": []}
