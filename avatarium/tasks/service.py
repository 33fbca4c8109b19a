"""What can be asked of tasks, and the only code that changes their state.

Every change of state is one transaction with the coins that it moves: a task is written, paid and queued together, and
it ends, is settled or refunded, and is announced together. Two who want to end it race for one row; one wins.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sqlalchemy import Connection

from avatarium.accounts import ledger
from avatarium.accounts.models import Principal
from avatarium.clock import DAY_MS, Clock
from avatarium.database import Database
from avatarium.errors import BusyError, ConflictError, NotFoundError
from avatarium.ids import new_id
from avatarium.prices import Price, Unit
from avatarium.settings import Settings
from avatarium.tasks import notices, repository
from avatarium.tasks.family import NAME_MAX, Desk, Family, Plan
from avatarium.tasks.models import Task
from avatarium.tasks.start import StartModel
from avatarium.tasks.states import FINAL, State

BATCH_MAX = 200
KEY_MAX = 256
EXACT = "price_is_exact"
"""Among a task's facts: its price was known, and not estimated, when it was accepted."""
LANGUAGE = "language"
"""The fact that keeps the caller's language: a retry is planned in it too."""
DELETE_ATTEMPTS = 3
"""A task that is tried again while it is being deleted is cancelled again, so many times."""
SOON_S = 30.0
"""When it is worth to come again where too many tasks wait."""


class Dispatcher(Protocol):
    """Puts a task's workflow into its queue, inside a transaction of ours."""

    def enqueue(self, c: Connection, task: Task) -> None: ...

    def withdraw(self, task: Task) -> None:
        """Take a workflow that nobody has begun out of its queue, where it would only wait to find nothing to do."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an open task stands."""

    position: int
    """Tasks that wait in front of it; 0 when it runs."""
    eta_s: float
    """Seconds until it is likely to be done."""


