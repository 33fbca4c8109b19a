"""Avatars from videos: each file fetched and opened once for all rooms that show it, and a view of its own for each."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from avatarium.errors import InputError
from avatarium.storage.service import Storage

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray

    from avatarium.engine.face.pose import Pose
    from avatarium.engine.face.video.actor import VideoActor
    from avatarium.engine.production import Renderer
    from avatarium.engine.video.framing import Size

FILE_MAX_BYTES = 2 << 30
"""Of a twin: a minute of 1080p, matted, has less than half of it."""
UNUSED_BYTES, UNUSED = 1 << 30, 6
"""Memory and disk, and number, of the twins that are kept for the rooms that come next; those in use are besides."""
UNREADABLE = "twin_unreadable"


@dataclass(slots=True, eq=False)
class _Open:
    """One twin."""

    actor: VideoActor
    size_bytes: int
    users: int = 0


class Twins:
    """The twins of a stage. :meth:`view`, :meth:`tidy` and :meth:`close` are for one thread; views for another.

    Args:
        storage: where their files are.
        scratch: the stage's folder; what is unpacked lies in it.
        given_back: called when a view was closed, in the thread that closed it; has :meth:`tidy` called in its own.
    """

    def __init__(self, storage: Storage, scratch: Path, given_back: Callable[[], None]) -> None:
        self._storage = storage
        self._folder = scratch / "twins"
        self._given_back = given_back
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._broken: list[_Open] = []
        """Those that rooms still show and no other room will."""
        self._lock = threading.Lock()

    def view(self, key: str, make: Callable[[VideoActor], Renderer]) -> Renderer:
        """A view of a twin for one room; when it is closed the twin may be forgotten.

        Args:
            key: of the twin's file in storage.
            make: makes the view.

        Raises:
            InputError: ``twin_unreadable``.
            NotFoundError, UnavailableError: the file cannot be had.
        """
        kept = key in self._open
        try:
            try:
                return self._view(key, make)
            except InputError as problem:
                if not kept or problem.code != UNREADABLE:
                    raise
            # Its files were good when they came: something has happened to them here.
            self._drop(key)
            return self._view(key, make)
        finally:
            self.tidy()

    def tidy(self) -> None:
        """Forget those that are too many, or broken, and that nobody uses."""
        self._forget(UNUSED_BYTES, UNUSED)

    def close(self) -> None:
        """Forget all that nobody uses."""
        self._forget(0, 0)

    def __len__(self) -> int:
        return len(self._open)

    def _view(self, key: str, make: Callable[[VideoActor], Renderer]) -> Renderer:
        twin = self._open.get(key)
        if twin is None:
            twin = self._fetched(key)
        with self._lock:
            twin.users += 1
            self._open[key] = twin
            self._open.move_to_end(key)
        try:
            return Lent(make(twin.actor), lambda: self._give_back(twin))
        except BaseException:
            self._release(twin)
            raise

    def _drop(self, key: str) -> None:
        with self._lock:
            self._broken.append(self._open.pop(key))

    def _fetched(self, key: str) -> _Open:
        from avatarium.engine.face.video.actor import VideoActor

        self._folder.mkdir(parents=True, exist_ok=True)
        known = self._storage.info(key)
        if known is not None and known.size_bytes > FILE_MAX_BYTES:
            raise InputError(
                "The avatar's file is too large for a live room. Make the avatar from a shorter video.",
                code="twin_too_large",
            )
        file = self._folder / f"{uuid4().hex}.twin"
        try:
            self._storage.copy_to(key, file)
            actor = VideoActor.open(file, under=self._folder)
            return _Open(actor=actor, size_bytes=file.stat().st_size + actor.memory_bytes)
        finally:
            file.unlink(missing_ok=True)

    def _give_back(self, twin: _Open) -> None:
        self._release(twin)
        self._given_back()

    def _release(self, twin: _Open) -> None:
        with self._lock:
            twin.users -= 1

    def _forget(self, most_bytes: int, most: int) -> None:
        """Close those that nobody uses, the broken and the longest unused first, until the rest is within bounds."""
        with self._lock:
            gone = [twin for twin in self._broken if not twin.users]
            self._broken = [twin for twin in self._broken if twin.users]
            unused = [(key, twin) for key, twin in self._open.items() if not twin.users]
            while unused and (len(unused) > most or sum(twin.size_bytes for _, twin in unused) > most_bytes):
                key, twin = unused.pop(0)
                gone.append(self._open.pop(key))
        for twin in gone:
            twin.actor.close()


class Lent:
    """A view that gives its twin back when it is closed; a renderer."""

    in_order = True

    def __init__(self, view: Renderer, give_back: Callable[[], None]) -> None:
        self.size: Size = view.size
        self._view = view
        self._give_back: Callable[[], None] | None = give_back

    def render(self, pose: Pose) -> NDArray[uint8]:
        """As of any renderer."""
        return self._view.render(pose)

    def render_cutout(self, pose: Pose) -> NDArray[uint8]:
        """As of any renderer."""
        return self._view.render_cutout(pose)

    def close(self) -> None:
        """Let go; once."""
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            self._view.close()
            give_back()
