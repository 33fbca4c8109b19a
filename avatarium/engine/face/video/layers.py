"""The person of a twin without the ground: colours and alpha as films of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.video.films import FilmWriter, reorder
from avatarium.engine.picture.matting import VideoMatte, open_plugin
from avatarium.engine.picture.matting.video import FaceAt
from avatarium.engine.video.frames import read_frames

Image = NDArray[np.uint8]
Colour = tuple[int, int, int]
_NEAR = 8
"""Pixels round the person that codecs mix into the outline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """Two films of the same frames."""

    person: Path
    """The person's own colours, free of the ground."""
    alpha: Path
    """Share of the person as brightness, 0..255."""


class Matting:
    """Cuts the person out of a film, frame after frame in the film's order, on whatever thread calls :meth:`run`.

    Raises:
        AssetError: the ``network``, a file of the operator's own, cannot be used: as ``open_plugin``.
    """

    def __init__(
        self,
        source: Path,
        folder: Path,
        *,
        ground: Image | Colour | None = None,
        face_at: FaceAt | None = None,
        told: Callable[[int], None] | None = None,
        network: Path | None = None,
    ) -> None:
        self._source, self._ground, self._face_at, self._told = source, ground, face_at, told
        self._plugin = None if network is None else open_plugin(network)
        self.layers = Layers(person=folder / "person-scratch.mp4", alpha=folder / "alpha-scratch.mp4")
        self._end = 1 << 30
        self._stopped = threading.Event()

    def end_at(self, frame: int) -> None:
        """What comes from this frame on is not needed; may be called from any thread."""
        self._end = frame

    def stop(self) -> None:
        """Give up; what was made is not complete."""
        self._stopped.set()

    def run(self) -> Layers:
        """Make both films, of the size of the source and for scratch."""
        frames = read_frames(self._source)
        first = next(frames)
        height, width = first.shape[:2]
        with (
            VideoMatte(width, height, ground=self._ground, face_at=self._face_at, plugin=self._plugin) as matte,
            FilmWriter(self.layers.person, width, height, scratch=True) as person,
            FilmWriter(self.layers.alpha, width, height, plane=True, scratch=True) as alpha,
        ):
            self._add(first, matte, person, alpha)
            for number, frame in enumerate(frames, 1):
                if number >= self._end or self._stopped.is_set():
                    break
                self._add(frame, matte, person, alpha)
                if self._told:
                    self._told(number)
        return self.layers

    def _add(self, frame: Image, matte: VideoMatte, person: FilmWriter, alpha: FilmWriter) -> None:
        share = matte.next(frame)
        plane = np.asarray(cv2.convertScaleAbs(share, alpha=255), np.uint8)
        person.add_picture(_alone(matte.foreground(frame, share), plane))
        alpha.add_plane(plane)


def faces_of(points: NDArray[np.float32], seen: NDArray[np.bool_]) -> FaceAt:
    """Where the face to keep is in each frame, by its mesh ``(frames, vertices, 3)``; nowhere where it is not seen."""

    def face_at(number: int) -> tuple[float, float, float, float] | None:
        if number >= len(points) or not seen[number]:
            return None
        face = points[number, list(mesh.OVAL), :2]
        (left, top), (right, bottom) = face.min(0), face.max(0)
        return float(left), float(top), float(right), float(bottom)

    return face_at


def _alone(picture: Image, plane: Image) -> Image:
    """The picture, black where nobody is near: what stands in somebody's room has no place in the file."""
    left, top, width, height = cv2.boundingRect(plane)
    rows, columns = (slice(max(0, at - _NEAR), at + size + _NEAR) for at, size in ((top, height), (left, width)))
    alone = np.zeros_like(picture)
    alone[rows, columns] = picture[rows, columns]
    return alone


def in_loop_order(layers: Layers, order: NDArray[np.int32], folder: Path, size: tuple[int, int]) -> Layers:
    """The films in the order of a loop, as they are kept; ``size`` is width and height."""
    made = Layers(person=folder / "person.mp4", alpha=folder / "alpha.mp4")
    with FilmWriter(made.person, *size) as person:
        reorder(layers.person, order, person)
    with FilmWriter(made.alpha, *size, plane=True) as alpha:
        reorder(layers.alpha, order, alpha)
    return made
