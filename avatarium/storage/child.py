"""Strangers' media opened in a process of its own, for callers that must stay light and whole.

The media libraries are large and were written in C; the API process loads none of them, and a file that makes one
crash, or run for ever, takes down nothing but the child.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from avatarium.engine import apart
from avatarium.errors import AvatariumError, RequestError, UnavailableError
from avatarium.storage.blobs import full_disk_is_unavailable
from avatarium.storage.pictures import Cleaned

TIME_LIMIT_S = 60
MEMORY_BYTES = 4 << 30


def reencode_apart(source: Path, target: Path) -> Cleaned:
    """:func:`~avatarium.storage.pictures.reencode` in a child process.

    Raises:
        RequestError: with the code of the :class:`PictureError`, or ``media_unreadable``.
        UnavailableError: ``storage_full``.
    """
    return Cleaned(**_ask("reencode", source, target))


def duration_apart(path: Path) -> float:
    """:func:`~avatarium.storage.media.duration_s` in a child process.

    Raises:
        RequestError: ``media_unreadable``.
    """
    return float(_ask("duration", path)["duration_s"])


def _ask(*words: str | Path) -> dict[str, Any]:
    command = apart.command("avatarium.storage.child", *map(str, words))
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIME_LIMIT_S, check=True, env=apart.environment())
        answer: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError) as problem:
        raise RequestError(
            "The file cannot be read: it is damaged, or too large to unpack. Save it again.", code="media_unreadable"
        ) from problem
    if "error" in answer:
        raise _as_raised(answer)
    return answer


def _as_raised(answer: dict[str, Any]) -> RequestError | UnavailableError:
    """What was raised in the child: the file is to blame, unless it says that the service is."""
    message, code = str(answer["error"]), str(answer["code"])
    if answer["unavailable"]:
        return UnavailableError(message, code=code, retry_after_s=answer["retry_after_s"])
    return RequestError(message, code=code)


def _answer(words: list[str]) -> dict[str, object]:
    from avatarium.storage.media import duration_s
    from avatarium.storage.pictures import reencode

    try:
        with full_disk_is_unavailable():
            if words[0] == "reencode":
                return asdict(reencode(Path(words[1]), Path(words[2])))
            return {"duration_s": duration_s(Path(words[1]))}
    except UnavailableError as problem:
        wait_s = problem.retry_after_s
        return {"error": problem.message, "code": problem.code, "unavailable": True, "retry_after_s": wait_s}
    except AvatariumError as problem:
        return {"error": problem.message, "code": problem.code, "unavailable": False}


def main() -> None:
    """Answer one question: ``reencode SOURCE TARGET`` or ``duration PATH``; the answer is JSON."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (TIME_LIMIT_S, TIME_LIMIT_S))
    print(json.dumps(_answer(sys.argv[1:])))


if __name__ == "__main__":
    main()
