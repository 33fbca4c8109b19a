"""What is set the same in every process that touches the durable workflows (DBOS Transact)."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
import structlog
from dbos import DBOS, DBOSClient, EnqueueOptions
from dbos import Serializer as DBOSSerializer
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from avatarium.database import Database, changed
from avatarium.tasks.models import Task

WORKFLOW = "run_task"
VERSION = "1"
"""Of the order of a workflow's steps. While it stays, tasks begun before an upgrade go on after it."""
APPLICATION = "avatarium"
SCHEMA = "dbos"
log = structlog.get_logger()


class JsonSerializer(DBOSSerializer):
    """Plain JSON in the database: DBOS's own would be pickle, which runs what it reads."""

    def serialize(self, data: Any) -> str:
        return json.dumps(data, default=str)

    def deserialize(cls, serialized_data: str) -> Any:  # noqa: N805 - spelt as in the base class
        return json.loads(serialized_data)

    def name(self) -> str:
        return "json"


class DurableDispatcher:
    """Puts workflows into their queues. Needs no worker in this process."""

    def __init__(self, database: Database) -> None:
        self._client = DBOSClient(
            system_database_engine=database.workflow_engine or database.engine,
            system_database_url=database.engine.url.render_as_string(hide_password=False),
            dbos_system_schema=SCHEMA,
            serializer=JsonSerializer(),
            application_name=APPLICATION,
            lazy=True,
        )

    def enqueue(self, c: Connection, task: Task) -> None:
        """Queue a task's attempt in the transaction that wrote it. Each user is a partition of the queue, so that one
        with many tasks does not stand in everybody's way."""
        options: EnqueueOptions = {
            "workflow_name": WORKFLOW,
            "queue_name": task.queue,
            "workflow_id": task.workflow_id,
            "app_version": VERSION,
            "priority": task.priority,
            "queue_partition_key": task.user_id,
        }
        self._client.enqueue_in_transaction(c, options, task.id, task.attempt)

    def withdraw(self, task: Task) -> None:
        """Take a workflow out of its queue; one that stays there for a fault only finds nothing to do."""
        try:
            self._client.cancel_workflow(task.workflow_id)
        except DBAPIError as problem:
            log.warning("workflow_not_withdrawn", task=task.id, reason=str(problem.orig))


def adopt(database: Database) -> int:
    """Make workflows of older versions ours, and tell how many; those whose steps have changed fail, with a refund.

    A worker takes only workflows of its own version from the queues: without this the others would wait for ever.
    """
    status = sa.table(
        "workflow_status",
        *(sa.column(name) for name in ("name", "status", "application_version")),
        schema=None if database.is_sqlite else SCHEMA,
    )
    older = sa.and_(status.c.name == WORKFLOW, status.c.application_version != VERSION)
    waiting = status.c.status.in_(["ENQUEUED", "PENDING"])
    with database.write() as c:
        return changed(c, sa.update(status).where(older, waiting).values(application_version=VERSION))


def migrate(database: Database) -> None:
    """Make or renew the tables of the durable workflows."""
    DBOS.migrate(database.engine.url.render_as_string(hide_password=False), schema=SCHEMA)
