"""Find the face in a picture: where it is, its mesh, and whether it can be made to speak.

BlazeFace (full range) finds faces, MediaPipe's face mesh with attention lays 478 points over the one that is asked for.
The mesh alone would put a face on a dog; the detector in front of it does not.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.frame import FaceFrame, Points
from avatarium.errors import FaceError

os.environ.setdefault("GLOG_minloglevel", "3")

Image = NDArray[np.uint8]

MIN_SCORE = 0.6
"""Humans, paintings and cartoons score .67 to .97, animals less than .5."""
MIN_EYE_DISTANCE_PX = 28.0
MAX_YAW_DEG = 42.0
MAX_PITCH_DEG = 38.0
DETECTOR_SIDE = 960
MESH_SIDE = 512
"""The mesh network looks at 192 pixels; twice that on the face loses nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A detected face: its middle and side in pixels, and how sure the detector is (0..1)."""

    x: float
    y: float
    side: float
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """A face that can speak."""

    points: Points
    """Mesh in pixels of the picture, shape ``(478, 3)``; z in pixels too, growing away from the viewer."""
    frame: FaceFrame
    score: float
    others: int
    """How many more faces the picture holds."""


def find_face(picture: Image, number: int = 1) -> Face:
    """The mesh of one face of a picture.

    Args:
        picture: RGB, ``(H, W, 3)``.
        number: 1 for the largest face, 2 for the next, and so on.

    Raises:
        FaceError: there is no such face, or it is too small, turned away or cut off by the picture's edge.
    """
    boxes = find_boxes(picture)
    if not boxes:
        raise FaceError(
            "No human face was found in the picture. Use a photo or drawing in which one face looks at the camera.",
            code="no_face",
        )
    if number > len(boxes):
        count = "one face" if len(boxes) == 1 else f"{len(boxes)} faces"
        raise FaceError(f"The picture has {count}; face {number} was asked for. Use a smaller number.", code="no_face")
    points = mesh_of(picture, boxes[number - 1])
    frame = FaceFrame.of(points)
    _refuse_unusable(picture, points, frame)
    return Face(points=points, frame=frame, score=boxes[number - 1].score, others=len(boxes) - 1)


def find_boxes(picture: Image) -> list[Box]:
    """Faces of a picture, the largest first."""
    if min(picture.shape[:2]) < MIN_EYE_DISTANCE_PX:
        return []
    found = _detect(picture, 0, 0)
    if not found:
        found = [box for tile, x, y in _tiles(picture) for box in _detect(tile, x, y)]
    return _distinct(sorted(found, key=lambda box: -box.side))


def mesh_of(picture: Image, box: Box) -> Points:
    """Lay the mesh over a detected face, looking twice: the second time at just the face that the first found."""
    points = _mesh_in(picture, box.x, box.y, box.side * 2)
    middle, size = points[:, :2].mean(0), np.ptp(points[:, :2], axis=0).max()
    return _mesh_in(picture, float(middle[0]), float(middle[1]), float(size) * 1.9)


def _mesh_in(picture: Image, x: float, y: float, side: float) -> Points:
    scale = MESH_SIDE / side
    to_crop = np.array([[scale, 0, MESH_SIDE / 2 - x * scale], [0, scale, MESH_SIDE / 2 - y * scale]])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    crop = cv2.warpAffine(picture, to_crop, (MESH_SIDE, MESH_SIDE), flags=how, borderMode=cv2.BORDER_REPLICATE)
    with _face_mesh() as detector:
        faces = detector.process(crop).multi_face_landmarks
    if not faces:
        raise FaceError(
            "The face cannot be read: it is covered, blurred or turned too far away. Use a sharp photo from the front.",
            code="face_unreadable",
        )
    points = np.array([[p.x, p.y, p.z] for p in faces[0].landmark]) * side
    points[:, :2] += [x - side / 2, y - side / 2]
    return points


def _face_mesh() -> Any:
    """A fresh detector: one that is kept tracks, and would answer the second picture from the first."""
    import mediapipe as mp

    return mp.solutions.face_mesh.FaceMesh(
        static_image_mode=True, max_num_faces=1, refine_landmarks=True, min_detection_confidence=0.2
    )


def _detect(picture: Image, left: int, top: int) -> list[Box]:
    import mediapipe as mp

    height, width = picture.shape[:2]
    shrink = min(1.0, DETECTOR_SIDE / max(height, width))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if shrink < 1 else picture
    with mp.solutions.face_detection.FaceDetection(model_selection=1, min_detection_confidence=MIN_SCORE) as detector:
        found = detector.process(np.ascontiguousarray(small)).detections or []
    return [_box(d, width, height, left, top) for d in found]


def _box(detection: Any, width: int, height: int, left: int, top: int) -> Box:
    box = detection.location_data.relative_bounding_box
    side = max(box.width * width, box.height * height)
    middle = (box.xmin + box.width / 2) * width + left, (box.ymin + box.height / 2) * height + top
    return Box(x=middle[0], y=middle[1], side=side, score=float(detection.score[0]))


def _tiles(picture: Image) -> list[tuple[Image, int, int]]:
    """Nine overlapping halves, for a face that is small in a large picture."""
    height, width = picture.shape[:2]
    rows, columns = (range(0, n - n // 2 + 1, max(1, n // 4)) for n in (height, width))
    return [(picture[y : y + height // 2, x : x + width // 2], x, y) for y in rows for x in columns]


def _distinct(boxes: list[Box]) -> list[Box]:
    kept: list[Box] = []
    for box in boxes:
        if all(max(abs(box.x - k.x), abs(box.y - k.y)) > k.side / 2 for k in kept):
            kept.append(box)
    return kept


def _refuse_unusable(picture: Image, points: Points, frame: FaceFrame) -> None:
    if frame.scale < MIN_EYE_DISTANCE_PX:
        raise FaceError(
            f"The face is too small: its eyes span {frame.scale:.0f} pixels and {MIN_EYE_DISTANCE_PX:.0f} are needed. "
            "Use a larger picture, or crop it to the head and shoulders.",
            code="face_too_small",
        )
    if abs(frame.yaw_deg) > MAX_YAW_DEG or abs(frame.pitch_deg) > MAX_PITCH_DEG:
        raise FaceError(
            f"The face is turned {abs(frame.yaw_deg):.0f} degrees aside and {abs(frame.pitch_deg):.0f} up or down. "
            f"Use a picture in which both eyes and the whole mouth are seen.",
            code="face_turned_away",
        )
    features = [mesh.CHIN, mesh.MOUTH_LEFT, mesh.MOUTH_RIGHT, *mesh.EYES[0].upper, *mesh.EYES[1].upper]
    height, width = picture.shape[:2]
    inside = (points[features, :2] >= 0) & (points[features, :2] <= [width - 1, height - 1])
    if not inside.all():
        raise FaceError(
            "The face is cut off by the edge of the picture. Use one in which eyes, mouth and chin are whole.",
            code="face_cut_off",
        )
