"""Whether a database has the tables of this version. Cheap: imports neither Alembic nor what makes tasks durable."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from importlib.metadata import version
from pathlib import Path
from weakref import WeakSet

import sqlalchemy as sa
from sqlalchemy import Connection

from avatarium.database import Database
from avatarium.migrations.models import installation

VERSIONS = Path(__file__).parent / "versions"
DURABLE = "durable"
"""Name of the row that tells which release of DBOS made its tables."""
_revision = sa.table("alembic_version", sa.column("version_num"))
_current: WeakSet[Database] = WeakSet()


class SchemaState(StrEnum):
    """What a database is to this version."""

    EMPTY = "empty"
    OLD = "old"
    CURRENT = "current"
    NEW = "new"
    """Made by a later version, which alone understands it."""


@cache
def head() -> str:
    """The number of the last migration of this version."""
    return max(path.name[:4] for path in VERSIONS.glob("[0-9]*.py"))


def durable_release() -> str:
    """Which release of DBOS this is."""
    return version("dbos")


def is_current(database: Database) -> bool:
    """Whether the tables are those of this version; once they are, that is remembered.

    Raises:
        UnavailableError: the database does not answer.
    """
    if database not in _current and state_of(database) is SchemaState.CURRENT:
        _current.add(database)
    return database in _current


def state_of(database: Database) -> SchemaState:
    """What the database is to this version.

    Raises:
        UnavailableError: it does not answer.
    """
    with database.read() as c:
        found = revision_of(c)
        if found is None:
            return SchemaState.EMPTY
        if found != head():
            return SchemaState.OLD if found < head() else SchemaState.NEW
        durable = c.execute(sa.select(installation.c.value).where(installation.c.name == DURABLE)).scalar()
        return SchemaState.CURRENT if durable == durable_release() else SchemaState.OLD


def revision_of(c: Connection) -> str | None:
    """The number of the last migration that was run."""
    if not sa.inspect(c).has_table("alembic_version"):
        return None
    return c.execute(sa.select(_revision.c.version_num)).scalar()
