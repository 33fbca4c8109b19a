"""Routes of families of tasks: those that all share, made for each, and the parts that hand-written ones are made of.

Annotations are evaluated here at once, not kept as texts: those of a family's routes name its own start model.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import Header, Path, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from avatarium.accounts.models import Principal
from avatarium.api.auth import MakerDep, PlatformDep, ReaderDep, base_url_of
from avatarium.api.envelope import Answer, ok
from avatarium.api.pagination import PageNum
from avatarium.api.routing import Params, Router
from avatarium.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    RequestError,
    ServiceError,
    TooFewCoinsError,
    TooLargeError,
    UnavailableError,
)
from avatarium.ids import LENGTH
from avatarium.platform import Platform
from avatarium.storage.fetch import checked_request
from avatarium.tasks.family import Family, StartModel
from avatarium.tasks.models import Task
from avatarium.tasks.service import BATCH_MAX, KEY_MAX
from avatarium.tasks.states import State

PREFIX = "/api/v1"
ID_MAX = 4 * LENGTH
POLL_S = 0.1
ANSWER_S = 5.0
"""Of a request's time limit, kept for the answer."""
RETRY_S = 10.0
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

EXAMPLE_ID = "64f0c0ffee0000000000a001"
RECORD = {
    "_id": EXAMPLE_ID,
    "name": "My task",
    "current_status": "initialized",
    "coins": 13,
    "result_url": "",
    "cover_url": "",
    "failed_message": "",
    "failed_code": "",
    "progress": 0,
    "engine": "avatarium-photo",
    "createdAt": "2025-01-02T03:04:05.678Z",
    "updatedAt": "2025-01-02T03:04:05.678Z",
    "queue_position": 0,
    "eta_s": 6.5,
}
"""An example of the fields that all records have."""
STARTS = (TooFewCoinsError, ForbiddenError, NotFoundError, ConflictError)
"""What every start call may answer with, beyond what every call may."""

IdempotencyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", max_length=KEY_MAX, description="The same key makes and costs only once."),
]
PathId = Annotated[str, Path(alias="_id", max_length=ID_MAX, description="The `_id` of the task.")]


class Records(PageNum):
    """Which records."""

    status: str = Field("", max_length=32, description="Only those in this state.")


class Named(BaseModel):
    """One task, named in the body."""

    model_config = ConfigDict(populate_by_name=True, extra="ignore")

    id: str = Field(alias="_id", max_length=ID_MAX, description="The `_id` of the task.")


class Batch(BaseModel):
    """Several tasks."""

    model_config = ConfigDict(extra="ignore")

    ids: list[Annotated[str, Field(max_length=ID_MAX)]] = Field(
        max_length=BATCH_MAX, description=f"The `_id`s of tasks, at most {BATCH_MAX}."
    )


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


Seat = Callable[[Platform, Request, Principal], Desk]
"""Where the calls of one family are answered for one request."""


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


def family_routers(families: Mapping[str, Family[Any]]) -> Iterator[Router]:
    """The routes of every family that has no module of its own among the routes."""
    for family in families.values():
        if family.generic:
            yield family_router(family)


def family_router(family: Family[Any]) -> Router:
    """Start, list, look at, cancel, retry and delete the tasks of a family."""
    router = Router(family.group)
    base = f"{PREFIX}/{family.name}"
    record = RECORD | example_of(family) | dict(family.shows)
    _add_start(router, base, family, record)
    add_reading(router, base, record, partial(Desk, family))
    add_changing(router, base, record, partial(Desk, family))
    return router


def _add_start(router: Router, base: str, family: Family[Any], record: dict[str, Any]) -> None:
    model: Any = family.start

    @router.serve(
        f"POST {base}/start",
        title="Start a task",
        request=example_of(family),
        answer=record,
        returns=dict[str, Any],
        errors=(*STARTS, TooLargeError),
    )
    def start(
        params: Annotated[model, Params],
        request: Request,
        caller: MakerDep,
        platform: PlatformDep,
        key: IdempotencyKey = None,
    ) -> Answer:
        """Check the request, hold its price and queue the work. Poll the detail call until its status is final."""
        desk = Desk(family, platform, request, caller)
        return ok(desk.shown(desk.start(params, key)))


