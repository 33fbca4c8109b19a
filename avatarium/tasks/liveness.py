"""Who is alive: every worker holds a lock that the system drops when it dies, and takes over from those who died.

No heartbeats and no time-outs to tune: a file lock on SQLite, where all workers share a machine, and a session's
advisory lock on PostgreSQL.
"""

from __future__ import annotations

import fcntl
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Protocol

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from avatarium.database import SESSION_OPTIONS, Database
from avatarium.errors import UnavailableError

_LOCK_CLASS = 7701
"""First half of our advisory locks' keys, so that they meet nobody else's."""


class Locks(Protocol):
    """Locks that die with their holder."""

    def take(self, executor: str) -> bool:
        """Take an executor's lock; False where it lives."""
        ...

    def give_back(self, executor: str) -> None: ...

    def still_held(self, executor: str) -> bool:
        """Whether the lock that was taken is still ours."""
        ...

    def close(self) -> None:
        """Give back what is held."""
        ...


class FileLocks:
    """Locks on files of one machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, IO[str]] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, executor: str) -> bool:
        path = self._folder / executor
        file = path.open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._held[executor] = file
        return True

    def give_back(self, executor: str) -> None:
        if file := self._held.pop(executor, None):
            (self._folder / executor).unlink(missing_ok=True)
            file.close()

    def still_held(self, executor: str) -> bool:
        return executor in self._held

    def close(self) -> None:
        for executor in list(self._held):
            self.give_back(executor)


class AdvisoryLocks:
    """PostgreSQL's advisory locks, one session each."""

    def __init__(self, url: sa.URL) -> None:
        self._engine = sa.create_engine(
            url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=SESSION_OPTIONS
        )
        self._held: dict[str, sa.Connection] = {}

    def take(self, executor: str) -> bool:
        query = sa.text("select pg_try_advisory_lock(:class, :key)")
        try:
            connection = self._engine.connect()
            taken = connection.execute(query, {"class": _LOCK_CLASS, "key": _key(executor)}).scalar()
        except sa.exc.DBAPIError as problem:
            raise UnavailableError(
                "The database does not answer. Try again in a few seconds.", code="database_away", retry_after_s=5
            ) from problem
        if taken:
            self._held[executor] = connection
            return True
        connection.close()
        return False

    def give_back(self, executor: str) -> None:
        if connection := self._held.pop(executor, None):
            connection.close()

    def still_held(self, executor: str) -> bool:
        connection = self._held.get(executor)
        if connection is None:
            return False
        try:
            connection.execute(sa.text("select 1"))
        except sa.exc.DBAPIError:
            self._held.pop(executor).close()
            return False
        return True

    def close(self) -> None:
        for executor in list(self._held):
            self.give_back(executor)
        self._engine.dispose()


def open_locks(database: Database, folder: Path) -> Locks:
    """The locks that go with a database."""
    return FileLocks(folder) if database.is_sqlite else AdvisoryLocks(database.engine.url)


def find_free(locks: Locks, executors: Iterable[str]) -> set[str]:
    """Those among these executors whose locks nobody holds at this moment."""
    free = set()
    for executor in executors:
        if locks.take(executor):
            locks.give_back(executor)
            free.add(executor)
    return free


def take_over(locks: Locks, executors: Iterable[str], recover: Callable[[str], None]) -> list[str]:
    """Recover the work of those among these executors who are dead, and name them."""
    dead = [executor for executor in executors if locks.take(executor)]
    for executor in dead:
        try:
            recover(executor)
        finally:
            locks.give_back(executor)
    return dead


def _key(executor: str) -> int:
    return zlib.crc32(executor.encode()) - 2**31
