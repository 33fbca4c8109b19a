"""Speech that is sent on while a worker makes it: pieces are taken from the storage as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import structlog
from fastapi import Request
from starlette.concurrency import run_in_threadpool

from avatarium.api.awaiting import give_up
from avatarium.api.desk import problem_of
from avatarium.errors import AvatariumError, RequestError, TooLargeError
from avatarium.families.audio_speech import FAMILY, part_key, parts_prefix
from avatarium.platform import Platform
from avatarium.tasks.models import Task
from avatarium.tasks.states import State

log = structlog.get_logger(__name__)

POLL_S = 0.05
LOOKS_A_TASK = 5
"""Looks for the next piece for every look at the task itself."""


class Parts:
    """The pieces of one speech, in order. For one request."""

    def __init__(self, platform: Platform, request: Request, task: Task) -> None:
        self._platform = platform
        self._request = request
        self._task = task
        self._until_s = platform.clock.monotonic_s() + platform.settings.speech_wait_s
        self._next = 0

    async def first(self) -> bytes:
        """The first piece; a speech whose client went away before is cancelled and costs nothing.

        Raises:
            ServiceError: it failed.
            TooLargeError: ``takes_too_long``.
            RequestError: ``client_gone``; nobody reads it.
        """
        piece = await self._piece()
        return piece or b""

    async def sent(self, first: bytes) -> AsyncIterator[bytes]:
        """All pieces; what was begun to be listened to is made to its end and paid for. The pieces go afterwards."""
        try:
            yield first
            while (piece := await self._piece()) is not None:
                yield piece
        except AvatariumError as problem:
            log.warning("speech broke off", task=self._task.id, reason=problem.code)
            raise
        finally:
            if self._task.state.is_final:
                await asyncio.shield(run_in_threadpool(self._platform.storage.delete_prefix, self._folder))

    @property
    def _folder(self) -> str:
        return parts_prefix(self._task).rsplit("/", 1)[0] + "/"

    async def _piece(self) -> bytes | None:
        """The next piece when it is there; None behind the last."""
        looks = 0
        while True:
            found = await run_in_threadpool(self._look, looks % LOOKS_A_TASK == 0)
            if found is not None:
                self._next += 1
                return found
            if self._task.state is State.COMPLETED and self._next >= self._task.result["parts"]:
                return None
            await self._may_wait()
            looks += 1
            await asyncio.sleep(POLL_S)

    def _look(self, at_task: bool) -> bytes | None:
        key = part_key(self._task, self._next)
        if at_task and not self._task.state.is_final:
            self._task = self._platform.tasks.get(self._task.user_id, FAMILY, self._task.id)
        if self._platform.storage.stat(key) is None:
            return None
        return b"".join(self._platform.storage.read(key))

    async def _may_wait(self) -> None:
        if self._task.state.is_final and self._task.state is not State.COMPLETED:
            raise problem_of(self._task)
        if not self._next and await self._request.is_disconnected():
            await give_up(self._platform, FAMILY, self._task)
            raise RequestError("The client went away.", code="client_gone")
        if self._platform.clock.monotonic_s() > self._until_s:
            await give_up(self._platform, FAMILY, self._task)
            raise TooLargeError(
                "It takes longer than a request may last; nothing was charged. Send less at once.",
                code="takes_too_long",
            )
