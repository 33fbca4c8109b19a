"""A worker: takes tasks from the queues, delivers notices, sweeps up, and takes over from workers that died."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any
from uuid import uuid4

import structlog
from dbos import DBOS, WorkflowStatus
from sqlalchemy.exc import DBAPIError

from avatarium.database import Database
from avatarium.errors import UnavailableError
from avatarium.platform import Platform
from avatarium.settings import Settings
from avatarium.tasks import durable, roll, workflow
from avatarium.tasks.courier import Courier
from avatarium.tasks.family import Queue
from avatarium.tasks.liveness import Locks, find_free, open_locks, take_over
from avatarium.tasks.slot import Slot, StepFailed
from avatarium.tasks.sweep import Sweep

GUARD_S = 2.0
LOOP_END_S = 2.0
POLL_S = {Queue.QUICK.value: 0.1, Queue.MEDIA.value: 0.5}
EXECUTORS = "executors"
log = structlog.get_logger()


class Worker:
    """One worker process."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        settings = platform.settings
        self.executor = f"{socket.gethostname()}-{uuid4().hex[:12]}"
        self._locks: Locks = open_locks(platform.database, settings.home / EXECUTORS)
        self._slots = SlotPool(settings, platform)
        self._runner = workflow.TaskRunner(
            platform.tasks,
            platform.families,
            prices=platform.prices,
            slots=self._slots,
            clock=platform.clock,
            limit_s=settings.task_time_limit_s,
        )
        self._idle: set[str] = set()
        self._suspects: set[str] = set()
        self._was_lost = False
        self._stopping = threading.Event()
        self._courier = Courier(platform)
        self._sweep = Sweep(platform)

    def run(self) -> None:
        """Work until :meth:`stop` is called. The process must end then, at once and by :func:`os._exit`: what was being
        worked on is taken over by another worker, or by the next one that starts."""
        settings, database = self._platform.settings, self._platform.database
        if not self._locks.take(self.executor):
            raise UnavailableError("This worker's lock is taken.", code="executor_taken")
        workflow.serve_with(self._runner)
        _launch(self.executor, settings, database)
        log.info("worker_ready", executor=self.executor)
        loops = [
            self._loop("guard", GUARD_S, self._guard),
            self._loop("courier", 1.0, self._courier.deliver_due),
            self._loop("sweep", settings.sweep_s, self._sweep.sweep),
        ]
        self._slots.prepare()
        self._stopping.wait()
        self._runner.stop()
        self._slots.close()
        for loop in loops:
            loop.join(timeout=LOOP_END_S)
        try:
            self._runner.hand_back()
            roll.strike(self._platform.database, self.executor)
        except UnavailableError as problem:
            log.warning("left_without_a_word", reason=problem.message)
        self._locks.close()

    def stop(self) -> None:
        """Let :meth:`run` return."""
        self._stopping.set()

    def _guard(self) -> None:
        if not self._holds_its_lock():
            return
        roll.note_seen(self._platform.database, self._platform.clock, self.executor)
        pending = _pending()
        others = {str(found.executor_id) for found in pending if found.executor_id} - {self.executor}
        # Twice in a row: a database that was away has dropped everybody's locks, and who lives takes its own again.
        free = find_free(self._locks, others)
        # Listed anew under the dead one's lock: by now another worker may have taken its work and let go of the lock.
        for executor in take_over(self._locks, free & self._suspects, lambda dead: _requeue(_pending(dead))):
            log.warning("worker_died", executor=executor)
        self._suspects = free
        self._requeue_dropped([found for found in pending if found.executor_id == self.executor])

    def _holds_its_lock(self) -> bool:
        """Whether this worker counts as alive; where it lost its lock it takes it again, or stops at the second try."""
        if self._locks.still_held(self.executor) or self._locks.take(self.executor):
            self._was_lost = False
            return True
        if self._was_lost:
            log.error("worker_taken_over", executor=self.executor)
            self.stop()
        self._was_lost = True
        return False

    def _requeue_dropped(self, mine: list[WorkflowStatus]) -> None:
        """Take up again what this worker let fall, as when the database went away just as a step was to be written
        down. What is seen only once may be about to start."""
        idle = {found.workflow_id for found in mine} - set(self._runner.active)
        dropped = [found for found in mine if found.workflow_id in idle & self._idle]
        for found in dropped:
            log.warning("task_dropped", workflow=found.workflow_id)
        _requeue(dropped)
        self._idle = idle - {found.workflow_id for found in dropped}

    def _loop(self, name: str, pause_s: float, work: Callable[[], Any]) -> threading.Thread:
        def run() -> None:
            while not self._stopping.is_set():
                try:
                    work()
                except (UnavailableError, DBAPIError) as problem:
                    log.warning("loop_paused", loop=name, reason=str(problem))
                except Exception:
                    log.exception("loop_bug", loop=name)
                self._stopping.wait(pause_s)

        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        return thread


