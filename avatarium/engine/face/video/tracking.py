"""Follow one face through a clip: 478 points in every frame, though people turn, leave, and shots are cut.

BlazeFace says where faces are, now and then and wherever the mesh was lost; in between MediaPipe's mesh follows in its
tracking mode, on a small picture cut out round the face.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.signal import savgol_filter

from avatarium.engine.face.video.cuts import Changes
from avatarium.engine.face.video.following import Follower, Sight
from avatarium.engine.face.video.likeness import Look
from avatarium.engine.face.video.storing import UnreadableArrays, read_arrays, write_arrays
from avatarium.engine.files import StrPath, open_regular
from avatarium.engine.video.part import PartFile
from avatarium.errors import FaceError, InputError

Image = NDArray[np.uint8]

TWIN_FPS = 25
"""Frames a second of everything about twins."""
POINTS = 478
LONGEST_BRIDGE = 12
"""Frames without a face that are filled in: half a second, in which a head does not go far."""
_SMOOTHED, _ORDER = 5, 2
_PER_PIXEL = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One face through a clip."""

    points: NDArray[np.float32]
    """Mesh in pixels of the clip, ``(frames, 478, 3)``, smoothed; z in pixels away from the viewer. Where no face is
    seen, the nearest that was."""
    seen: NDArray[np.bool_]
    """Whether there is a usable face, ``(frames,)``; short gaps are filled in and count as seen."""
    others: NDArray[np.int16]
    """How many more faces there are, ``(frames,)``."""
    cuts: tuple[int, ...]
    """Frames at which a new shot begins; 0 is not among them."""
    width: int
    height: int

    def __len__(self) -> int:
        return len(self.seen)

    @property
    def shots(self) -> tuple[slice, ...]:
        """The stretches between cuts, all frames of the clip in order."""
        edges = (0, *self.cuts, len(self))
        return tuple(slice(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True))

    def save(self, path: StrPath) -> None:
        """Keep the track in a file of some 5 kB a frame, points to a sixty-fourth of a pixel."""
        points = np.round(self.points * _PER_PIXEL).astype(np.int32)
        # Steps from frame to frame are small numbers, which deflate well.
        steps = np.diff(points, axis=0, prepend=0)
        arrays = {
            "steps": steps,
            "seen": self.seen,
            "others": self.others,
            "cuts": np.array(self.cuts, np.int32),
            "size": np.array([self.width, self.height], np.int32),
        }
        part = PartFile(path)
        try:
            with part.writing(), open(part.part, "wb") as file:
                write_arrays(file, arrays, small=True)
            with part.writing():
                part.land()
        finally:
            part.discard()

    @classmethod
    def load(cls, path: StrPath) -> Self:
        """Read what :meth:`save` wrote.

        Raises:
            InputError: ``track_missing`` or ``track_unreadable``.
        """
        with open_regular(path, error=InputError, noun="track") as file:
            try:
                arrays = read_arrays(file)
                points = np.cumsum(arrays["steps"], axis=0, dtype=np.int32) / np.float32(_PER_PIXEL)
                width, height = (int(v) for v in arrays["size"])
                frames = len(arrays["seen"])
                if points.shape != (frames, POINTS, 3) or arrays["others"].shape != (frames,):
                    raise UnreadableArrays("shapes")
            except (UnreadableArrays, KeyError, TypeError, ValueError) as problem:
                raise InputError(
                    "The kept track of the face is damaged. Make the avatar from its video again.",
                    code="track_unreadable",
                ) from problem
        return cls(
            points=points.astype(np.float32),
            seen=arrays["seen"].astype(bool),
            others=arrays["others"].astype(np.int16),
            cuts=tuple(int(c) for c in arrays["cuts"]),
            width=width,
            height=height,
        )


def track_face(
    frames: Iterable[Image],
    *,
    number: int = 1,
    look: Look | None = None,
    progress: Callable[[int], None] | None = None,
) -> Track:
    """Follow a face through all frames of a clip; single-threaded, 10 to 15 ms of CPU a frame, memory bounded.

    Args:
        frames: RGB, ``(H, W, 3)``, 25 a second, all of one size.
        number: 1 for the largest face where the first is found, 2 for the next.
        look: whom to follow, where that is known beforehand; ``number`` does not count then.
        progress: told how many frames are done.

    Raises:
        FaceError: ``no_face``: there is no face in the whole clip, or never so many.
    """
    follower, changes = Follower(number=number, look=look), Changes()
    sights: list[Sight] = []
    size = (0, 0)
    with follower:
        for frame in frames:
            size = frame.shape[1], frame.shape[0]
            sights.append(follower.look_at(frame, sudden=changes.add(frame)))
            if progress:
                progress(len(sights))
    if not any(s.points is not None for s in sights):
        raise nobody(number, max((s.faces for s in sights), default=0))
    return _track(sights, changes, size)


def nobody(number: int, most: int) -> FaceError:
    """The refusal of a clip that shows ``most`` faces at once, where face ``number`` was asked for."""
    if number > 1 and most:
        count = "one face" if most == 1 else f"{most} faces"
        return FaceError(f"The video shows {count}; face {number} was asked for. Use a smaller number.", code="no_face")
    return FaceError(
        "No human face was found in the video. Use one in which a person looks at the camera.", code="no_face"
    )


def _track(sights: list[Sight], changes: Changes, size: tuple[int, int]) -> Track:
    seen = np.array([s.points is not None for s in sights])
    points = np.zeros((len(sights), POINTS, 3), np.float32)
    for row, sight in zip(points, sights, strict=True):
        if sight.points is not None:
            row[:] = sight.points
    cuts = changes.cuts(_moved(points, seen))
    edges = (0, *cuts, len(sights))
    for first, end in zip(edges[:-1], edges[1:], strict=True):
        _bridge(points[first:end], seen[first:end])
        _smooth(points[first:end], seen[first:end])
    _hold(points, seen)
    others = np.array([max(0, s.faces - 1) for s in sights], np.int16)
    return Track(points=points, seen=seen, others=others, cuts=cuts, width=size[0], height=size[1])


def _moved(points: NDArray[np.float32], seen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """How far the middle of the face moved since the frame before, in IOD; not a number where it was not seen."""
    middle = points[:, (33, 263, 1, 168), :2].mean(1)
    unit = np.maximum(np.linalg.norm(points[:, 33, :2] - points[:, 263, :2], axis=1), 1)
    far = np.full(len(points), np.nan, np.float32)
    far[1:] = np.linalg.norm(np.diff(middle, axis=0), axis=1) / unit[1:]
    far[~(seen & np.roll(seen, 1))] = np.nan
    return far


def stretches(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and end of every run of true flags."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _bridge(points: NDArray[np.float32], seen: NDArray[np.bool_]) -> None:
    for first, end in stretches(~seen):
        if first == 0 or end == len(seen) or end - first > LONGEST_BRIDGE:
            continue
        share = np.linspace(0, 1, end - first + 2, dtype=np.float32)[1:-1, None, None]
        points[first:end] = points[first - 1] + share * (points[end] - points[first - 1])
        seen[first:end] = True


def _smooth(points: NDArray[np.float32], seen: NDArray[np.bool_]) -> None:
    for first, end in stretches(seen):
        if end - first >= _SMOOTHED:
            points[first:end] = savgol_filter(points[first:end], _SMOOTHED, _ORDER, axis=0)


def _hold(points: NDArray[np.float32], seen: NDArray[np.bool_]) -> None:
    at = np.flatnonzero(seen)
    for frame in np.flatnonzero(~seen):
        points[frame] = points[at[np.abs(at - frame).argmin()]]
