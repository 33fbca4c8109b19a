"""The durable workflow of one attempt of a task. DBOS keeps what each step returned; a worker that takes the attempt up
after a crash goes on behind the last finished step."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any, NoReturn, Protocol, TypeVar

import structlog
from dbos import DBOS

from avatarium.clock import Clock
from avatarium.errors import ServiceError, UnavailableError
from avatarium.prices import Price, Prices, Unit
from avatarium.tasks.durable import WORKFLOW
from avatarium.tasks.family import Family
from avatarium.tasks.models import Task
from avatarium.tasks.service import Tasks
from avatarium.tasks.slot import Slot, StepFailed, Unwanted
from avatarium.tasks.states import State

STARTS_MAX = 10
"""A task that takes its worker down this often is given up."""
TRIES = {"engine_crashed": 2, "storage_full": 4}
"""How often a step is tried that fails in a way that may pass."""
AWAY_S = 600.0
"""How long it is tried again for other reasons, as a database or storage that is away."""
PAUSE_S, PAUSE_MAX_S = 2.0, 30.0
"""Before the second try of a step; doubled every time."""
PROGRESS_S = 1.0
"""How often progress is written down."""
GUESS_MAX = 0.4
"""Of a step that has said nothing yet, never more than this is taken for done."""
log = structlog.get_logger()
Written = TypeVar("Written")


class Slots(Protocol):
    """Where a step finds a process to work in."""

    def take(self, queue: str) -> Slot: ...
    def give_back(self, queue: str, slot: Slot) -> None: ...


class TaskRunner:
    """Carries out attempts in one worker."""

    def __init__(
        self,
        tasks: Tasks,
        families: dict[str, Family[Any]],
        *,
        prices: Prices,
        slots: Slots,
        clock: Clock,
        limit_s: float,
    ) -> None:
        self._tasks = tasks
        self._families = families
        self._prices = prices
        self._slots = slots
        self._clock = clock
        self._limit_s = limit_s
        self._stopping = threading.Event()
        self.active: dict[str, float] = {}
        """Attempts that a thread of this process is at, and since when."""

    def stop(self) -> None:
        """Let go of all work without ending it: what its process says from now on is not believed."""
        self._stopping.set()

    def hand_back(self) -> None:
        """Note that this worker was asked to stop, so that its tasks are not blamed for it.

        Raises:
            UnavailableError: the database is away.
        """
        for workflow_id in list(self.active):
            task_id, _, attempt = workflow_id.partition(".")
            self._tasks.hand_back(task_id, int(attempt))

    def run(self, task_id: str, attempt: int) -> None:
        """Carry an attempt out to its end. What it has done before is not done again."""
        workflow_id = f"{task_id}.{attempt}"
        self.active[workflow_id] = self._clock.monotonic_s()
        try:
            task = self._persist(lambda: self._tasks.begin(task_id, attempt))
            if task is not None:
                self._carry_out(task)
        finally:
            self.active.pop(workflow_id, None)

    def _carry_out(self, task: Task) -> None:
        with structlog.contextvars.bound_contextvars(task=task.id, family=task.family):
            try:
                result = self._work(task)
            except Unwanted:
                return
            except StepFailed as failure:
                log.warning("task_failed", code=failure.code, reason=failure.message)
                self._end(task, State.FAILED, failed_code=failure.code, failed_message=failure.message)
            else:
                self._end(task, State.COMPLETED, result=result)

    def _work(self, task: Task) -> dict[str, Any]:
        if task.starts > STARTS_MAX:
            raise StepFailed(
                code="engine_crashed", message="It brought its worker down again and again and was given up."
            )
        family = self._families.get(task.family)
        if family is None:
            raise StepFailed(code="unknown_family", message=f"This version does not know {task.family}.")
        results: dict[str, Any] = {}
        done_weight, whole = 0.0, sum(step.weight for step in family.steps)
        for step in family.steps:
            span = (done_weight / whole, (done_weight + step.weight) / whole)
            outcome = DBOS.run_step({"name": step.name}, self._step, task, step.name, results, span)
            if "failed" in outcome:
                raise StepFailed(**outcome["failed"])
            if "unwanted" in outcome:
                raise Unwanted
            results = {**results, **outcome["done"]}
            done_weight += step.weight
            task = self._reprice(task, outcome["price"])
        return results

    def _step(self, task: Task, step: str, results: dict[str, Any], span: tuple[float, float]) -> dict[str, Any]:
        pause_s, number, began_s = PAUSE_S, 0, self._clock.monotonic_s()
        while True:
            number += 1
            try:
                done = self._in_slot(task, step, results, span)
                # Kept with the outcome: after a crash the price is the same, whatever the price list says then.
                return {"done": done, "price": self._measured(task, {**results, **done})}
            except Unwanted:
                return {"unwanted": True}
            except StepFailed as failure:
                if self._stopping.is_set():
                    _wait_for_the_end()
                if not self._is_worth_trying(failure, number, self._clock.monotonic_s() - began_s):
                    return {"failed": {"code": failure.code, "message": failure.message}}
                log.warning("step_again", step=step, code=failure.code, reason=failure.message)
            self._stopping.wait(pause_s)
            pause_s = min(2 * pause_s, PAUSE_MAX_S)
            if not self._is_wanted(task):
                return {"unwanted": True}

    def _is_worth_trying(self, failure: StepFailed, number: int, trying_s: float) -> bool:
        if failure.code in TRIES:
            return number < TRIES[failure.code]
        return failure.again and trying_s < AWAY_S

    def _in_slot(self, task: Task, step: str, results: dict[str, Any], span: tuple[float, float]) -> dict[str, Any]:
        note = Progress(self._tasks, task, span, self._clock)
        slot = self._slots.take(task.queue)
        whole_s = min(self._limit_s, self._families[task.family].limit_s)
        left_s = whole_s - (self._clock.monotonic_s() - self.active[task.workflow_id])
        try:
            return slot.run(
                task,
                step,
                results,
                limit_s=left_s,
                whole_s=whole_s,
                on_progress=note,
                is_wanted=lambda: self._is_wanted(task),
            )
        finally:
            self._slots.give_back(task.queue, slot)

    def _is_wanted(self, task: Task) -> bool:
        try:
            return self._tasks.is_wanted(task)
        except UnavailableError:
            return True  # the work need not stop because the database rests

    def _measured(self, task: Task, results: dict[str, Any]) -> int | None:
        family = self._families[task.family]
        price = family.measured_price(family.start.model_validate(task.request), results, self._prices)
        return None if price is None else price.amount

    def _reprice(self, task: Task, amount: int | None) -> Task:
        if amount is None or amount == task.price:
            return task
        try:
            return self._persist(lambda: self._tasks.reprice(task, Price(amount, Unit(task.unit))))
        except ServiceError as problem:
            raise StepFailed(code=problem.code, message=problem.message) from problem

    def _end(self, task: Task, state: State, **values: Any) -> None:
        self._persist(lambda: self._tasks.finish(task, state, **values))

    def _persist(self, write: Callable[[], Written]) -> Written:
        """Write, however long the database is away: what was worked must not be lost for that."""
        pause_s = PAUSE_S
        while True:
            try:
                return write()
            except UnavailableError:
                log.warning("database_away", again_in_s=pause_s)
                self._stopping.wait(pause_s)
                pause_s = min(2 * pause_s, 30.0)


def _wait_for_the_end() -> NoReturn:
    """Stand still until this process ends: whatever was returned or raised here would be kept as the step's outcome."""
    while True:
        threading.Event().wait()