class Tasks:
    """Tasks of all families."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        settings: Settings,
        families: Mapping[str, Family[Any]],
        dispatcher: Dispatcher,
        desk: Callable[[str, str], Desk],
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._families = families
        self._dispatcher = dispatcher
        self._desk = desk

    # What users ask

    def submit(
        self,
        owner: Principal,
        family: Family[Any],
        start: StartModel,
        *,
        idempotency_key: str | None = None,
        language: str = "",
    ) -> Task:
        """Accept a task: check it, hold its price, write and queue it. The same idempotency key gives the same task.

        Raises:
            TooFewCoinsError: the balance is smaller than the price.
            BusyError: too many tasks wait.
            ConflictError: the idempotency key was used for another request.
            InputError, ServiceError: the request cannot be done.
        """
        digest = _digest(family, start)
        if idempotency_key and (known := self._replayed(owner.user_id, idempotency_key, digest)):
            return known
        plan = family.plan(start, self._desk(owner.user_id, language))
        plan = replace(plan, facts={**plan.facts, LANGUAGE: language})
        task = self._new(owner, family, start, plan, digest, idempotency_key)
        with self._database.write() as c:
            self._check_room(c, owner.user_id)
            if repository.add(c, task):
                family.admit(c, task)
                self._pay_and_queue(c, task)
                return task
        replayed = self._replayed(owner.user_id, idempotency_key or "", digest)
        assert replayed is not None
        return replayed

    def quote(self, owner: Principal, family: Family[Any], start: StartModel, *, language: str = "") -> Plan:
        """What a start call would cost, without making it.

        Raises:
            InputError, ServiceError: it would be refused.
        """
        return family.plan(start, self._desk(owner.user_id, language))

    def get(self, owner: str, family: Family[Any], task_id: str) -> Task:
        """One task.

        Raises:
            NotFoundError: there is none, or it is somebody else's.
        """
        with self._database.read() as c:
            task = repository.find(c, task_id, owner=owner, family=family.name)
        return task if task is not None else _missing()

    def find(self, owner: str, task_id: str) -> tuple[Task, Family[Any]]:
        """One task of any family.

        Raises:
            NotFoundError: there is none, or it is somebody else's.
        """
        with self._database.read() as c:
            task = repository.find(c, task_id, owner=owner)
        family = self._families.get(task.family) if task is not None else None
        return (task, family) if task is not None and family is not None else _missing()

    def many(self, owner: str, family: Family[Any], ids: Sequence[str]) -> list[Task]:
        """Those of these tasks that are there."""
        with self._database.read() as c:
            return repository.find_many(c, ids[:BATCH_MAX], owner=owner, family=family.name)

    def page(
        self,
        owner: str,
        family: Family[Any],
        *,
        states: Sequence[State] = (),
        since_ms: int = 0,
        offset: int = 0,
        limit: int = 100,
    ) -> tuple[list[Task], int]:
        """Tasks that have not expired, newest first, and how many there are in all."""
        now_ms = self._clock.now_ms()
        with self._database.read() as c:
            return repository.page(
                c,
                owner=owner,
                family=family.name,
                now_ms=now_ms,
                states=states,
                since_ms=since_ms,
                offset=offset,
                limit=limit,
            )

    def standing(self, task: Task) -> Standing | None:
        """Where a task stands that is not done; None where it is."""
        if task.state.is_final:
            return None
        left_s = task.expected_s * (100 - task.progress) / 100
        if task.state is State.PROCESSING:
            return Standing(position=0, eta_s=left_s)
        with self._database.read() as c:
            position, before_s = repository.ahead(c, task)
        slots = max(self._settings.workers, 1) * max(
            self._settings.media_slots if task.queue == "media" else self._settings.quick_slots, 1
        )
        return Standing(position=position, eta_s=before_s / slots + left_s)

    def cancel(self, owner: str, family: Family[Any], task_id: str) -> Task:
        """Stop a task, wherever it is, and give its coins back. One that is done stays as it is."""
        task = self.get(owner, family, task_id)
        ended = self.finish(task, State.CANCELLED, failed_code="cancelled", failed_message="You cancelled it.")
        if ended and task.state is State.INITIALIZED:
            self._dispatcher.withdraw(task)
        return self.get(owner, family, task_id)

    def delete(self, owner: str, family: Family[Any], task_id: str) -> Task:
        """Take a task out of every list; one that is not done is cancelled first. Its files go within a day: an address
        of them may still be in use.

        Raises:
            NotFoundError: there is none.
            ConflictError: it is tried again and again meanwhile.
        """
        for _ in range(DELETE_ATTEMPTS):
            task = self.cancel(owner, family, task_id)
            with self._database.write() as c:
                now_ms = self._clock.now_ms()
                if repository.mark_deleted(c, task, now_ms=now_ms):
                    self._forget(c, replace(task, deleted_ms=now_ms), now_ms)
                    return task
        raise ConflictError("It is being tried again just now. Delete it then.", code="task_not_final")

    def retry(self, owner: Principal, family: Family[Any], task_id: str) -> Task:
        """Try a task again that failed or was cancelled. It costs what it costs now.

        Raises:
            ConflictError: it did not fail.
        """
        task = self.get(owner.user_id, family, task_id)
        if task.state not in (State.FAILED, State.CANCELLED):
            raise ConflictError("Only a task that failed can be tried again.", code="task_not_failed")
        start = family.start.model_validate(task.request)
        language = str(task.facts.get(LANGUAGE, ""))
        plan = family.plan(start, self._desk(owner.user_id, language))
        plan = replace(plan, facts={**plan.facts, LANGUAGE: language})
        now_ms = self._clock.now_ms()
        fresh = {
            **{"state": State.INITIALIZED.value, "progress": 0, "starts": 0, "result": {}, "charged": 0},
            **{"failed_code": "", "failed_message": "", "started_ms": None, "finished_ms": None, "expires_ms": None},
        }
        with self._database.write() as c:
            self._check_room(c, owner.user_id)
            planned = {
                **{"price": plan.price.amount, "unit": plan.price.unit.value, "expected_s": plan.expected_s},
                **{"facts": _facts(plan), "queue": (plan.queue or family.queue).value, "updated_ms": now_ms},
                "engine": plan.engine or family.engine,
            }
            if not repository.reopen(c, task, **fresh, **planned):
                raise ConflictError("It is being tried again or deleted already.", code="task_not_failed")
            again = repository.find(c, task_id, owner=owner.user_id)
            assert again is not None
            family.admit(c, again)
            self._pay_and_queue(c, again)
        return again

    # What workers say

    def begin(self, task_id: str, attempt: int) -> Task | None:
        """A worker takes a task up; None where there is nothing to do any more."""
        with self._database.write() as c:
            task = repository.find(c, task_id, owner=None)
            if task is None or task.attempt != attempt or task.state.is_final:
                return None
            now_ms = self._clock.now_ms()
            values = {"starts": task.starts + 1, "started_ms": task.started_ms or now_ms, "updated_ms": now_ms}
            repository.advance(c, task, state=State.PROCESSING.value, **values)
            return repository.find(c, task_id, owner=None)

    def hand_back(self, task_id: str, attempt: int) -> None:
        """A worker that was asked to stop lets go of a task; that it began it does not count against the task."""
        with self._database.write() as c:
            task = repository.find(c, task_id, owner=None)
            if task is not None and task.attempt == attempt:
                repository.advance(c, task, starts=max(task.starts - 1, 0))

    def is_wanted(self, task: Task) -> bool:
        """Whether an attempt still runs for somebody: not cancelled, not ended by another worker."""
        with self._database.read() as c:
            now = repository.find(c, task.id, owner=None)
        return now is not None and now.attempt == task.attempt and not now.state.is_final

    def progress(self, task: Task, percent: int) -> None:
        """Note how far a task is."""
        with self._database.write() as c:
            repository.advance(c, task, progress=percent, updated_ms=self._clock.now_ms())

    def reprice(self, task: Task, price: Price) -> Task:
        """Put the measured price in place of an estimate, before the work is done; the time that is expected goes with
        it. A price that was exact stands.

        Raises:
            TooFewCoinsError: it is higher, and the balance does not cover the difference.
        """
        with self._database.write() as c:
            now = repository.find(c, task.id, owner=None)
            settled = now is None or now.facts.get(EXACT, False) or now.price == price.amount
            # The task's row before the user's, as everywhere: two that want both must not wait for each other.
            if now is None or settled or not self._measured(c, now, price):
                return now or task
            if price.amount > now.price:
                ledger.raise_hold(
                    c,
                    task.user_id,
                    price.amount - now.price,
                    subject=task.subject,
                    why=f"measured-{price.amount}",
                    now_ms=self._clock.now_ms(),
                )
            return repository.find(c, task.id, owner=None) or task

    def _measured(self, c: Connection, task: Task, price: Price) -> bool:
        share = price.amount / task.price if task.price else 1.0
        return repository.advance(c, task, price=price.amount, expected_s=task.expected_s * share)

    def finish(
        self,
        task: Task,
        state: State,
        *,
        result: Mapping[str, Any] | None = None,
        failed_code: str = "",
        failed_message: str = "",
    ) -> bool:
        """End an attempt: state, coins and notice in one transaction. False where it had ended already."""
        assert state in FINAL
        now_ms = self._clock.now_ms()
        done = state is State.COMPLETED
        with self._database.write() as c:
            now = repository.find(c, task.id, owner=None)
            if now is None or now.attempt != task.attempt:
                return False
            values: dict[str, Any] = {
                **{"state": state.value, "failed_code": failed_code, "failed_message": failed_message},
                **{"finished_ms": now_ms, "updated_ms": now_ms, "charged": now.price if done else 0},
                "expires_ms": self._expiry_ms(now, now_ms, done=done),
            }
            if done:
                values |= {"progress": 100, "result": dict(result or {})}
            if not repository.advance(c, now, **values):
                return False
            if done:
                ledger.settle(c, task.user_id, now.price, subject=task.subject, now_ms=now_ms)
            else:
                ledger.refund(c, task.user_id, subject=task.subject, now_ms=now_ms)
                self._forget(c, replace(now, state=state), now_ms)
            notices.announce(c, now, state, now_ms=now_ms)
        return True

    # Inside

    def _forget(self, c: Connection, task: Task, now_ms: int) -> None:
        family = self._families.get(task.family)
        if family is not None:
            family.forget(c, task, self._desk(task.user_id, ""), now_ms=now_ms)

    def _expiry_ms(self, task: Task, now_ms: int, *, done: bool) -> int | None:
        family = self._families.get(task.family)
        if done and family is not None and family.lasting:
            return None
        return now_ms + round(self._settings.result_days * DAY_MS)

    def _replayed(self, owner: str, key: str, digest: str) -> Task | None:
        with self._database.read() as c:
            known = repository.find_by_key(c, key, owner=owner)
        if known is not None and known.request_hash != digest:
            raise ConflictError(
                "This Idempotency-Key was used for another request. Use a new key for a new request.",
                code="idempotency_key_reused",
            )
        return known

    def _new(
        self, owner: Principal, family: Family[Any], start: StartModel, plan: Plan, digest: str, key: str | None
    ) -> Task:
        now_ms = self._clock.now_ms()
        return Task(
            id=new_id(),
            user_id=owner.user_id,
            family=family.name,
            name=plan.name[:NAME_MAX],
            state=State.INITIALIZED,
            progress=0,
            request=start.model_dump(mode="json", exclude={"webhook_url", "webhook_token"}),
            facts=_facts(plan),
            result={},
            unit=plan.price.unit.value,
            price=plan.price.amount,
            charged=0,
            priority=family.priority,
            queue=(plan.queue or family.queue).value,
            attempt=1,
            starts=0,
            expected_s=plan.expected_s,
            engine=plan.engine or family.engine,
            idempotency_key=key,
            request_hash=digest,
            webhook_url=start.webhook_url,
            webhook_token=start.webhook_token,
            failed_code="",
            failed_message="",
            created_ms=now_ms,
            updated_ms=now_ms,
            started_ms=None,
            finished_ms=None,
            expires_ms=None,
            deleted_ms=None,
        )

    def _pay_and_queue(self, c: Connection, task: Task) -> None:
        if task.price:
            note = f"{task.family} {task.name}".strip()
            unit = Unit(task.unit)
            ledger.hold(c, task.user_id, task.price, subject=task.subject, note=note, now_ms=task.updated_ms, unit=unit)
        self._dispatcher.enqueue(c, task)

    def _check_room(self, c: Connection, owner: str) -> None:
        if repository.count_open(c, owner=owner) >= self._settings.user_open:
            raise BusyError(
                f"{self._settings.user_open} tasks of yours are waiting or running, which is the limit. "
                "Wait for some to end, or cancel some.",
                code="too_many_tasks",
                retry_after_s=SOON_S,
            )
        if repository.count_open(c) >= self._settings.queue_max:
            raise BusyError("Too many tasks are waiting. Try again later.", code="queue_full", retry_after_s=SOON_S)


def _facts(plan: Plan) -> dict[str, Any]:
    return {**plan.facts, EXACT: plan.measured}


def _digest(family: Family[Any], start: StartModel) -> str:
    canonical = json.dumps([family.name, start.model_dump(mode="json")], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _missing() -> Any:
    raise NotFoundError("There is no such task. Check the _id.", code="task_not_found")
