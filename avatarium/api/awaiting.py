"""Waiting for a task on behalf of a client that keeps its request open, longer than other requests may last."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from fastapi import Request
from starlette.concurrency import run_in_threadpool

from avatarium.api.desk import POLL_S, problem_of
from avatarium.errors import AvatariumError, RequestError, TooLargeError
from avatarium.platform import Platform
from avatarium.tasks.family import Family
from avatarium.tasks.models import Task
from avatarium.tasks.states import State

log = structlog.get_logger(__name__)

SLOWEST_POLL_S = 1.0


async def completed(platform: Platform, request: Request, family: Family[Any], task: Task) -> Task:
    """The task when it is done; one whose client went away, or that takes too long, is cancelled and costs nothing.

    Raises:
        ServiceError: it failed.
        TooLargeError: ``takes_too_long``.
        RequestError: ``client_gone``; nobody reads it.
    """
    until_s = platform.clock.monotonic_s() + platform.settings.speech_wait_s
    poll_s = POLL_S
    while not task.state.is_final:
        if await request.is_disconnected():
            await give_up(platform, family, task)
            raise RequestError("The client went away.", code="client_gone")
        if platform.clock.monotonic_s() > until_s:
            await give_up(platform, family, task)
            raise TooLargeError(
                "It takes longer than a request may last; nothing was charged. Send less at once.",
                code="takes_too_long",
            )
        await asyncio.sleep(poll_s)
        poll_s = min(poll_s * 1.1, SLOWEST_POLL_S)
        task = await run_in_threadpool(platform.tasks.get, task.user_id, family, task.id)
    if task.state is not State.COMPLETED:
        raise problem_of(task)
    return task


async def give_up(platform: Platform, family: Family[Any], task: Task) -> None:
    """Cancel a task for which nobody waits any more; what stops that is logged, as there is nobody to tell."""
    try:
        await run_in_threadpool(platform.tasks.cancel, task.user_id, family, task.id)
    except AvatariumError as problem:
        log.warning("task could not be given up", task=task.id, reason=problem.code)
