"""A file in the making: it grows under a hidden name and takes its own when it is complete."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av

from avatarium.engine.files import StrPath
from avatarium.errors import OutputError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}


class PartFile:
    """An empty file with a hidden name beside ``path``; what was under ``path`` stays until :meth:`land`.

    Raises:
        OutputError: ``output_folder_missing``, ``output_is_folder``, ``output_not_writable``, ``output_full`` or
            ``output_failed``.
    """

    def __init__(self, path: StrPath) -> None:
        self.path = Path(path)
        self.part = self.path.parent.absolute() / f".{secrets.token_hex(8)}.part"
        check_place(self.path)
        with self.writing():
            os.close(os.open(self.part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))

    def land(self) -> None:
        """Give the file its name once the disk has taken everything: a full one may only tell now."""
        with open(self.part, "rb") as file:
            os.fsync(file.fileno())
        os.replace(self.part, self.path)

    def discard(self) -> None:
        """Remove what was written."""
        self.part.unlink(missing_ok=True)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turn what the system or FFmpeg says of writing into the one sentence."""
        try:
            yield
        except (OSError, av.FFmpegError) as problem:
            raise _output_error(self.path, problem) from problem


def check_place(path: Path) -> None:
    """Refuse a path where no file can be.

    Raises:
        OutputError: ``output_is_folder`` or ``output_folder_missing``.
    """
    try:
        if path.is_dir():
            raise OutputError(f"{path} is a folder. Give the name of a file in it.", code="output_is_folder")
        if not path.parent.is_dir():
            raise OutputError(
                f"The folder {path.parent} does not exist. Make it, or choose another.", code="output_folder_missing"
            )
    except OSError as problem:
        raise _output_error(path, problem) from problem


def _output_error(path: Path, problem: OSError | av.FFmpegError) -> OutputError:
    number = problem.errno
    if number in _FULL:
        return OutputError(
            f"There is no room left in {path.parent} for {path.name}. Free some space or choose another folder.",
            code="output_full",
        )
    if number in _REFUSED:
        return OutputError(
            f"Nothing can be written in {path.parent}. Change its permissions or choose another folder.",
            code="output_not_writable",
        )
    reason = problem.strerror or type(problem).__name__
    return OutputError(f"{path.name} could not be written: {reason}.", code="output_failed")
