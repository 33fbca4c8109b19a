"""Who is shown: avatars' pictures with the face found and laid out, kept for the rooms that come next."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from avatarium.storage.service import Storage
from avatarium.streaming.stage.pools import Pools, run_in
from avatarium.streaming.stage.twins import Twins
from avatarium.streaming.wire import RoomSpec

if TYPE_CHECKING:
    from avatarium.engine.face.style.record import SpeakingStyle
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
    package_key: str = ""
    """Of an avatar from a video; else empty."""
    shape: str = ""
    background_key: str = ""
    background_color: str = ""
    transparent: bool = False

    @classmethod
    def of(cls, spec: RoomSpec) -> Look:
        """Of a room."""
        return cls(
            source=spec.source,
            picture_key="" if spec.source or spec.package_key else spec.picture_key,
            package_key=spec.package_key,
            resolution=spec.resolution,
            shape=spec.shape,
            background_key=spec.background_key,
            background_color="" if spec.background_key else spec.background_color,
            transparent=spec.transparent,
        )


class Looks:
    """The views of a stage. Used on the event loop; a view itself only by the thread that renders.

    Rooms that show the same picture share one view: only one thread draws, one room after the other. A twin's film goes
    on by itself, so that each room has a view of its own, which it closes.

    Args:
        storage: where pictures are.
        pools: views are made in the thread for loading, of twins in the one for films.
        scratch: a folder for pictures on their way.
        idle: frames of those who only listen, shared by all rooms; None keeps none.
    """

    def __init__(self, storage: Storage, pools: Pools, scratch: Path, idle: IdleFrames | None) -> None:
        self._storage = storage
        self._pools = pools
        self._scratch = scratch
        self.idle = idle
        self._views: OrderedDict[Look, asyncio.Future[Renderer]] = OrderedDict()
        self.twins = Twins(storage, scratch, self._tidy_later)

    async def view(self, look: Look, style: SpeakingStyle | None = None) -> Renderer:
        """The view of a look; of a picture made once, however many wait for it.

        Args:
            look: what is shown.
            style: how a twin's face moves.

        Raises:
            PictureError, FaceError: the picture cannot be used.
            InputError: ``twin_unreadable``.
            NotFoundError, UnavailableError: it cannot be had.
        """
        if look.package_key:
            return await self._own_view(look, style)
        found = self._views.get(look)
        if found is None or (found.done() and (found.cancelled() or found.exception() is not None)):
            found = self._views[look] = asyncio.ensure_future(run_in(self._pools.loading, partial(self._made, look)))
            # Whoever waits gets the error as well; nobody need wait.
            found.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._views.move_to_end(look)
        while len(self._views) > KEPT:
            self._views.popitem(last=False)
        return await asyncio.shield(found)

    async def style(self, key: str) -> SpeakingStyle:
        """A personal lip-sync model.

        Raises:
            InputError: ``lip_model_unreadable``.
            NotFoundError, UnavailableError: it cannot be had.
        """
        return await run_in(self._pools.loading, partial(self._read_style, key))

    async def close(self) -> None:
        """Remove what was unpacked; after the rooms."""
        await run_in(self._pools.films, self.twins.close)

    def __len__(self) -> int:
        return len(self._views)

    def _tidy_later(self) -> None:
        with contextlib.suppress(RuntimeError):  # the pool was closed, and all goes with the stage's folder
            self._pools.films.submit(self.twins.tidy)

    async def _own_view(self, look: Look, style: SpeakingStyle | None) -> Renderer:
        making = asyncio.ensure_future(run_in(self._pools.films, partial(self._made, look, style)))
        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            making.add_done_callback(_close_made)  # nobody waits for it any more
            raise

    def _made(self, look: Look, style: SpeakingStyle | None = None) -> Renderer:
        from avatarium.engine.live import live_view

        self._scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            show = partial(
                live_view,
                resolution=look.resolution,
                shape=look.shape or SQUARE,
                background=self._ground(look, Path(folder)),
                cutout=look.transparent,
            )
            if look.package_key:
                return self.twins.view(look.package_key, partial(show, style=style))
            if look.source:
                return show(look.source)
            picture = Path(folder) / "picture"
            self._storage.copy_to(look.picture_key, picture)
            return show(picture)

    def _read_style(self, key: str) -> SpeakingStyle:
        from avatarium.engine.face.style.record import LONGEST_JSON, SpeakingStyle

        record = bytearray()
        for block in self._storage.read(key):
            record += block
            if len(record) > 4 * LONGEST_JSON:
                break
        return SpeakingStyle.from_json(bytes(record))

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


def _close_made(making: asyncio.Future[Renderer]) -> None:
    if not making.cancelled() and making.exception() is None:
        making.result().close()
