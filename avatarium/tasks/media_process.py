"""A process that does the work of steps, one at a time, and can be killed.

The engine's libraries are loaded once and stay. It speaks JSON lines: a step comes in on standard input; progress and
the outcome go out on what was standard output. It ends when its standard input does, so none outlives its worker. Its
arguments are the queues whose families it gets ready for.

    -> {"task": "64f0...", "step": "render", "results": {...}}
    <- {"progress": 0.4}
    <- {"done": {...}}  or  {"failed": {"code": "...", "message": "...", "again": false}}
"""

from __future__ import annotations

import errno
import json
import os
import queue
import sys
import threading
from collections.abc import Callable, Sequence
from typing import IO, Any

import structlog

from avatarium.errors import AvatariumError, NotFoundError, UnavailableError
from avatarium.logs import configure_logging
from avatarium.platform import MediaPlatform
from avatarium.settings import load_settings
from avatarium.tasks.family import Family, Queue
from avatarium.tasks.job import Job

NICENESS = {Queue.QUICK.value: 5, Queue.MEDIA.value: 19}
"""Whoever waits for an answer of the API goes first, then who waits for speech, and videos when nobody waits."""
BUG = "engine_bug"
FULL = {
    "failed": {
        "code": "storage_full",
        "message": "The disk of the service is full. Nothing was charged; try again later.",
        "again": True,
    }
}
log = structlog.get_logger()


def main() -> None:
    """Work until the input ends."""
    replies = _private_output()
    os.nice(min(NICENESS[name] for name in sys.argv[1:]))
    orders = _orders()
    settings = load_settings()
    configure_logging(settings)
    platform = MediaPlatform.open(settings)
    if platform.settings.warm_up:
        _warm_up(platform, sys.argv[1:])
    _send(replies, {"ready": True})
    while True:
        order = orders.get()
        _send(replies, _outcome(platform, order, lambda fraction: _send(replies, {"progress": fraction})))


def _outcome(platform: MediaPlatform, order: dict[str, Any], report: Callable[[float], None]) -> dict[str, Any]:
    try:
        return {"done": _run(platform, order, report)}
    except AvatariumError as error:
        if error.code == "output_full":
            return FULL
        again = isinstance(error, UnavailableError)
        return {"failed": {"code": error.code, "message": error.message, "again": again}}
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            return FULL
        return _bug(order)
    except MemoryError:
        return {"failed": {"code": "out_of_memory", "message": "It needs more memory than there is.", "again": False}}
    except Exception:
        return _bug(order)


def _bug(order: dict[str, Any]) -> dict[str, Any]:
    log.exception("step_bug", task=order.get("task"), step=order.get("step"))
    message = "Something went wrong inside. It has been logged; nothing was charged."
    return {"failed": {"code": BUG, "message": message, "again": False}}


def _run(platform: MediaPlatform, order: dict[str, Any], report: Callable[[float], None]) -> dict[str, Any]:
    task = platform.task(order["task"])
    family: Family[Any] | None = platform.families.get(task.family)
    step = next((step for step in family.steps if step.name == order["step"]), None) if family else None
    if family is None or step is None:
        raise NotFoundError(f"This version does not know how to {order['step']} {task.family}.", code="unknown_step")
    job: Job[Any] = Job(
        task=task,
        start=family.start.model_validate(task.request),
        results=order["results"],
        settings=platform.settings,
        database=platform.database,
        storage=platform.storage,
        fetcher=platform.fetcher,
        catalogue=platform.catalogue,
        clock=platform.clock,
        report=report,
    )
    return step.run(job)


def _warm_up(platform: MediaPlatform, queues: Sequence[str]) -> None:
    for family in platform.families.values():
        if family.queue in queues:
            family.warm_up()


def _private_output() -> IO[str]:
    """Keep standard output for replies: whatever libraries print goes to standard error."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return replies


def _orders() -> queue.Queue[dict[str, Any]]:
    """What comes in, read by a thread of its own, so that the end of the input is noticed amid work."""
    orders: queue.Queue[dict[str, Any]] = queue.Queue(maxsize=1)

    def read() -> None:
        for line in sys.stdin:
            orders.put(json.loads(line))
        os._exit(0)

    threading.Thread(target=read, daemon=True, name="orders").start()
    return orders


def _send(replies: IO[str], message: dict[str, Any]) -> None:
    replies.write(json.dumps(message) + "\n")
    replies.flush()


if __name__ == "__main__":
    main()
