"""The eye that stays on one person: detector, mesh, and what to do when they disagree."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.landmarks import Box, find_boxes, mesh_of
from avatarium.engine.face.video.likeness import Look
from avatarium.errors import FaceError

Image = NDArray[np.uint8]
Points = NDArray[np.float64]

CHECK_EVERY = 12
"""Frames between two looks of the detector: half a second."""
LOST_EVERY = 3
"""While nobody is found; a find is carried back over the frames between by nobody, they stay unseen."""
MESH_SIDE = 320
"""Of the picture given to the mesh, whose network sees 192 pixels of the face and a margin."""
_ROUND_FACE = 2.4
_STRAYED, _GROWN = 0.14, 1.22
"""How far the face may leave the middle of the cut-out, and grow or shrink, before a new one is cut."""
_JUMP = 0.45
"""IOD from one frame to the next: faster than heads turn, so another face or a cut."""
_UNCONFIRMED = 3
"""Looks at which the detector sees no face at all where the mesh does: a hand, a profile."""
SAME_PERSON, SAME_PLACE = 0.34, 0.6
"""Largest :meth:`Look.distance` of a face that comes back: anywhere, and where it was lost. One person in one clip
keeps below .3, two people are .35 to .8 apart; better to miss a shot than to show a stranger."""
_LEARNING = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What was seen in one frame."""

    points: Points | None
    """Mesh in pixels, ``(478, 3)``, or None where the person is not seen."""
    faces: int
    """How many faces the detector saw when it last looked."""


class Follower:
    """Follows one person from frame to frame. Not for several threads; close it, or use it as a context manager.

    Args:
        number: which face to begin with, by size.
        look: whom to look for instead.
    """

    def __init__(self, *, number: int = 1, look: Look | None = None) -> None:
        self._number, self._look = number, look
        self._mesh: _Mesh | None = None
        self._points: Points | None = None
        self._last: Points | None = None
        self._faces = self._unconfirmed = 0
        self._since_look = CHECK_EVERY

    def look_at(self, frame: Image, *, sudden: bool = False) -> Sight:
        """Find the person in the next frame, RGB; ``sudden`` if it may begin another shot."""
        self._since_look += 1
        if sudden:
            self._last = None  # in another shot the same place is nobody's
        self._points = self._follow(frame, sudden) if self._points is not None else None
        if self._points is None and (sudden or self._since_look >= LOST_EVERY):
            self._points = self._search(frame)
        self._last = self._last if self._points is None else self._points
        return Sight(points=self._points, faces=max(self._faces, int(self._points is not None)))

    def close(self) -> None:
        """Give the network back."""
        if self._mesh:
            self._mesh.close()
            self._mesh = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _follow(self, frame: Image, sudden: bool) -> Points | None:
        assert self._mesh is not None and self._points is not None
        points = self._mesh.next(frame)
        if points is None:
            self._since_look = LOST_EVERY
            return None
        far = float(np.linalg.norm(_middle(points) - _middle(self._points))) / _unit(points)
        sudden = sudden or far > _JUMP
        if sudden or self._since_look >= CHECK_EVERY:
            return points if self._confirmed(frame, points, sudden) else None
        return points

    def _confirmed(self, frame: Image, points: Points, sudden: bool) -> bool:
        """Whether detector and looks agree that it is still the same face.

        After a sudden change they must; else the mesh is believed for a while where the detector sees no face at all.
        """
        boxes = self._detect(frame)
        if any(_covers(box, points) for box in boxes):
            look = Look.of(frame, points)
            if self._distance(look) >= (SAME_PERSON if sudden else SAME_PLACE):
                return False
            self._unconfirmed = 0
            self._learn(look)
            return True
        self._unconfirmed += 1
        return not sudden and not boxes and self._unconfirmed <= _UNCONFIRMED

    def _search(self, frame: Image) -> Points | None:
        boxes = self._detect(frame)
        if self._look is None:
            boxes = boxes[self._number - 1 : self._number]
        found = [(points, Look.of(frame, points)) for box in boxes if (points := _mesh_or_none(frame, box)) is not None]
        if not found:
            return None
        points, look = min(found, key=lambda f: self._distance(f[1]))
        there = (
            self._last is not None and float(np.abs(_middle(points) - _middle(self._last)).max()) < _size(points) / 2
        )
        if self._distance(look) >= (SAME_PLACE if there else SAME_PERSON):
            return None
        self._learn(look)
        self._unconfirmed = 0
        self.close()
        self._mesh = _Mesh(points)
        return self._mesh.next(frame)

    def _distance(self, look: Look) -> float:
        return self._look.distance(look) if self._look else 0.0

    def _detect(self, frame: Image) -> list[Box]:
        boxes = find_boxes(frame)
        self._faces, self._since_look = len(boxes), 0
        return boxes

    def _learn(self, look: Look) -> None:
        if self._look is None:
            self._look = look
        elif self._distance(look) < SAME_PERSON:
            self._look = self._look.mixed(look, _LEARNING)


