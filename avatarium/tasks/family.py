"""What a kind of task is: what starts it, what it costs, what it does and how its record is shown.

A new capability is one new file in ``families/`` with one subclass of :class:`Family`. Its routes, its queue, its money
and its crash safety come from here.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol

from sqlalchemy import Connection

from avatarium.clock import iso
from avatarium.prices import Price, Prices
from avatarium.tasks.start import Start
from avatarium.tasks.start import StartModel as StartModel
from avatarium.tasks.states import TASK_WORDS, Vocabulary

if TYPE_CHECKING:
    from avatarium.catalogue.service import Catalogue
    from avatarium.storage.service import Storage
    from avatarium.tasks.job import Job
    from avatarium.tasks.models import Task

NAME_MAX = 256


class Queue(StrEnum):
    """Which kind of slot a task waits for."""

    QUICK = "quick"
    """Seconds: somebody waits for the answer."""
    MEDIA = "media"


@dataclass(frozen=True, slots=True)
class Step(Generic[Start]):
    """One part of a task's work, done in a media process. What it returns is kept: after a crash it is not done again.

    It must be idempotent, and must not count on files of an earlier step in the scratch folder: another machine may
    have done that one. :meth:`Job.fetch` fetches what is missing.
    """

    name: str
    run: Callable[[Job[Start]], dict[str, Any]]
    weight: float = 1.0
    """Share of the progress, in proportion to the other steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is known about a task before it is accepted."""

    price: Price
    expected_s: float
    """How long the work will take, in seconds."""
    name: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    """JSON that the steps and the record need, such as which avatar it is."""
    measured: bool = True
    """False where the price is an estimate, to be measured when the input has been fetched."""
    queue: Queue | None = None
    """Where this task waits, if not where its family does."""
    engine: str = ""
    """What makes the result, if not what the family names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a family may look at when it makes a plan. Nothing slow: no network, no media."""

    owner: str
    prices: Prices
    catalogue: Catalogue
    storage: Storage
    language: str = ""
    """The caller's ``x-lang``."""
    consent_required: bool = False
    """Whether avatars and voices of people are made only with their consent on record (``twin_consent_required``)."""
    voices_max: int = 0
    """Cloned voices that one user may have."""
    dubbing_max_s: float = 7200.0
    """Longest video or recording that is dubbed."""
    dubbing_clones: bool = False
    """Whether people in dubbed videos get clones of their own voices where nothing else is asked for."""
    translates: bool = False
    """Whether a translation service of the operator's own takes any pair of languages."""

    def seconds_of(self, url: str) -> float | None:
        """How long a recording or video of ours is; None for what lies elsewhere."""
        stored = self.storage.readable(url, self.owner)
        return stored.duration_s if stored else None


class Links(Protocol):
    """Makes addresses of stored files, for one answer."""

    def url(self, key: str) -> str:
        """The signed address of a file; empty for an empty key."""
        ...


class Family(ABC, Generic[Start]):
    """A kind of task. Subclass it, and put one instance in a module of ``families/``."""

    name: ClassVar[str]
    """The path segment of its routes, and what the records are stored under."""
    group: ClassVar[str]
    """The group of the API that it belongs to, as the documentation calls it."""
    start: type[Start]
    steps: tuple[Step[Start], ...]
    queue: ClassVar[Queue] = Queue.MEDIA
    engine: ClassVar[str]
    """Which engine makes the result; shown in the record."""
    priority: ClassVar[int] = 100
    words: ClassVar[Vocabulary] = TASK_WORDS
    status_field: ClassVar[str] = "current_status"
    shows: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """Examples of what its records have besides the fields that all have and those of the start call."""
    generic: ClassVar[bool] = True
    """Whether its routes are those that all families share; others have a module in ``api/routes``."""
    lasting: ClassVar[bool] = False
    """Whether a completed task stays until it is deleted, as what it made does, instead of expiring."""
    limit_s: ClassVar[float] = math.inf
    """Working time after which a task is given up, where that is sooner than ``task_time_limit_s`` of the settings."""

    @abstractmethod
    def plan(self, start: Start, desk: Desk) -> Plan:
        """Check what the request names, and price it.

        Raises:
            InputError, ServiceError: it cannot be done.
        """

    def admit(self, c: Connection, task: Task) -> None:  # noqa: B027 - most take whatever comes
        """Look once more at a task that has just been written, in the transaction that writes it; what is raised undoes
        it. For what depends on the other tasks of its owner.

        Raises:
            ServiceError: it cannot be taken now.
        """

    def warm_up(self) -> None:  # noqa: B027 - most have nothing to load
        """Load in a media process what the steps will need, so that the first task does not wait for it."""

    def measured_price(self, start: Start, results: dict[str, Any], prices: Prices) -> Price | None:
        """The exact price once a step has measured the input; None where the plan's stands."""
        return None

    def forget(self, c: Connection, task: Task, desk: Desk, *, now_ms: int) -> None:  # noqa: B027 - most keep nothing
        """Undo what the steps of a task wrote beside its results, in the transaction that ends an attempt other than
        completed, or deletes the task. It may be called when there is nothing, and more than once.

        Args:
            task: as it is then: ``deleted_ms`` tells whether it is deleted.
        """

    def view(self, task: Task, links: Links) -> dict[str, Any]:
        """The family's own fields of the record; :meth:`record` adds those that all have."""
        return {}

    def record(self, task: Task, links: Links) -> dict[str, Any]:
        """The record as clients read it."""
        return {**common_record(task, links, self), **self.view(task, links)}

    @property
    def paths(self) -> tuple[str, ...]:
        """Where tasks are started, for ``generation/quote``: below ``/api/v1``, lower case."""
        return (f"/{self.name}/start".lower(),)


def common_record(task: Task, links: Links, family: Family[Any]) -> dict[str, Any]:
    """The fields of every record. Ours are ``progress`` and ``engine``; the rest are A2E's."""
    return {
        "_id": task.id,
        "name": task.name,
        family.status_field: family.words[task.state],
        "coins": task.charged if task.state.is_final else task.price,
        "result_url": links.url(task.result.get("key", "")),
        "cover_url": links.url(task.result.get("cover_key", "")),
        "failed_message": task.failed_message,
        "failed_code": task.failed_code,
        "progress": task.progress,
        "engine": task.engine,
        "createdAt": iso(task.created_ms),
        "updatedAt": iso(task.updated_ms),
    }
