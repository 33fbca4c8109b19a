"""What the calls of a family of tasks do: accept, look, stop, try again, wait, for one request of one caller."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from fastapi import Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from avatarium.accounts.models import Principal
from avatarium.api.auth import base_url_of
from avatarium.api.pagination import PageNum
from avatarium.errors import ConflictError, RequestError, ServiceError, TooLargeError, UnavailableError
from avatarium.platform import Platform
from avatarium.storage.fetch import checked_request
from avatarium.tasks.family import Family
from avatarium.tasks.models import Task
from avatarium.tasks.start import StartModel
from avatarium.tasks.states import State

POLL_S = 0.1
ANSWER_S = 5.0
"""Of a request's time limit, kept for the answer."""
RETRY_S = 10.0
WHOLE_MAX = 1000
"""Records that lists without pages give."""
BUGS = frozenset({"engine_bug", "engine_crashed", "interrupted", "unknown_family", "unknown_step"})
AWAY = frozenset(
    {
        "time_limit",
        "memory_limit",
        "out_of_memory",
        "storage_full",
        "storage_away",
        "espeak_broken",
        "voice_away",
        "voice_refused",
    }
)
"""Why a task failed, where it is not what was asked for that is wrong."""


class Records(PageNum):
    """Which records."""

    status: str = Field("", max_length=32, description="Only those in this state.")


class Desk:
    """What the routes of one family do, for one request.

    Args:
        request: whom to answer.
        caller: whoever makes the call; nobody else's tasks are seen.
    """

    def __init__(self, family: Family[Any], platform: Platform, request: Request, caller: Principal) -> None:
        self._family = family
        self._platform = platform
        self._request = request
        self._caller = caller

    def start(self, start: StartModel, key: str | None) -> Task:
        """Accept a task.

        Raises:
            ServiceError, InputError: see :meth:`Tasks.submit`; ``bad_webhook_url``.
        """
        check_webhook(start)
        return self._platform.tasks.submit(
            self._caller, self._family, start, idempotency_key=(key or "").strip() or None, language=self.language
        )

    async def awaited(self, start: StartModel, key: str | None) -> dict[str, Any]:
        """Start a short task and wait: its record at its end, or as it is when the time of the request is over.

        Raises:
            ServiceError: it was not accepted, or failed.
        """
        task = await ended(self._platform, await run_in_threadpool(self.start, start, key), self._family)
        if task.state.is_final and task.state is not State.COMPLETED:
            raise problem_of(task)
        return await run_in_threadpool(self.shown, task)

    @property
    def language(self) -> str:
        """The caller's ``x-lang``, empty where none is sent."""
        return self._request.headers.get("x-lang", "")[:16]

    def get(self, task_id: str) -> Task:
        """A task, or NotFoundError."""
        return self._platform.tasks.get(self._caller.user_id, self._family, task_id)

    def of(self, task_id: str) -> Desk:
        """Where one task's calls are answered: here, unless a group shows tasks of several families as one."""
        return self

    def shown(self, task: Task) -> dict[str, Any]:
        """A task's record as this client reads it."""
        return record_of(self._platform, self._request, self._family, task)

    def page(self, params: Records) -> dict[str, Any]:
        """``rows``, and the same as ``list`` for clients that look there, and ``count`` of all."""
        rows, count = self._platform.tasks.page(
            self._caller.user_id,
            self._family,
            states=states_of(self._family, params.status),
            offset=params.offset,
            limit=params.size,
        )
        records = self.all(rows)
        return {"rows": records, "list": records, "count": count}

    def whole(self, *states: State) -> list[dict[str, Any]]:
        """Records in these states, newest first, without pages."""
        rows, _ = self._platform.tasks.page(self._caller.user_id, self._family, states=states, limit=WHOLE_MAX)
        return self.all(rows)

    def all(self, tasks: Sequence[Task]) -> list[dict[str, Any]]:
        """Their records."""
        return [self.shown(task) for task in tasks]

    def batch(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Records of those that are there."""
        return self.all(self._platform.tasks.many(self._caller.user_id, self._family, ids))

    def cancel(self, task_id: str) -> Task:
        """Stop a task and give its coins back."""
        return self._platform.tasks.cancel(self._caller.user_id, self._family, task_id)

    def retry(self, task_id: str) -> Task:
        """Try a task again."""
        return self._platform.tasks.retry(self._caller, self._family, task_id)

    def delete(self, task_id: str) -> dict[str, str]:
        """Cancel a task if it is not done, and take it out of every list."""
        return {"_id": self._platform.tasks.delete(self._caller.user_id, self._family, task_id).id}


def record_of(platform: Platform, request: Request, family: Family[Any], task: Task) -> dict[str, Any]:
    """A task's record, with where it stands while it is open."""
    record = family.record(task, platform.links(base_url_of(request, platform)))
    standing = platform.tasks.standing(task)
    if standing is not None:
        record |= {"queue_position": standing.position, "eta_s": round(standing.eta_s, 1)}
    return record


def check_webhook(start: StartModel) -> None:
    """Refuse an address that no notice can be sent to, and a token that no header can carry.

    Raises:
        RequestError: ``bad_webhook_url``, ``bad_webhook_token``.
    """
    if not (start.webhook_token.isascii() and start.webhook_token.isprintable()):
        raise RequestError(
            "`webhook_token` goes into a header: use letters, digits and signs of ASCII only.", code="bad_webhook_token"
        )
    if start.webhook_url:
        try:
            checked_request(start.webhook_url)
        except RequestError as problem:
            raise RequestError(f"`webhook_url`: {problem.message}", code="bad_webhook_url") from problem


def states_of(family: Family[Any], word: str) -> tuple[State, ...]:
    """The states that a family's word stands for; none for no word, which is all.

    Raises:
        RequestError: ``unknown_status``.
    """
    if not word:
        return ()
    wanted = word.strip().lower()
    found = tuple(state for state in State if wanted in (state.value, family.words[state]))
    if wanted in ("pending", "sent"):
        found = (State.INITIALIZED,)
    if not found:
        known = ", ".join(dict.fromkeys(family.words.values()))
        raise RequestError(f"There is no status {word!r}. Choose from {known}.", code="unknown_status")
    return found


async def ended(platform: Platform, task: Task, family: Family[Any]) -> Task:
    """A task at its end, or as it is when the time of a request is nearly over."""
    limit_s = platform.settings.request_timeout_s
    until_s = platform.clock.monotonic_s() + limit_s - min(ANSWER_S, limit_s / 10)
    look = partial(platform.tasks.get, task.user_id, family, task.id)
    while not task.state.is_final and platform.clock.monotonic_s() < until_s:
        await asyncio.sleep(POLL_S)
        task = await run_in_threadpool(look)
    return task


def problem_of(task: Task) -> ServiceError:
    """Why a task failed, as the answer to the call that waited for it."""
    code, message = task.failed_code, task.failed_message
    if task.state is State.CANCELLED:
        return ConflictError("It was cancelled while it was made.", code="cancelled")
    if code in BUGS:
        return ServiceError(message, code=code)
    if code in AWAY or code.startswith("asset_"):
        return UnavailableError(message, code=code, retry_after_s=RETRY_S)
    return TooLargeError(message, code=code) if code == "quota" else RequestError(message, code=code)