def add_reading(router: Router, base: str, record: dict[str, Any], seat: Seat) -> None:
    """Lists and details. Whatever else is read below ``base`` comes before, or would be taken for an ``_id``."""

    @router.serve(
        f"GET {base}/allRecords",
        title="List tasks",
        request={"pageNum": 1, "pageSize": 10},
        answer={"rows": [record], "list": [record], "count": 1},
        returns=dict[str, Any],
    )
    def all_records(
        params: Annotated[Records, Params], request: Request, caller: ReaderDep, platform: PlatformDep
    ) -> Answer:
        """Your tasks that have not expired, newest first. `list` is the same as `rows`."""
        return ok(seat(platform, request, caller).page(params))

    @router.serve(
        f"POST {base}/batchDetail",
        title="Details of several tasks",
        request={"ids": [EXAMPLE_ID]},
        answer=[record],
        returns=list[dict[str, Any]],
    )
    def batch_detail(
        params: Annotated[Batch, Params], request: Request, caller: ReaderDep, platform: PlatformDep
    ) -> Answer:
        """Those of these tasks that are there: match them by `_id`, not by order."""
        return ok(seat(platform, request, caller).batch(params.ids))

    @router.serve(
        f"GET {base}/{{_id}}",
        title="Get task detail",
        answer=record,
        returns=dict[str, Any],
    )
    def detail(task_id: PathId, request: Request, caller: ReaderDep, platform: PlatformDep) -> Answer:
        """One task: poll this until its status is final."""
        desk = seat(platform, request, caller)
        return ok(desk.shown(desk.get(task_id)))


def add_changing(router: Router, base: str, record: dict[str, Any], seat: Seat) -> None:
    """Deleting, cancelling and trying again."""

    @router.serve(
        f"DELETE {base}/{{_id}}",
        title="Delete task",
        answer={"_id": EXAMPLE_ID},
        returns=dict[str, str],
    )
    def delete(task_id: PathId, request: Request, caller: MakerDep, platform: PlatformDep) -> Answer:
        """Take a task out of every list; one that is not done is cancelled first, and its coins are given back."""
        return ok(seat(platform, request, caller).delete(task_id))

    @router.serve(
        f"POST {base}/{{_id}}/cancel",
        title="Cancel a task",
        request={},
        answer=record | {"current_status": "failed", "failed_code": "cancelled"},
        returns=dict[str, Any],
    )
    def cancel(task_id: PathId, request: Request, caller: MakerDep, platform: PlatformDep) -> Answer:
        """Stop a task, wherever it is, and give its coins back. One that is done stays as it is."""
        desk = seat(platform, request, caller)
        return ok(desk.shown(desk.cancel(task_id)))

    @router.serve(
        f"POST {base}/retry",
        title="Try a task again",
        request={"_id": EXAMPLE_ID},
        answer=record,
        returns=dict[str, Any],
        errors=STARTS,
    )
    def retry(params: Annotated[Named, Params], request: Request, caller: MakerDep, platform: PlatformDep) -> Answer:
        """Do a task again that failed or was cancelled. It costs what it costs now."""
        desk = seat(platform, request, caller)
        return ok(desk.shown(desk.retry(params.id)))


def example_of(family: Family[Any]) -> dict[str, Any]:
    """A start call for the documentation, out of the fields' own examples and defaults."""
    example: dict[str, Any] = {}
    for name, info in family.start.model_fields.items():
        key = info.alias or name
        if info.examples:
            example[key] = info.examples[0]
        elif info.is_required():
            example[key] = f"https://files.example/{name}" if name.endswith("url") else name
    return example
