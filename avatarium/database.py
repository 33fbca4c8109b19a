"""The database: SQLite or PostgreSQL behind the same SQLAlchemy Core statements.

Every room declares its tables on :data:`metadata` in its ``models.py``. Statements are synchronous: the API runs them
in its thread pool, workers in their own threads, so there is one shape of every query. Instants are integers
(milliseconds since 1970).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from avatarium.errors import UnavailableError

LOCK_TIMEOUT_S = 30
POOL_SIZE = 20
"""Connections that a process keeps; under load it opens as many more."""
CONNECT_TIMEOUT_S = 5
SESSION_OPTIONS = {
    **{"connect_timeout": CONNECT_TIMEOUT_S, "tcp_user_timeout": 20_000},
    **{"keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3},
    "options": "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3",
}
"""Of PostgreSQL's sessions: a machine that lost power or network is noticed by either side within half a minute, not
after the hours that systems wait by default."""

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
Json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
SerialKey = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""A key that the database counts up: SQLite counts only what is called INTEGER."""


class Database:
    """Connections to one database. Threads may share it, processes not."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, url: str, *, pool_size: int = POOL_SIZE) -> Database:
        """Connect lazily to ``sqlite:///path`` or ``postgresql+psycopg://...``.

        Args:
            url: where to.
            pool_size: connections that are kept once they were needed; twice as many at most are open.
        """
        return cls((_open_sqlite if url.startswith("sqlite") else _open_postgresql)(url, pool_size))

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded default."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading; what it sees is consistent on SQLite and committed on PostgreSQL."""
        with _away_is_unavailable(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: committed at the end, rolled back if anything is raised.

        On SQLite it takes the write lock at its start: a transaction that reads first and wants to write later would be
        refused as soon as another has written in between.
        """
        with (
            _away_is_unavailable(),
            self.engine.connect().execution_options(immediate=True) as connection,
            connection.begin(),
        ):
            yield connection

    @cached_property
    def workflow_engine(self) -> Engine | None:
        """Connections for the workflow library; None where it had better make its own.

        It reads before it writes in one transaction. SQLite refuses that at once where another has written in between,
        so here transactions begin, with the write lock, only before the first write; reads before it stand alone.
        """
        if not self.is_sqlite:
            return None
        engine = sa.create_engine(self.engine.url, pool_size=POOL_SIZE, connect_args={"timeout": LOCK_TIMEOUT_S})
        event.listen(engine, "connect", partial(_prepare_sqlite, isolation="IMMEDIATE"))
        return engine

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()
        if (engine := vars(self).get("workflow_engine")) is not None:
            engine.dispose()


def insert_for(connection: Connection, table: sa.Table) -> Any:
    """An INSERT that knows ``on_conflict_do_nothing``, in the dialect of a connection."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def changed(connection: Connection, statement: sa.UpdateBase) -> int:
    """Run a statement and tell how many rows it changed."""
    # Without the option an INSERT answers -1 on PostgreSQL, whatever it did.
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount


@contextmanager
def _away_is_unavailable() -> Iterator[None]:
    try:
        yield
    except DBAPIError as problem:
        if _is_away(problem):
            raise UnavailableError(
                "The database does not answer. Try again in a few seconds.", code="database_away", retry_after_s=5
            ) from problem
        raise


def _is_away(problem: DBAPIError) -> bool:
    text = str(problem.orig).lower()
    full = "disk is full" in text or "no space left" in text
    return (
        problem.connection_invalidated or full or isinstance(problem, (sa.exc.OperationalError, sa.exc.InterfaceError))
    )


def _open_sqlite(url: str, pool_size: int) -> Engine:
    database = make_url(url).database
    if database:
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(
        url, pool_size=pool_size, max_overflow=pool_size, connect_args={"timeout": LOCK_TIMEOUT_S}
    )

    event.listen(engine, "connect", partial(_prepare_sqlite, isolation=None))

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("immediate"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            return
        # Nothing can fail here, as this takes no lock yet; through SQLAlchemy it would cost more than most reads.
        driver = connection.connection.dbapi_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.execute("BEGIN")

    return engine


def _prepare_sqlite(
    connection: DBAPIConnection, _record: ConnectionPoolEntry, *, isolation: Literal["IMMEDIATE"] | None
) -> None:
    assert isinstance(connection, sqlite3.Connection)
    connection.isolation_level = isolation
    # WAL with NORMAL loses nothing when a process dies; only a power cut may undo the last commits.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        f"busy_timeout={LOCK_TIMEOUT_S * 1000}",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _open_postgresql(url: str, pool_size: int) -> Engine:
    return sa.create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        connect_args=SESSION_OPTIONS,
    )
