"""Who is shown: avatars' pictures with the face found and laid out, kept for the rooms that come next."""

from __future__ import annotations

import asyncio
import tempfile
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from avatarium.storage.service import Storage
from avatarium.streaming.stage.pools import Pools, run_in
from avatarium.streaming.wire import RoomSpec

if TYPE_CHECKING:
    from avatarium.engine.live import IdleFrames
    from avatarium.engine.production import Renderer
    from avatarium.engine.video.framing import Ground

SQUARE = "1:1"
KEPT = 12
"""Views that are kept for the rooms that come next, those used last: about 20 MB each. A room that is open keeps its
own, whether it is among them or not."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """All that a view is made of."""

    source: str
    """Of a built-in avatar; else empty."""
    picture_key: str
    resolution: int
    shape: str = ""
    background_key: str = ""
    background_color: str = ""
    transparent: bool = False

    @classmethod
    def of(cls, spec: RoomSpec) -> Look:
        """Of a room."""
        return cls(
            source=spec.source,
            picture_key="" if spec.source else spec.picture_key,
            resolution=spec.resolution,
            shape=spec.shape,
            background_key=spec.background_key,
            background_color="" if spec.background_key else spec.background_color,
            transparent=spec.transparent,
        )


class Looks:
    """The views of a stage. Used on the event loop; a view itself only by the thread that renders.

    Rooms that show the same share one view: only one thread draws, one room after the other.

    Args:
        storage: where pictures are.
        pools: views are made in the thread for loading.
        scratch: a folder for pictures on their way.
        idle: frames of those who only listen, shared by all rooms; None keeps none.
    """

    def __init__(self, storage: Storage, pools: Pools, scratch: Path, idle: IdleFrames | None) -> None:
        self._storage = storage
        self._pools = pools
        self._scratch = scratch
        self.idle = idle
        self._views: OrderedDict[Look, asyncio.Future[Renderer]] = OrderedDict()

    async def view(self, look: Look) -> Renderer:
        """The view of a look; made once, however many wait for it.

        Raises:
            PictureError, FaceError: the picture cannot be used.
            NotFoundError, UnavailableError: it cannot be had.
        """
        found = self._views.get(look)
        if found is None or (found.done() and (found.cancelled() or found.exception() is not None)):
            found = self._views[look] = asyncio.ensure_future(run_in(self._pools.loading, partial(self._made, look)))
            # Whoever waits gets the error as well; nobody need wait.
            found.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._views.move_to_end(look)
        while len(self._views) > KEPT:
            self._views.popitem(last=False)
        return await asyncio.shield(found)

    def __len__(self) -> int:
        return len(self._views)

    def _made(self, look: Look) -> Renderer:
        from avatarium.engine.live import live_view

        self._scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            picture: str | Path = look.source
            if not look.source:
                picture = Path(folder) / "picture"
                self._storage.copy_to(look.picture_key, picture)
            ground = self._ground(look, Path(folder))
            return live_view(
                picture,
                resolution=look.resolution,
                shape=look.shape or SQUARE,
                background=ground,
                cutout=look.transparent,
            )

    def _ground(self, look: Look, folder: Path) -> Ground | None:
        from avatarium.engine.picture.read import read_picture

        if look.background_key:
            path = folder / "background"
            self._storage.copy_to(look.background_key, path)
            return read_picture(path).over()
        if look.background_color:
            from avatarium.engine.colours import parse_colour

            return parse_colour(look.background_color)
        return None
