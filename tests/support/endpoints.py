"""A language model's endpoint that behaves as a test tells it to, over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Asked:
    """What came in and what became of the connection."""

    head: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    gone: asyncio.Event = field(default_factory=asyncio.Event)


_TURNS = 5
"""Of the event loop, until a connection that was accepted last is served: a task begun later outlives its loop."""
Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def endpoint(behaviour: Behaviour) -> AsyncIterator[tuple[str, Asked]]:
    """The base address of a server that does this to each request; none is left when it is closed."""
    asked = Asked()
    serving: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            asked.head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = int(
                next(line for line in asked.head.lower().split("\r\n") if "content-length" in line).split(":")[1]
            )
            asked.body = json.loads(await reader.readexactly(length))
            await behaviour(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            asked.gone.set()
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", asked
    finally:
        server.close()
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


def head(kind: str = "text/event-stream", status: str = "200 OK") -> bytes:
    """The beginning of an answer whose end is the end of the connection."""
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n".encode()


def event(text: str) -> bytes:
    """One piece of an answer."""
    return f"data: {json.dumps({'choices': [{'delta': {'content': text}}]})}\n\n".encode()


def says(*pieces: str) -> Behaviour:
    """Streams an answer, as it should be."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(head() + b": hello\n\n" + b'data: {"choices":[{"delta":{"role":"assistant"}}]}\n\n')
        for piece in pieces:
            writer.write(event(piece))
            await writer.drain()
        writer.write(b'data: {"choices":[],"usage":{"total_tokens":9}}\n\ndata: [DONE]\n\n')
        await writer.drain()

    return behave


def answers(body: bytes, *, kind: str = "application/json", status: str = "200 OK") -> Behaviour:
    """Answers with something whole."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(head(kind, status) + body)
        await writer.drain()

    return behave


def endless(piece: bytes, *, pause_s: float = 0.0, start: bytes = b"") -> Behaviour:
    """Never stops."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(head() + start)
        while not writer.transport.is_closing():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return behave


def hangs(start: bytes = b"") -> Behaviour:
    """Says so much and then nothing."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        await writer.drain()
        await _hung_up(writer)

    return behave


async def _hung_up(writer: asyncio.StreamWriter) -> None:
    """Until the other side has closed the connection."""
    with suppress(ConnectionError):
        await writer.wait_closed()
