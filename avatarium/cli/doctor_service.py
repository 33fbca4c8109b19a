"""The doctor's look at the service: data folder, secret, database, storage, workers."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from avatarium.errors import AvatariumError

if TYPE_CHECKING:
    from avatarium.database import Database
    from avatarium.settings import Settings

LOW_MB = 2000
"""Free disk below which results may soon find no room."""
PROBE = "system/doctor/probe.txt"


class Health(StrEnum):
    """How a part of the service is."""

    WELL = "well"
    IDLE = "not started"
    ILL = "ill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was found about one part."""

    part: str
    health: Health
    detail: str
    advice: str = ""


def examine_service() -> list[Check]:
    """Look at every part; nothing is made where nothing ever ran."""
    from avatarium.database import Database
    from avatarium.settings import load_settings

    try:
        settings = load_settings()
    except AvatariumError as problem:
        return [Check(part="settings", health=Health.ILL, detail=problem.message, advice=problem.message)]
    checks = [_folder(settings), _secret(settings)]
    if not settings.database_url and not (settings.home / "avatarium.db").exists():
        return [*checks, Check(part="service", health=Health.IDLE, detail="set up by the first `avatarium serve`")]
    with closing(Database.open(settings.database)) as database:
        return [*checks, *_inside(settings, database)]


def _inside(settings: Settings, database: Database) -> Iterator[Check]:
    found = _guarded("database", lambda: _database(database))
    yield found
    if found.health is Health.WELL:
        yield _guarded("storage", lambda: _storage(settings, database))
        yield _guarded("workers", lambda: _workers(settings, database))


def _guarded(part: str, look: Callable[[], Check]) -> Check:
    try:
        return look()
    except AvatariumError as problem:
        return Check(part=part, health=Health.ILL, detail=problem.message, advice=f"{part}: {problem.message}")


def _folder(settings: Settings) -> Check:
    home = settings.home
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    free_mb = shutil.disk_usage(existing).free // 2**20
    detail = f"{home}, {free_mb / 1000:.1f} GB free"
    if free_mb < LOW_MB:
        advice = f"Only {free_mb} MB are free in {home}; make room, or shorten AVATARIUM_RESULT_DAYS."
        return Check(part="data folder", health=Health.ILL, detail=detail, advice=advice)
    if home.exists() and stat.S_IMODE(home.stat().st_mode) & 0o077:
        return Check(
            part="data folder",
            health=Health.WELL,
            detail=f"{detail}; others on this machine may look into it",
            advice=f"`chmod 700 {home}` keeps others on this machine out; `avatarium serve` does it too.",
        )
    return Check(part="data folder", health=Health.WELL, detail=detail)


def _secret(settings: Settings) -> Check:
    if settings.secret.get_secret_value():
        return Check(part="secret", health=Health.WELL, detail="given by AVATARIUM_SECRET")
    path = settings.home / "secret"
    if not path.exists():
        return Check(part="secret", health=Health.IDLE, detail="made at the first start")
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        return Check(
            part="secret",
            health=Health.ILL,
            detail=f"{path} can be read by others",
            advice=f"Others may have read {path}, and can then sign addresses and tokens. Run `chmod 600 {path}`, or "
            "remove it: a new one is made at the next start, and every link and log-in made before ends.",
        )
    return Check(part="secret", health=Health.WELL, detail=str(path))


def _database(database: Database) -> Check:
    from avatarium.migrations import SchemaState, head, state_of

    name = "SQLite" if database.is_sqlite else "PostgreSQL"
    state = state_of(database)
    if state is SchemaState.CURRENT:
        return Check(part="database", health=Health.WELL, detail=f"{name}, version {head()}")
    advice = {
        SchemaState.EMPTY: "The database has no tables yet. `avatarium serve` or `avatarium migrate` makes them.",
        SchemaState.OLD: "The database is of an older version. `avatarium serve` or `avatarium migrate` renews it.",
        SchemaState.NEW: "The database was changed by a later version of Avatarium. Run that one.",
    }[state]
    health = Health.ILL if state is SchemaState.NEW else Health.IDLE
    return Check(part="database", health=health, detail=f"{name}: {state}", advice=advice)


def _storage(settings: Settings, database: Database) -> Check:
    from avatarium.clock import Clock
    from avatarium.storage.models import SYSTEM_OWNER
    from avatarium.storage.service import Storage

    storage = Storage.open(settings, database, Clock())
    storage.put(PROBE, b"doctor", owner=SYSTEM_OWNER, media_type="text/plain", expires_ms=None)
    read = b"".join(storage.read(PROBE))
    storage.delete(PROBE)
    where = settings.storage_url or str(settings.home / "objects")
    if read != b"doctor":
        return Check(part="storage", health=Health.ILL, detail=where, advice=f"{where} gives back other bytes.")
    return Check(part="storage", health=Health.WELL, detail=f"{where}, written and read")


def _workers(settings: Settings, database: Database) -> Check:
    from avatarium.clock import Clock
    from avatarium.supervisor.home import address_of, is_served
    from avatarium.tasks.roll import count_alive

    alive = count_alive(database, Clock())
    if not is_served(settings.home):
        detail = f"{alive} elsewhere" if alive else "no service runs from this data folder"
        return Check(part="workers", health=Health.WELL if alive else Health.IDLE, detail=detail)
    detail = f"{alive} running; the API answers at {address_of(settings.home)}"
    if alive:
        return Check(part="workers", health=Health.WELL, detail=detail)
    advice = "The service runs, but no worker does; its log tells why."
    return Check(part="workers", health=Health.ILL, detail=detail, advice=advice)
