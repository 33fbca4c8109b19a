"""The data folder of an installation: made, locked and left."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avatarium.errors import ConflictError, OutputError

MODE = 0o700
"""Keys and people's faces lie in it."""
LOCK = "serve.lock"
ADDRESS = "address"


def prepare_home(home: Path) -> None:
    """Make the data folder, for its owner alone.

    Raises:
        OutputError: it cannot be made or written.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=MODE)
        if home.stat().st_mode & 0o077 and home.stat().st_uid == os.geteuid():
            home.chmod(MODE)
        probe = home / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as problem:
        raise OutputError(
            f"The data folder {home} cannot be used ({problem.strerror}). Make it writable, or name another one in "
            "AVATARIUM_HOME.",
            code="bad_home",
        ) from problem


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Let nobody else serve from this folder. The lock goes with the process, however it ends.

    Raises:
        ConflictError: somebody does.
    """
    with (home / LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            held_by = ", ".join(part for part in (f"process {holder}", address_of(home)) if part)
            raise ConflictError(
                f"Avatarium runs already with the data folder {home} ({held_by}). "
                "Stop it first, or name another folder in AVATARIUM_HOME.",
                code="already_running",
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def is_served(home: Path) -> bool:
    """Whether somebody serves from this folder now."""
    try:
        with (home / LOCK).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def address_of(home: Path) -> str:
    """Where the service that runs from this folder answers; empty where none runs."""
    if not is_served(home):
        return ""
    with contextlib.suppress(OSError):
        return (home / ADDRESS).read_text().strip()
    return ""


@contextmanager
def noted_address(home: Path, address: str) -> Iterator[None]:
    """Tell other commands where the service answers, as long as it does."""
    path = home / ADDRESS
    fresh = path.with_suffix(".new")
    fresh.write_text(address + "\n")
    fresh.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
