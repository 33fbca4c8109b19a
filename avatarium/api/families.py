"""Calls of families of tasks: those that all have, and the routers of families that have no others.

Annotations are evaluated here at once, not kept as texts: those of a family's routes name its own start model.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Annotated, Any

from fastapi import Header, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from avatarium.accounts.models import Principal
from avatarium.api.auth import MakerDep, PlatformDep, ReaderDep
from avatarium.api.desk import Desk, Records
from avatarium.api.envelope import Answer, ok
from avatarium.api.routing import Params, Router
from avatarium.errors import ConflictError, ForbiddenError, NotFoundError, TooFewCoinsError, TooLargeError
from avatarium.ids import LENGTH
from avatarium.platform import Platform
from avatarium.tasks.family import Family
from avatarium.tasks.service import BATCH_MAX, KEY_MAX

PREFIX = "/api/v1"
ID_MAX = 4 * LENGTH

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
SETTLED = {name: value for name, value in RECORD.items() if name not in ("queue_position", "eta_s")}
"""Those of a task that is over: it stands in no line."""
STARTS = (TooFewCoinsError, ForbiddenError, NotFoundError, ConflictError)
"""What every start call may answer with, beyond what every call may."""

IdempotencyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", max_length=KEY_MAX, description="The same key makes and costs only once."),
]
PathId = Annotated[str, Path(alias="_id", max_length=ID_MAX, description="The `_id` of the task.")]


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


Record = dict[str, Any]
Seat = Callable[[Platform, Request, Principal], Desk]
"""Where the calls of one family are answered for one request."""


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
    Calls(router, base, partial(Desk, family)).add_all(record, record)
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


class Calls:
    """The calls below one address that every family has, as one of them words them.

    Each is added by itself, where the documentation shall show it; whatever else is read below the address with GET
    must be declared too, as it would be taken for an ``_id`` otherwise.

    Args:
        base: the address, as ``/api/v1/video``.
        seat: where they are answered.
    """

    def __init__(self, router: Router, base: str, seat: Seat) -> None:
        self._router = router
        self._base = base
        self._seat = seat

    def add_all(self, record: Record, started: Record) -> None:
        """Every one of them, in the words that fit any family.

        Args:
            record: an example of a task's record.
            started: an example of one that is under way.
        """
        self.records(record)
        self.batch(record)
        self.detail(record)
        self.delete()
        self.cancel(started | {"current_status": "failed", "failed_code": "cancelled"})
        self.retry(started)

    def records(
        self,
        record: Record,
        name: str = "allRecords",
        title: str = "List tasks",
        says: str = "Your tasks that have not expired, newest first. `list` is the same as `rows`.",
        request: Record | None = None,
    ) -> None:
        """Records by the page."""

        @self._router.serve(
            f"GET {self._base}/{name}",
            title=title,
            says=says,
            request=request or {"pageNum": 1, "pageSize": 10},
            answer={"rows": [record], "list": [record], "count": 1},
            returns=dict[str, Any],
        )
        def records(
            params: Annotated[Records, Params], request: Request, caller: ReaderDep, platform: PlatformDep
        ) -> Answer:
            return ok(self._seat(platform, request, caller).page(params))

    def batch(
        self,
        record: Record,
        title: str = "Details of several tasks",
        says: str = "Those of these tasks that are there: match them by `_id`, not by order.",
    ) -> None:
        """Several records at once."""

        @self._router.serve(
            f"POST {self._base}/batchDetail",
            title=title,
            says=says,
            request={"ids": [EXAMPLE_ID]},
            answer=[record],
            returns=list[dict[str, Any]],
        )
        def batch_detail(
            params: Annotated[Batch, Params], request: Request, caller: ReaderDep, platform: PlatformDep
        ) -> Answer:
            return ok(self._seat(platform, request, caller).batch(params.ids))

    def detail(
        self,
        record: Record,
        title: str = "Get task detail",
        says: str = "One task: poll this until its status is final.",
    ) -> None:
        """One record."""

        @self._router.serve(f"GET {self._base}/{{_id}}", title=title, says=says, answer=record, returns=dict[str, Any])
        def detail(task_id: PathId, request: Request, caller: ReaderDep, platform: PlatformDep) -> Answer:
            desk = self._seat(platform, request, caller).of(task_id)
            return ok(desk.shown(desk.get(task_id)))

    def delete(
        self,
        title: str = "Delete task",
        says: str = "Take a task out of every list; one that is not done is cancelled first, and its coins are given "
        "back.",
    ) -> None:
        """Out of every list."""

        @self._router.serve(
            f"DELETE {self._base}/{{_id}}",
            title=title,
            says=says,
            answer={"_id": EXAMPLE_ID},
            returns=dict[str, str],
        )
        def delete(task_id: PathId, request: Request, caller: MakerDep, platform: PlatformDep) -> Answer:
            return ok(self._seat(platform, request, caller).of(task_id).delete(task_id))

    def cancel(
        self,
        record: Record,
        title: str = "Cancel a task",
        says: str = "Stop a task, wherever it is, and give its coins back. One that is done stays as it is.",
    ) -> None:
        """Stop it; ``record`` is an example of one that was stopped."""

        @self._router.serve(
            f"POST {self._base}/{{_id}}/cancel",
            title=title,
            says=says,
            request={},
            answer=record,
            returns=dict[str, Any],
        )
        def cancel(task_id: PathId, request: Request, caller: MakerDep, platform: PlatformDep) -> Answer:
            desk = self._seat(platform, request, caller).of(task_id)
            return ok(desk.shown(desk.cancel(task_id)))

    def retry(
        self,
        record: Record,
        title: str = "Try a task again",
        says: str = "Do a task again that failed or was cancelled. It costs what it costs now.",
    ) -> None:
        """Once more; ``record`` is an example of one that waits."""

        @self._router.serve(
            f"POST {self._base}/retry",
            title=title,
            says=says,
            request={"_id": EXAMPLE_ID},
            answer=record,
            returns=dict[str, Any],
            errors=STARTS,
        )
        def retry(
            params: Annotated[Named, Params], request: Request, caller: MakerDep, platform: PlatformDep
        ) -> Answer:
            desk = self._seat(platform, request, caller).of(params.id)
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
