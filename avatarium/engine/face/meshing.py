"""The mesh that carries a whole person: the face, rings of skin and hair round it, and a grid over the rest.

Each vertex outside the face knows how much it follows the head (a head turns, shoulders do not), the breath, and which
point of the face's outline it hangs on, so that cheeks and chin take the skin beside them along.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.expression import Triangles, fields
from avatarium.engine.face.frame import FaceFrame, Points

Weights = NDArray[np.float64]

RINGS = ((1.10, 0.70, 0.35), (1.22, 0.40, 0.65), (1.40, 0.12, 0.90))
"""Size against the outline, share of its expression, and how far back towards the ears."""
CLEAR = 1.52
"""The grid begins at this size of the outline."""
PITCH = 0.24
"""Distance of grid points in IOD."""
NECK = 1.05
"""Length over which the head's movement fades below the chin (IOD)."""
PIVOT = (0.0, 0.75, 0.12)
"""Joint of skull and neck: between the ears, a little behind them (IOD; depth counted from the ears)."""
LOWEST = 4.3
"""Nothing below this many IOD under the eyes ever moves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyMesh:
    """Vertices of one picture; the first 468 are the face."""

    points: Points
    """Resting place in pixels, shape ``(n, 3)``."""
    outer: Triangles
    """Triangles outside the face, to be drawn first."""
    face: Triangles
    hangs_on: NDArray[np.int64]
    """For each vertex after the face: the outline vertex it follows."""
    follow: Weights
    """For each vertex after the face: share of that vertex's expression."""
    head: Weights
    """Share of the head's movement, shape ``(n,)``."""
    breath: Weights
    pivot: Points
    """Point the head turns about, pixels, shape ``(3,)``."""


def build_mesh(points: Points, frame: FaceFrame, box: tuple[int, int, int, int], anchored: bool) -> BodyMesh:
    """Mesh over ``box`` (left, top, right, bottom in pixels).

    Args:
        points: the face's mesh in pixels, ``(468 or more, 3)``.
        frame: its frame.
        box: the part of the picture that may move.
        anchored: whether person and ground are one layer, so that all movement must fade towards the box's border.
    """
    face = points[: mesh.VERTICES]
    oval = face[list(mesh.OVAL)]
    ear_depth = float(face[[234, 454], 2].mean())
    rings, hangs_on, follow = _rings(oval, ear_depth)
    grid = _grid(oval[:, :2], frame.scale, box)
    outside = np.concatenate([rings, np.column_stack([grid, np.full(len(grid), ear_depth)])])
    everything = np.concatenate([face, outside])
    indices = np.array([*mesh.OVAL, *range(mesh.VERTICES, len(everything))])
    outer = indices[Delaunay(everything[indices, :2]).simplices].astype(np.int32)
    outer = outer[~np.isin(outer, mesh.OVAL).all(1)]  # the face itself is drawn by its own triangles
    head, breath = _weights(everything[:, :2], face, frame, box, anchored)
    return BodyMesh(
        points=everything,
        outer=outer,
        face=fields().triangles,
        hangs_on=np.concatenate([hangs_on, np.zeros(len(grid), np.int64)]),
        follow=np.concatenate([follow, np.zeros(len(grid))]),
        head=head,
        breath=breath,
        pivot=_pivot(frame, ear_depth),
    )


def _rings(oval: Points, ear_depth: float) -> tuple[Points, NDArray[np.int64], Weights]:
    centre = oval[:, :2].mean(0)
    rings = []
    for size, _, back in RINGS:
        flat = centre + (oval[:, :2] - centre) * size
        rings.append(np.column_stack([flat, oval[:, 2] * (1 - back) + ear_depth * back]))
    follow = np.repeat([share for _, share, _ in RINGS], len(oval))
    return np.concatenate(rings), np.tile(np.array(mesh.OVAL), len(RINGS)), follow


def _grid(oval: Points, scale: float, box: tuple[int, int, int, int]) -> Points:
    """Points over the box, its border included, outside the rings."""
    left, top, right, bottom = box
    columns = np.linspace(left, right - 1, max(3, round((right - left) / (PITCH * scale)) + 1))
    rows = np.linspace(top, bottom - 1, max(3, round((bottom - top) / (PITCH * scale)) + 1))
    grid = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    centre = oval.mean(0)
    hull = cv2.convexHull((centre + (oval - centre) * CLEAR).astype(np.float32))
    border = (grid[:, 0] == left) | (grid[:, 0] == right - 1) | (grid[:, 1] == top) | (grid[:, 1] == bottom - 1)
    clear = np.array([cv2.pointPolygonTest(hull, (float(x), float(y)), False) < 0 for x, y in grid])
    kept: Points = grid[clear | border]
    return kept


def _weights(
    at: Points, face: Points, frame: FaceFrame, box: tuple[int, int, int, int], anchored: bool
) -> tuple[Weights, Weights]:
    """Shares of the head's movement and of the breath, shape ``(n,)`` each."""
    flat = np.linalg.solve(frame.axes[:2, :2].T, ((at - frame.origin[:2]) / frame.scale).T).T
    chin = float(frame.to_local(face[mesh.CHIN][None])[0, 1])
    head = 1 - smooth(chin + 0.05, chin + 0.05 + NECK, flat[:, 1])
    head *= 1 - smooth(0.95, 1.45, np.abs(flat[:, 0])) * smooth(0.55 * chin, 0.95 * chin, flat[:, 1])
    breath = smooth(chin * 0.95, chin * 1.8, flat[:, 1]) * (1 - smooth(LOWEST - 1.6, LOWEST, flat[:, 1]))
    inside = _distance_to_border(at, box) / frame.scale
    # The border is held, so that the mesh covers the whole box in every pose.
    held = inside <= 1e-6
    head[held], breath[held] = 0, 0
    if anchored:
        radius = np.hypot(flat[:, 0] / 0.95, (flat[:, 1] - 0.35) / 1.25)
        head *= (1 - smooth(1.0, 1.75, radius)) * smooth(0.0, 0.4, inside)
        breath *= smooth(0.0, 0.4, inside)
    head[: mesh.VERTICES], breath[: mesh.VERTICES] = 1, 0
    return head, breath


def _distance_to_border(at: Points, box: tuple[int, int, int, int]) -> Weights:
    left, top, right, bottom = box
    distance: Weights = np.minimum.reduce(
        [at[:, 0] - left, right - 1 - at[:, 0], at[:, 1] - top, bottom - 1 - at[:, 1]]
    )
    return distance


def _pivot(frame: FaceFrame, ear_depth: float) -> Points:
    pivot: Points = frame.to_picture(np.array([[PIVOT[0], PIVOT[1], 0.0]]))[0]
    pivot[2] = ear_depth + PIVOT[2] * frame.scale
    return pivot


def smooth(low: float, high: float, x: Weights) -> Weights:
    """Hermite step from 0 at ``low`` to 1 at ``high``."""
    t = np.clip((x - low) / (high - low), 0, 1)
    stepped: Weights = t * t * (3 - 2 * t)
    return stepped
