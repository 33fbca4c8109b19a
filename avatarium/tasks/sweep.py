"""Cleaning up: what expired, what was deleted, and the few tasks that nothing else would ever end."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
import structlog
from dbos import DBOS

from avatarium.clock import DAY_MS, SECOND_MS
from avatarium.ids import is_id
from avatarium.tasks.job import SCRATCH, results_of
from avatarium.tasks.models import Task, deliveries, task_of, tasks
from avatarium.tasks.states import FINAL, OPEN, State

if TYPE_CHECKING:
    from avatarium.platform import Platform

BATCH = 200
KEEP_DAYS = 30
"""How long the history of deliveries and workflows is kept."""
DEAD_ENDS = ["ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
log = structlog.get_logger()


class Sweep:
    """One worker's broom; any number may sweep at once."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def sweep(self) -> None:
        """Go round once."""
        now_ms = self._platform.clock.now_ms()
        self._end_stranded()
        self._remove_old(now_ms)
        self._platform.storage.expire(now_ms)
        self._remove_scratch()
        self._forget_history(now_ms - KEEP_DAYS * DAY_MS)

    def _end_stranded(self) -> None:
        """Fail the tasks whose workflow ended without ending them: a bug, or somebody's hand in the database."""
        for found in DBOS.list_workflows(status=DEAD_ENDS, load_input=False, load_output=False, limit=BATCH):
            task_id, _, attempt = found.workflow_id.partition(".")
            task = self._open(task_id)
            if task is not None and str(task.attempt) == attempt:
                log.error("task_stranded", task=task_id, workflow=found.status)
                message = "It was interrupted and could not be taken up again. It has been logged; nothing was charged."
                self._platform.tasks.finish(task, State.FAILED, failed_code="interrupted", failed_message=message)
            DBOS.delete_workflow(found.workflow_id)

    def _open(self, task_id: str) -> Task | None:
        with self._platform.database.read() as c:
            row = c.execute(sa.select(tasks).where(tasks.c.id == task_id)).one_or_none()
        task = None if row is None else task_of(row)
        return task if task is not None and task.state in OPEN else None

    def _remove_old(self, now_ms: int) -> None:
        """Forget tasks a day after they were deleted, and a month after they expired."""
        past = sa.or_(tasks.c.deleted_ms < now_ms - DAY_MS, tasks.c.expires_ms < now_ms - KEEP_DAYS * DAY_MS)
        old = sa.and_(past, tasks.c.state.in_([state.value for state in FINAL]))
        with self._platform.database.read() as c:
            found = [task_of(row) for row in c.execute(sa.select(tasks).where(old).limit(BATCH))]
        for task in found:
            self._platform.storage.delete_prefix(results_of(task))
        with self._platform.database.write() as c:
            # Looked at once more: one that its owner is trying again meanwhile stays.
            c.execute(sa.delete(tasks).where(tasks.c.id.in_([task.id for task in found]), old))

    def _remove_scratch(self) -> None:
        """Remove the working files of tasks that are done."""
        folder = self._platform.settings.home / SCRATCH
        names = [path.name for path in folder.iterdir() if is_id(path.name)][:BATCH] if folder.is_dir() else []
        for name in names:
            if self._open(name) is None:
                shutil.rmtree(folder / name, ignore_errors=True)

    def _forget_history(self, before_ms: int) -> None:
        with self._platform.database.write() as c:
            old = sa.and_(deliveries.c.created_ms < before_ms, deliveries.c.next_ms.is_(None))
            c.execute(sa.delete(deliveries).where(old))
        done = DBOS.list_workflows(
            status="SUCCESS",
            completed_before=datetime.fromtimestamp(before_ms / SECOND_MS, UTC).isoformat(),
            load_input=False,
            load_output=False,
            limit=BATCH,
        )
        DBOS.delete_workflows([found.workflow_id for found in done])
