"""A twin: somebody in a video, opened once, shown by any number of views."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
import time
import weakref
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.frame import FaceFrame, Points
from avatarium.engine.face.landmarks import Face
from avatarium.engine.face.pose import Floats
from avatarium.engine.face.video.bank import Bank
from avatarium.engine.face.video.playing import Player
from avatarium.engine.face.video.warping import OwnFace, Tracked, Warping
from avatarium.errors import InputError

if TYPE_CHECKING:
    from avatarium.engine.face.video.package import TwinFile

Image = NDArray[np.uint8]

_FOLDER, _HELD = "twin-", ".held"
_NEW_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Films:
    """Where the frames of a loop are."""

    base: Path
    person: Path | None = None
    alpha: Path | None = None
    """The person alone: colours and mask; both or none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """What is known of every frame of a loop."""

    order: NDArray[np.int32]
    """Numbers of the clip's frames, ``(frames,)``."""
    tracked: Tracked
    pose: Floats
    """Yaw, pitch and roll in radians, ``(frames, 3)``."""
    shown: Floats
    """How far the mouth may be changed, 0..1."""

    def __len__(self) -> int:
        return len(self.order)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Out of the arrays of a twin's file."""
        tracked = Tracked(
            points=arrays["points"][:, : mesh.VERTICES],
            local=arrays["local"],
            controls=arrays["controls"],
            scale=arrays["scale"],
            turn=arrays["turn"],
            shift=arrays["shift"],
        )
        return cls(order=arrays["order"], tracked=tracked, pose=arrays["pose"], shown=arrays["shown"])

    def check(self, clip_frames: int) -> None:
        """Hold the numbers of a stranger's file against what they must be.

        Raises:
            ValueError: they are not.
        """
        tracked = self.tracked
        numbers = (
            tracked.points, tracked.local, tracked.controls, tracked.scale, tracked.turn, tracked.shift, self.pose,
            self.shown,
        )  # fmt: skip
        if not all(array.dtype.kind == "f" and np.isfinite(array).all() for array in numbers):
            raise ValueError("numbers")
        if tracked.scale.min() <= 0 or self.order.min() < 0 or self.order.max() >= clip_frames:
            raise ValueError("order")


class VideoActor:
    """A person in a video who can speak. Threads may share it.

    Args:
        films: the frames, each ``frames`` long.
        size: width and height of the frames.
        loop: what is known of them.
        neutral: the face at rest, face coordinates, ``(468, 3)``.
        bank: the person's own mouths.
        folder: removed when the actor is closed.
        held: a file that is open as long as the folder is used.
    """

    def __init__(
        self,
        films: Films,
        size: tuple[int, int],
        loop: Loop,
        neutral: Points | Floats,
        bank: Bank,
        *,
        folder: Path | None = None,
        held: IO[bytes] | None = None,
    ) -> None:
        self.films, self.loop, self.bank = films, loop, bank
        self.neutral: Points = np.asarray(neutral, float)
        self.width, self.height = size
        self._remove = weakref.finalize(self, _remove, folder, held) if folder else None

    @classmethod
    def open(cls, path: Path, *, under: Path | None = None) -> Self:
        """Open a twin's file. Its films are unpacked into a temporary folder until :meth:`close`, or nobody uses it.

        Args:
            path: of the file.
            under: where the folder is made; None for the system's own place.

        Raises:
            InputError: ``twin_unreadable``.
        """
        from avatarium.engine.face.video.package import read_twin

        twin = read_twin(path)
        folder = Path(tempfile.mkdtemp(prefix=_FOLDER, dir=under))
        with ExitStack() as unless_made:
            unless_made.callback(shutil.rmtree, folder, ignore_errors=True)
            held = unless_made.enter_context((folder / _HELD).open("wb"))
            fcntl.flock(held, fcntl.LOCK_EX)
            _sweep(folder.parent)
            try:
                actor = cls._of(twin, folder, held)
            except (KeyError, ValueError) as problem:
                raise InputError(
                    "The avatar's file lacks what it needs. Make the avatar from its video again.",
                    code="twin_unreadable",
                ) from problem
            unless_made.pop_all()
        return actor

    @classmethod
    def _of(cls, twin: TwinFile, folder: Path, held: IO[bytes]) -> Self:
        matted = twin.manifest.has_alpha
        films = Films(
            base=twin.extract("base.mp4", folder),
            person=twin.extract("person.mp4", folder) if matted else None,
            alpha=twin.extract("alpha.mp4", folder) if matted else None,
        )
        arrays = twin.arrays()
        loop, bank = Loop.from_arrays(arrays), Bank.from_arrays(arrays)
        loop.check(len(bank.light))
        size = twin.manifest.width, twin.manifest.height
        return cls(films, size, loop, arrays["neutral"], bank, folder=folder, held=held)

    @property
    def frames(self) -> int:
        """Of the loop."""
        return len(self.loop)

    @property
    def layered(self) -> bool:
        """Whether the person can be shown without the ground."""
        return self.films.person is not None and self.films.alpha is not None

    @property
    def iod(self) -> float:
        """Usual distance of the outer eye corners in pixels."""
        return float(np.median(self.loop.tracked.scale))

    @property
    def memory_bytes(self) -> int:
        """What an opened actor holds; views hold more of their own."""
        tracked = self.loop.tracked
        arrays = [*self.bank.arrays().values(), tracked.points, tracked.local]
        return int(sum(array.nbytes for array in arrays) + 2 * tracked.local.nbytes)

    @cached_property
    def warping(self) -> Warping:
        """Geometry by the general model of movement."""
        return Warping(OwnFace(self.neutral), self.loop.tracked)

    @cached_property
    def face(self) -> Face:
        """The face as it usually stands: what a shot is framed by."""
        points = self.loop.tracked.points
        middle = points[:, :, :2].mean(1)
        usual = points[int(np.linalg.norm(middle - np.median(middle, axis=0), axis=1).argmin())].astype(float)
        return Face(points=usual, frame=FaceFrame.of(usual), score=1.0, others=0)

    @cached_property
    def picture(self) -> Image:
        """The first frame of the loop, RGB ``(height, width, 3)``."""
        player = Player(self.films.base, self.frames)
        try:
            return player.frame(0).copy()
        finally:
            player.close()

    def close(self) -> None:
        """Remove what was unpacked; views must be closed before."""
        if self._remove is not None:
            self._remove()


def _remove(folder: Path, held: IO[bytes] | None) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if held is not None:
        held.close()


def _sweep(under: Path) -> None:
    """Remove what processes that were killed had unpacked: nobody holds it any more."""
    for mark in under.glob(f"{_FOLDER}*/{_HELD}"):
        with suppress(OSError):
            if time.time() - mark.stat().st_mtime < _NEW_S:
                continue  # its maker may not have come to the lock yet
            with mark.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(mark.parent, ignore_errors=True)
