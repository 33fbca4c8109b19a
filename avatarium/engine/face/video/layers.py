"""The person of a twin without the ground: colours and alpha as films of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.video.films import FilmWriter, plain_frames, reorder
from avatarium.engine.face.video.passage import Passage, between, glance, movement
from avatarium.engine.picture.matting import VideoMatte, open_plugin
from avatarium.engine.picture.matting.kinds import Alpha
from avatarium.engine.picture.matting.video import FaceAt

Image = NDArray[np.uint8]
Colour = tuple[int, int, int]
_NEAR = 8
"""Pixels round the person that codecs mix into the outline."""
_WARM_UP = 50
"""Frames before the loop's first that the matting sees too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """Two films of the same frames."""

    person: Path
    """The person's own colours, free of the ground."""
    alpha: Path
    """Share of the person as brightness, 0..255."""


class Matting:
    """Cuts the person out of a film and lays the layers in a loop's order, on whatever thread calls :meth:`run`.

    Args:
        source: a clip of the intake, or a film of a twin.
        folder: where the layers are written, and what is needed on the way.
        order: the frames of the source to show, in the loop's order.
        passage: how the last of them are drawn towards the first.
        ground, face_at: as of ``VideoMatte``.
        told: told the number of each frame of the source that is done.
        network: a file of the operator's own.

    Raises:
        AssetError: the ``network`` cannot be used: as ``open_plugin``.
    """

    def __init__(
        self,
        source: Path,
        folder: Path,
        order: NDArray[np.int32],
        *,
        passage: Passage | None = None,
        ground: Image | Colour | None = None,
        face_at: FaceAt | None = None,
        told: Callable[[int], None] | None = None,
        network: Path | None = None,
    ) -> None:
        self._source, self._folder, self._order = source, folder, order
        self._passage = passage or Passage(first=int(order[0]), last=int(order[-1]))
        self._rising = bool((np.diff(order) == 1).all())
        self._needs = min(self._passage.needs, int(order.min()))
        self._begins = max(0, self._needs - _WARM_UP)
        self._ground, self._face_at, self._told = ground, face_at, told
        self._plugin = None if network is None else open_plugin(network)
        self._kept: dict[int, tuple[Image, Image, Image]] = {}
        self._stopped = threading.Event()
        self.done = 0.0
        """Share of the work, 0 to 1; may be read from any thread."""

    def stop(self) -> None:
        """Give up; what was made is not complete."""
        self._stopped.set()

    def run(self) -> Layers:
        """Make both films, of the size of the source."""
        made = Layers(person=self._folder / "person.mp4", alpha=self._folder / "alpha.mp4")
        if self._rising:
            self._matte(made, scratch=False)
            return made
        scratch = Layers(person=self._folder / "person-scratch.mp4", alpha=self._folder / "alpha-scratch.mp4")
        size = self._matte(scratch, scratch=True)
        if not self._stopped.is_set():
            _in_order(scratch, self._order - self._needs, made, size)
        return made

    def _matte(self, layers: Layers, *, scratch: bool) -> tuple[int, int]:
        """Mat every frame that is needed, and some before, from which the ground is learnt; returns their size."""
        end = int(self._order.max()) + 1
        frames = plain_frames(self._source, self._begins, end)
        first = next(frames)
        height, width = first.shape[:2]
        with (
            VideoMatte(width, height, ground=self._ground, face_at=self._whom, plugin=self._plugin) as matte,
            FilmWriter(layers.person, width, height, scratch=scratch) as person,
            FilmWriter(layers.alpha, width, height, plane=True, scratch=scratch) as alpha,
        ):
            for number, frame in enumerate(chain((first,), frames), self._begins):
                if self._stopped.is_set():
                    break
                share = matte.next(frame)
                if number >= self._needs:
                    self._add(number, frame, share, matte, person, alpha)
                self.done = (number + 1 - self._begins) / (end - self._begins)
                if self._told:
                    self._told(number)
        return width, height

    def _whom(self, number: int) -> tuple[float, float, float, float] | None:
        return self._face_at(number + self._begins) if self._face_at else None

    def _add(
        self, number: int, frame: Image, share: Alpha, matte: VideoMatte, person: FilmWriter, alpha: FilmWriter
    ) -> None:
        plane = np.asarray(cv2.convertScaleAbs(share, alpha=255), np.uint8)
        alone = _alone(matte.foreground(frame, share), plane)
        if self._passage.frames and number < self._passage.first:
            self._kept[number] = glance(frame), alone, plane
            return
        partner = self._passage.partner(number)
        if partner is not None:
            other, other_alone, other_plane = self._kept.pop(partner)
            flow, way = movement(glance(frame), other), self._passage.share(number)
            alone, plane = between(alone, other_alone, flow, way), between(plane, other_plane, flow, way)
        person.add_picture(alone)
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


def _in_order(layers: Layers, order: NDArray[np.int32], made: Layers, size: tuple[int, int]) -> None:
    """Write the films in another order, as they are kept; ``size`` is width and height."""
    with FilmWriter(made.person, *size) as person:
        reorder(layers.person, order, person)
    with FilmWriter(made.alpha, *size, plane=True) as alpha:
        reorder(layers.alpha, order, alpha)
