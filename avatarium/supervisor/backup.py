"""Backups of an installation that keeps everything in its data folder: database, objects, secrets, in one tar.

The database is copied first, at one instant, while the service runs; then the files. A file that was made since is in
the backup without being known, which harms nothing; one that was removed since is missing, as it will be anyway.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from avatarium import __version__
from avatarium.clock import Clock, iso
from avatarium.errors import ConflictError, InputError, OptionError, OutputError
from avatarium.migrations import head
from avatarium.settings import Settings
from avatarium.storage import incoming
from avatarium.supervisor.home import ADDRESS, LOCK, locked, prepare_home

MANIFEST = "backup.json"
DATABASE = "avatarium.db"
FORMAT = 1
LEFT_OUT = frozenset({"models", "scratch", "executors", incoming.FOLDER, LOCK, ADDRESS})
"""What is fetched again, or only means something to processes that run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup says of itself."""

    format: int
    avatarium: str
    revision: str
    """The number of the last migration."""
    made: str
    storage: bool
    """Whether the objects are in it; they are not where they lie in S3."""


def back_up(settings: Settings, out: Path, clock: Clock) -> Manifest:
    """Write a backup, also while the service runs.

    Raises:
        OptionError: ``backup_elsewhere``, the database is PostgreSQL.
        OutputError: the file cannot be written.
        InputError: there is nothing to back up.
    """
    _check_embedded(settings)
    source = settings.home / DATABASE
    if not source.is_file():
        raise InputError(f"There is no database in {settings.home}. Nothing has run there yet.", code="no_database")
    part = out.with_name(f".{out.name}.part")
    try:
        with tempfile.TemporaryDirectory(dir=out.parent) as folder:
            copy = Path(folder) / DATABASE
            revision = _copy_database(source, copy)
            manifest = Manifest(
                format=FORMAT,
                avatarium=__version__,
                revision=revision,
                made=iso(clock.now_ms()),
                storage=not settings.storage_url,
            )
            (Path(folder) / MANIFEST).write_text(json.dumps(asdict(manifest)))
            # Keys lie in it: for its owner alone from the first byte.
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as raw:
                with tarfile.open(fileobj=raw, mode="w:gz" if out.suffix in (".gz", ".tgz") else "w") as tar:
                    tar.add(Path(folder) / MANIFEST, MANIFEST)
                    tar.add(copy, DATABASE)
                    _add_files(tar, settings.home)
                raw.flush()
                os.fsync(raw.fileno())
        part.replace(out)
    except OSError as problem:
        raise OutputError(
            f"The backup cannot be written to {out} ({problem.strerror or problem}).", code="backup_not_written"
        ) from problem
    finally:
        part.unlink(missing_ok=True)
    return manifest


def restore(settings: Settings, source: Path, *, replace: bool) -> Manifest:
    """Put a backup into the data folder. What is there already is moved aside whole, if it may be replaced.

    Raises:
        ConflictError: the service runs, or there is an installation already and ``replace`` is not set.
        InputError: the file is no backup of ours, is damaged, or was made by a later version.
        OutputError: the data folder cannot be written.
    """
    _check_embedded(settings)
    prepare_home(settings.home)
    with locked(settings.home):
        if (settings.home / DATABASE).exists() and not replace:
            raise ConflictError(
                f"There is an installation in {settings.home} already. Say --replace to put the backup in its place; "
                "what is there is kept beside it.",
                code="home_in_use",
            )
        fresh = Path(tempfile.mkdtemp(prefix=".restore-", dir=settings.home))
        try:
            manifest = _unpack(source, fresh)
            _check_database(fresh / DATABASE, manifest)
            _swap(settings.home, fresh)
        except OSError as problem:
            raise OutputError(
                f"The backup cannot be put into {settings.home} ({problem.strerror or problem}).",
                code="restore_not_written",
            ) from problem
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return manifest


def _check_embedded(settings: Settings) -> None:
    if settings.database_url:
        raise OptionError(
            "This installation keeps its database elsewhere (AVATARIUM_DATABASE_URL). Back that up with its own tools, "
            "such as pg_dump, and the objects with those of their storage; docs/operations.md tells how.",
            code="backup_elsewhere",
        )


def _copy_database(source: Path, copy: Path) -> str:
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(copy)) as new:
        old.backup(new)
        found = new.execute("SELECT version_num FROM alembic_version").fetchone()
        new.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
    return str(found[0])


def _add_files(tar: tarfile.TarFile, home: Path) -> None:
    for path in _files(home):
        try:
            tar.add(path, path.relative_to(home).as_posix(), recursive=False)
        except FileNotFoundError:
            continue  # removed since it was listed


def _files(home: Path) -> Iterator[Path]:
    for top in sorted(home.iterdir()):
        if top.name in LEFT_OUT or top.name.startswith((".", DATABASE)) or top.is_symlink():
            continue
        paths = _below(top) if top.is_dir() else [top]
        yield from (path for path in paths if path.is_file() and not path.is_symlink())


def _below(top: Path) -> Iterator[Path]:
    """Every file below a folder; folders may go while it looks."""
    for folder, folders, names in os.walk(top):
        folders.sort()
        yield from (Path(folder, name) for name in sorted(names))


def _unpack(source: Path, folder: Path) -> Manifest:
    try:
        with tarfile.open(source) as tar:
            for number, member in enumerate(tar):
                if number == 0 and member.name != MANIFEST:
                    raise _no_backup(source)
                _extract(tar, member, folder)
        return Manifest(**json.loads((folder / MANIFEST).read_text()))
    except (tarfile.TarError, EOFError, ValueError, TypeError, FileNotFoundError) as problem:
        raise _no_backup(source) from problem


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Ordinary files below the folder only; whatever else a tar can hold is refused."""
    name = PurePosixPath(member.name)
    if not member.isreg() or name.is_absolute() or ".." in name.parts:
        raise ValueError(member.name)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    content = tar.extractfile(member)
    assert content is not None
    with content, open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        shutil.copyfileobj(content, file)
    os.utime(path, (member.mtime, member.mtime))


def _check_database(path: Path, manifest: Manifest) -> None:
    if manifest.format != FORMAT or manifest.revision > head():
        raise InputError(
            f"The backup was made by Avatarium {manifest.avatarium}, which is later than this one. Restore it with "
            "that version or a later one.",
            code="backup_newer",
        )
    with closing(sqlite3.connect(path)) as database:
        try:
            well = database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        except sqlite3.DatabaseError:
            well = False
    if not well:
        raise InputError("The database in the backup is damaged. Take another backup.", code="backup_damaged")


def _swap(home: Path, fresh: Path) -> None:
    aside = Path(tempfile.mkdtemp(prefix="before-restore-", dir=home))
    for old in sorted(home.iterdir()):
        kept = old.name in LEFT_OUT or old.name.startswith(("before-restore-", "."))
        if not kept:
            old.rename(aside / old.name)
    for new in sorted(fresh.iterdir()):
        if new.name != MANIFEST:
            new.rename(home / new.name)
    if not any(aside.iterdir()):
        aside.rmdir()


def _no_backup(source: Path) -> InputError:
    return InputError(
        f"{source.name} is no backup of Avatarium, or it is damaged. `avatarium backup FILE` makes one.",
        code="bad_backup",
    )
