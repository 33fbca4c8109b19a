"""Poses become frames as encoders want them; those of idle life are painted once for all rooms that show the same."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.pose import Pose
from avatarium.engine.live.packing import pack
from avatarium.engine.live.performer import Tick
from avatarium.engine.production import Renderer
from avatarium.engine.video.framing import Size

I420: TypeAlias = NDArray[np.uint8]
"""Planes Y, U and V below each other, ``(height * 3 / 2, width)``, contiguous; ITU-R BT.601, limited range."""


@dataclass(slots=True, eq=False)
class _Shelf:
    """Idle frames of one picture at one size."""

    frames: dict[Hashable, I420] = field(default_factory=dict)
    users: int = 0


class IdleFrames:
    """Idle frames of a whole process, within a limit. Safe for threads.

    Frames of pictures that nobody shows any more go first, those unused for longest before others. Frames in use are
    never dropped: where the limit is reached by them, further ones are painted anew each time.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._shelves: OrderedDict[Hashable, _Shelf] = OrderedDict()
        self._lock = threading.Lock()
        self._used = 0

    @property
    def used_bytes(self) -> int:
        """Memory of all frames."""
        return self._used

    def lease(self, key: Hashable) -> None:
        """Begin to use the frames of a picture; to be given back by :meth:`release`."""
        with self._lock:
            self._shelves.setdefault(key, _Shelf()).users += 1

    def release(self, key: Hashable) -> None:
        """Stop using them. They stay while there is room."""
        with self._lock:
            self._shelves[key].users -= 1
            self._shelves.move_to_end(key)

    def get(self, key: Hashable, frame: Hashable) -> I420 | None:
        """A frame of a leased picture, if it is there."""
        with self._lock:
            return self._shelves[key].frames.get(frame)

    def put(self, key: Hashable, frame: Hashable, picture: I420) -> None:
        """Keep a frame of a leased picture if there is room. It must not be written to any more."""
        with self._lock:
            frames = self._shelves[key].frames
            if frame not in frames and self._has_room(picture.nbytes):
                picture.flags.writeable = False
                frames[frame] = picture
                self._used += picture.nbytes

    def _has_room(self, wanted: int) -> bool:
        unused = [key for key, shelf in self._shelves.items() if not shelf.users]
        while self._used + wanted > self._limit and unused:
            gone = self._shelves.pop(unused.pop(0))
            self._used -= sum(frame.nbytes for frame in gone.frames.values())
        return self._used + wanted <= self._limit


class Painter:
    """Frames of one view. For one thread at a time; several rooms may share one that is not ``in_order``.

    A view that is ``in_order`` belongs to its painter, which closes it.

    Args:
        view: whose frames have even sides.
        idle: where idle frames are kept; None paints every frame.
        key: the same for all views that show the same picture in the same way. None shares with nobody.
        packed: paint the person alone, colours above and the mask below (:mod:`packing`); frames have double height.
    """

    def __init__(
        self, view: Renderer, idle: IdleFrames | None = None, key: Hashable = None, *, packed: bool = False
    ) -> None:
        if view.size.width % 2 or view.size.height % 2:
            raise ValueError(f"frames of {view.size} have odd sides")
        self.size = Size(view.size.width, 2 * view.size.height) if packed else view.size
        if view.in_order:
            idle = None  # the film goes on: no frame comes twice
        self._view, self._idle, self._packed = view, idle, packed
        self._key: Hashable = object() if key is None else (key, self.size.width, self.size.height)
        self._release = None
        if idle is not None:
            idle.lease(self._key)
            self._release = weakref.finalize(self, idle.release, self._key)

    def paint(self, tick: Tick) -> I420:
        """The frame of a tick, not to be written to. The very object of the call before where nothing has moved."""
        if tick.idle_frame is None or self._idle is None:
            return self._painted(tick.pose)
        frame = (tick.look, tick.idle_frame)
        kept = self._idle.get(self._key, frame)
        if kept is None:
            kept = self._painted(tick.pose)
            self._idle.put(self._key, frame, kept)
        return kept

    def close(self) -> None:
        """Give the idle frames back; the painter must not be used any more."""
        if self._release is not None:
            self._release()
        if self._view.in_order:
            self._view.close()

    def _painted(self, pose: Pose) -> I420:
        if self._packed:
            return pack(self._view.render_cutout(pose))
        return np.asarray(cv2.cvtColor(self._view.render(pose), cv2.COLOR_RGB2YUV_I420), np.uint8)