class SlotPool:
    """The media processes of a worker."""

    def __init__(self, settings: Settings, platform: Platform) -> None:
        counts = {Queue.MEDIA.value: settings.media_slots, Queue.QUICK.value: settings.quick_slots}
        self._all = {
            name: [Slot(settings, platform.clock, name) for _ in range(count)] for name, count in counts.items()
        }
        self._free: dict[str, queue.Queue[Slot]] = {name: queue.Queue() for name in counts}
        for name, slots in self._all.items():
            for slot in slots:
                self._free[name].put(slot)

    def take(self, queue: str) -> Slot:
        """A slot that nobody uses; waits for one."""
        return self._free[queue].get()

    def give_back(self, queue: str, slot: Slot) -> None:
        self._free[queue].put(slot)

    def prepare(self) -> None:
        """Start the processes, so that the first tasks need not wait for them."""
        for free in self._free.values():
            try:
                slot = free.get_nowait()
            except queue.Empty:
                continue
            threading.Thread(target=_prepare, args=(slot, free), daemon=True).start()

    def close(self) -> None:
        """Kill them all."""
        for slots in self._all.values():
            for slot in slots:
                slot.stop()


def _prepare(slot: Slot, free: queue.Queue[Slot]) -> None:
    try:
        slot.prepare()
    except StepFailed as failure:
        log.warning("slot_not_ready", reason=failure.message)  # the first task that needs it tries again
    finally:
        free.put(slot)


def _launch(executor: str, settings: Settings, database: Database) -> None:
    DBOS(
        config={
            "name": durable.APPLICATION,
            "application_version": durable.VERSION,
            "executor_id": executor,
            "system_database_url": database.engine.url.render_as_string(hide_password=False),
            "system_database_engine": database.workflow_engine,
            "dbos_system_schema": durable.SCHEMA,
            "serializer": durable.JsonSerializer(),
            "run_migrations": False,
            "log_level": "WARNING",
        }
    )
    limits = {Queue.MEDIA.value: settings.media_slots, Queue.QUICK.value: settings.quick_slots}
    served = [name for name, slots in limits.items() if slots]
    durable.adopt(database)
    DBOS.listen_queues(served)
    DBOS.launch()
    for name in served:
        DBOS.register_queue(
            name,
            worker_concurrency=limits[name],
            partition_concurrency=settings.user_running if name == Queue.MEDIA.value else limits[name] * 16,
            polling_interval_sec=POLL_S[name],
            on_conflict="always_update",
        )


def _pending(executor: str | None = None) -> list[WorkflowStatus]:
    return DBOS.list_workflows(status="PENDING", executor_id=executor, load_input=False, load_output=False)


def _requeue(found: Iterable[WorkflowStatus]) -> None:
    for dropped in found:
        DBOS.resume_workflows([dropped.workflow_id], queue_name=dropped.queue_name)