class _Mesh:
    """MediaPipe's mesh in tracking mode, on a cut-out that stays where it is until the face leaves its middle.

    The network looks where it found the face in the picture before; a cut-out that moves with every frame would have
    it look beside the face.
    """

    def __init__(self, points: Points) -> None:
        import mediapipe as mp

        self._network: Any = mp.solutions.face_mesh.FaceMesh(
            static_image_mode=False, max_num_faces=1, refine_landmarks=True, min_detection_confidence=0.2
        )
        self._aim(points)

    def next(self, frame: Image) -> Points | None:
        points = self._read(frame)
        if points is None:
            return None
        if self._left(points):
            self._aim(points)
            points = None if self._read(frame) is None else self._read(frame)
        return points

    def close(self) -> None:
        self._network.close()

    def _aim(self, points: Points) -> None:
        self._x, self._y = (float(v) for v in _middle(points))
        self._side = _size(points) * _ROUND_FACE

    def _left(self, points: Points) -> bool:
        strayed = np.abs(_middle(points) - [self._x, self._y]).max() / self._side
        grown = _size(points) * _ROUND_FACE / self._side
        return bool(strayed > _STRAYED or not 1 / _GROWN < grown < _GROWN)

    def _read(self, frame: Image) -> Points | None:
        left, top, side = round(self._x - self._side / 2), round(self._y - self._side / 2), max(16, round(self._side))
        found = self._network.process(_cut_out(frame, left, top, side)).multi_face_landmarks
        if not found:
            return None
        points: Points = np.array([[p.x, p.y, p.z] for p in found[0].landmark], np.float64) * side
        points[:, :2] += [left, top]
        return points


def _cut_out(frame: Image, left: int, top: int, side: int) -> Image:
    height, width = frame.shape[:2]
    inside = frame[max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)]
    if inside.shape[:2] != (side, side):
        beyond = max(0, -top), max(0, top + side - height), max(0, -left), max(0, left + side - width)
        if 0 in inside.shape:
            return np.zeros((MESH_SIDE, MESH_SIDE, 3), np.uint8)
        inside = np.asarray(cv2.copyMakeBorder(inside, *beyond, cv2.BORDER_REPLICATE), np.uint8)
    how = cv2.INTER_AREA if side > MESH_SIDE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(inside, (MESH_SIDE, MESH_SIDE), interpolation=how), np.uint8)


def _mesh_or_none(frame: Image, box: Box) -> Points | None:
    try:
        return mesh_of(frame, box)
    except FaceError:
        return None


def _middle(points: Points) -> Points:
    return np.asarray((points[:, :2].min(0) + points[:, :2].max(0)) / 2)


def _size(points: Points) -> float:
    return float(np.ptp(points[:, :2], axis=0).max())


def _unit(points: Points) -> float:
    return float(np.linalg.norm(points[mesh.EYE_OUTER_RIGHT] - points[mesh.EYE_OUTER_LEFT]))


def _covers(box: Box, points: Points) -> bool:
    return float(np.abs(_middle(points) - [box.x, box.y]).max()) < 0.6 * box.side
