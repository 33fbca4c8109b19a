"""Running the migrations, in one process at a time."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import Connection

from avatarium.database import Database, insert_for
from avatarium.errors import ConflictError
from avatarium.migrations import state
from avatarium.migrations.models import import_models, installation
from avatarium.migrations.scope import OPTIONS
from avatarium.migrations.state import DURABLE, VERSIONS, SchemaState, head, state_of

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = Path(__file__).parent
_LOCK_KEY = 7702_0001
"""Of PostgreSQL's advisory lock."""
LOOK_S = 0.1


def upgrade(database: Database) -> bool:
    """Make the tables those of this version, and tell whether there was anything to do.

    Processes that start together wait for the one that does it.

    Raises:
        ConflictError: a later version of Avatarium has changed the database already.
        UnavailableError: the database does not answer.
    """
    if _check(state_of(database)):
        return False
    with _alone(database):
        if _check(state_of(database)):
            return False
        run(database, "head")
        _make_durable(database)
    return True


def run(database: Database, revision: str, *, back: bool = False) -> None:
    """Migrate to ``head`` or to a number, or ``back`` to one or to ``base``; our own tables only."""
    from alembic import command

    with _connection(database) as c:
        (command.downgrade if back else command.upgrade)(config(c), revision)


def make(database: Database, name: str, folder: Path = VERSIONS) -> Path:
    """Write the migration that makes the tables of a current database those that the code declares."""
    from alembic import command
    from alembic.script import Script

    with _connection(database) as c:
        number = f"{int(head()) + 1:04d}"
        settings = config(c)
        settings.set_main_option("version_locations", os.pathsep.join({str(VERSIONS), str(folder)}).replace("%", "%%"))
        script = command.revision(settings, message=name, autogenerate=True, rev_id=number, version_path=str(folder))
    assert isinstance(script, Script)
    return Path(script.path)


def differences(database: Database) -> list[str]:
    """How the tables of a database differ from those that the code declares; empty where they do not."""
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    with database.read() as c:
        context = MigrationContext.configure(c, opts=OPTIONS)
        return [str(found) for found in compare_metadata(context, import_models())]


def config(c: Connection) -> Config:
    """Alembic's configuration, for one connection."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    made.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    made.attributes["connection"] = c
    return made


def _check(found: SchemaState) -> bool:
    if found is SchemaState.NEW:
        raise ConflictError(
            "The database was changed by a later version of Avatarium, which alone understands it. Run that version, "
            "or restore a backup that this one made.",
            code="database_newer",
        )
    return found is SchemaState.CURRENT


def _make_durable(database: Database) -> None:
    from avatarium.tasks import durable

    durable.migrate(database)
    with database.write() as c:
        row = insert_for(c, installation).values(name=DURABLE, value=state.durable_release())
        c.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": state.durable_release()}))


@contextmanager
def _connection(database: Database) -> Iterator[Connection]:
    """One transaction for all migrations. SQLite changes a table by copying it, which must not look like deleting what
    others refer to."""
    with database.engine.connect().execution_options(immediate=True) as c:
        raw = c.connection.dbapi_connection
        if database.is_sqlite:
            assert raw is not None
            _pragma(raw, "foreign_keys=OFF")
        try:
            with c.begin():
                yield c
                if database.is_sqlite:
                    broken = c.exec_driver_sql("PRAGMA foreign_key_check").all()
                    assert not broken, f"a migration broke {broken[:3]}"
        finally:
            if database.is_sqlite:
                _pragma(raw, "foreign_keys=ON")


def _pragma(raw: object, pragma: str) -> None:
    raw.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """Until the end no other process migrates this database."""
    if database.is_sqlite:
        with open(f"{database.engine.url.database}.migrating", "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        return
    engine = sa.create_engine(database.engine.url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as c:
        # Asked again and again: DBOS builds indexes CONCURRENTLY, which waits for every statement that runs, and so
        # would wait for one that waits for this lock.
        while not c.execute(sa.select(sa.func.pg_try_advisory_lock(_LOCK_KEY))).scalar():
            time.sleep(LOOK_S)
        yield
