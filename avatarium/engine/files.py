"""Opening a file that a user named: every way in which that fails is one sentence."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from avatarium.errors import InputError

StrPath = str | os.PathLike[str]


def open_regular(path: StrPath, *, error: type[InputError], noun: str) -> BinaryIO:
    """Open an ordinary file for reading; pipes, devices and folders are refused without being opened for good.

    Args:
        path: where the file is.
        error: the class to raise.
        noun: "picture", "sound" or "video": it names the file in the sentence and begins the code
            (``picture_missing``, ``picture_unreadable``).
    """
    try:
        # Without O_NONBLOCK the opening of a pipe would wait for somebody to write into it.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as problem:
        raise _refusal(path, problem, error, noun) from problem
    status = os.fstat(handle)
    if stat.S_ISREG(status.st_mode) and status.st_size:
        return os.fdopen(handle, "rb")
    os.close(handle)
    what = "a folder" if stat.S_ISDIR(status.st_mode) else "empty" if stat.S_ISREG(status.st_mode) else "not a file"
    raise error(f"{path} is {what}. Give the path of a {noun} file.", code=f"{noun}_unreadable")


def _refusal(path: StrPath, problem: OSError | ValueError, error: type[InputError], noun: str) -> InputError:
    if isinstance(problem, FileNotFoundError | NotADirectoryError | ValueError):
        return error(f"There is no {noun} at {path}. Check the path.", code=f"{noun}_missing")
    if isinstance(problem, IsADirectoryError):
        return error(f"{path} is a folder. Give the path of a {noun} file.", code=f"{noun}_unreadable")
    reason = problem.strerror or "the system refuses"
    return error(f"The {noun} {Path(path)} cannot be opened: {reason}.", code=f"{noun}_unreadable")
