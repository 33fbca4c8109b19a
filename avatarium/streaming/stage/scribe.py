"""What happens to a room, written into the books in its order; what they do not take is tried again until they do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError

from avatarium.errors import AvatariumError, NotFoundError
from avatarium.streaming.stage.pools import run_in

T = TypeVar("T")
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 8.0
"""Between two tries. The longest is shorter than the guard's slack: what a viewer's arrival waits for here, the guard
must not take for a room that nobody joined."""
log = structlog.get_logger()


class Scribe:
    """Writes for one room. Used on the event loop.

    It knows nothing of the room but its id, so that a room may be forgotten whose end is not written yet.

    Args:
        room_id: of the room.
        pool: whose threads write.
        spawn: starts what outlives the room, and ends with the stage.
    """

    def __init__(
        self, room_id: str, pool: Executor, spawn: Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]]
    ) -> None:
        self._room_id = room_id
        self._pool = pool
        self._spawn = spawn
        self._lock = asyncio.Lock()

    def write(self, entry: Callable[[], T]) -> asyncio.Task[T | None]:
        """Write something after all that was to be written before; None where the books know nothing of the room."""
        return self._spawn(self._written(entry))

    async def _written(self, entry: Callable[[], T]) -> T | None:
        async with self._lock:
            pause_s = FIRST_PAUSE_S
            while True:
                try:
                    return await run_in(self._pool, entry)
                except NotFoundError as problem:
                    log.warning("books_without_room", room=self._room_id, reason=problem.message)
                    return None
                except (AvatariumError, DBAPIError) as problem:
                    log.warning("books_wait", room=self._room_id, reason=str(problem)[:200], pause_s=pause_s)
                except Exception:
                    log.exception("books_bug", room=self._room_id, pause_s=pause_s)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