class Progress:
    """Writes the progress of one step down, not too often; what cannot be written now is passed over.

    Until the step says something, as while models are loaded, its progress is guessed from the time that has gone by;
    what it says then fills the rest.

    Args:
        span: where the step begins and ends in the whole task, 0 to 1.
    """

    def __init__(self, tasks: Tasks, task: Task, span: tuple[float, float], clock: Clock) -> None:
        self._tasks = tasks
        self._task = task
        self._from, self._to = span
        self._clock = clock
        self._percent = task.progress
        self._guessed = self._told = 0.0
        self._expected_s = max(task.expected_s * (self._to - self._from), 1.0)
        self._began_s = self._noted_s = clock.monotonic_s()

    def __call__(self, fraction: float | None) -> None:
        """Take what the step says of itself, 0 to 1, or None while it says nothing."""
        now_s = self._clock.monotonic_s()
        if fraction is not None:
            self._told = max(self._told, fraction)
        elif not self._told:
            self._guessed = GUESS_MAX * (1 - math.exp(-(now_s - self._began_s) / self._expected_s))
        done = self._guessed + (1 - self._guessed) * self._told
        percent = min(int(100 * (self._from + done * (self._to - self._from))), 99)
        if percent > self._percent and now_s - self._noted_s >= PROGRESS_S:
            self._note(percent, now_s)

    def _note(self, percent: int, now_s: float) -> None:
        try:
            self._tasks.progress(self._task, percent)
        except UnavailableError:
            return
        self._percent, self._noted_s = percent, now_s


_runner: TaskRunner | None = None


def serve_with(runner: TaskRunner) -> None:
    """Let the workflows of this process be carried out by ``runner``; to be called before DBOS is launched."""
    global _runner
    _runner = runner


@DBOS.workflow(name=WORKFLOW)
def run_task(task_id: str, attempt: int) -> None:
    """One attempt of one task."""
    assert _runner is not None
    _runner.run(task_id, attempt)
