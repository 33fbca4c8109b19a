"""What a tracked face does: its pose, its mouth controls, and its shape with pose and size taken out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.frame import FaceFrame
from avatarium.engine.face.pose import Mouth
from avatarium.engine.face.video.tracking import Track

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_REST_SHARE = 0.12
"""Share of the frames whose mouths are the least open: their mean is the mouth at rest."""
_SHUT = 0.012
"""IOD; what the mesh tells of lips that touch."""
_RINGS = (0.15, 0.45, 0.75)
"""How much of the inner lips' way each row of the lips goes along, from the skin inwards."""
_FRONTAL = np.radians(14.0)
"""From the clip's usual pose: in turned heads the gap between the lips is read less surely."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """Where the face stands in each frame: pixels are ``scale * local @ turn.T + shift``."""

    scale: Float32
    """Pixels an IOD, ``(frames,)``."""
    turn: Float32
    """``(frames, 3, 3)``."""
    shift: Float32
    """Pixels, ``(frames, 3)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What one track says of a person and of every frame."""

    local: Float32
    """Face coordinates (:class:`~avatarium.engine.face.frame.FaceFrame`), ``(frames, 468, 3)``, laid onto the clip's
    mean by the points that speech does not move."""
    placing: Placing
    neutral: Float32
    """The face with its mouth at rest and its lips together, ``(468, 3)``."""
    controls: Float32
    """By :class:`~avatarium.engine.face.pose.Mouth`, ``(frames, 6)``: OPEN is the gap itself, WIDTH, CHIN and UP are
    told against ``neutral``; TUCK and TONGUE cannot be seen and are 0."""
    pose: Float32
    """Yaw, pitch and roll in radians, ``(frames, 3)``, signs as FaceFrame's."""
    iod: float
    """Usual distance of the outer eye corners in pixels."""


def measure(track: Track) -> Measures:
    """Take pose and size out of a track. Frames in which no face was seen repeat the nearest that has one."""
    points = track.points[:, : mesh.VERTICES].astype(np.float64)
    mean = _mean_shape(points, track.seen)
    placing = _fitted(np.broadcast_to(mean, points.shape), points)
    turn, scale, shift = placing
    local = np.einsum("fpi,fij->fpj", points - shift[:, None], turn) / scale[:, None, None]
    pose = _pose(turn)
    neutral = _neutral(local, pose, track.seen)
    return Measures(
        local=local.astype(np.float32),
        placing=Placing(scale=scale.astype(np.float32), turn=turn.astype(np.float32), shift=shift.astype(np.float32)),
        neutral=neutral.astype(np.float32),
        controls=_controls(local, neutral),
        pose=pose.astype(np.float32),
        iod=float(np.median(scale[track.seen])),
    )


def _mean_shape(points: Float64, seen: NDArray[np.bool_]) -> Float64:
    """The clip's mean face in its own coordinates, unit IOD, settled in two rounds."""
    some = points[np.flatnonzero(seen)]
    shapes = np.stack([FaceFrame.of(p).to_local(p) for p in some])
    mean = shapes.mean(0)
    for _ in range(2):
        turn, scale, shift = _fitted(shapes, np.broadcast_to(mean, shapes.shape))
        moved = scale[:, None, None] * np.einsum("fpi,fji->fpj", shapes, turn) + shift[:, None]
        mean = moved.mean(0)
        mean = FaceFrame.of(mean).to_local(mean)
    return np.asarray(mean)


def _fitted(source: Float64, goal: Float64) -> tuple[Float64, Float64, Float64]:
    """Turn, scale and shift that lay every source onto its goal by the stable points (Umeyama 1991), all at once."""
    rows = list(mesh.STABLE)
    a, b = source[:, rows], goal[:, rows]
    mean_a, mean_b = a.mean(1), b.mean(1)
    a, b = a - mean_a[:, None], b - mean_b[:, None]
    u, s, vt = np.linalg.svd(np.einsum("fpi,fpj->fij", b, a))
    sign = np.ones_like(s)
    sign[:, 2] = np.sign(np.linalg.det(u @ vt))
    turn = (u * sign[:, None]) @ vt
    scale = (s * sign).sum(1) / (a**2).sum((1, 2))
    shift = mean_b - scale[:, None] * np.einsum("fij,fj->fi", turn, mean_a)
    return turn, scale, shift


def _pose(turn: Float64) -> Float64:
    axes = turn.transpose(0, 2, 1)
    yaw = np.arctan2(axes[:, 2, 0], axes[:, 2, 2])
    pitch = np.arcsin(np.clip(axes[:, 2, 1], -1, 1))
    roll = np.arctan2(axes[:, 0, 1], axes[:, 0, 0])
    return np.stack([yaw, pitch, roll], 1)


def _gap(local: Float64) -> Float64:
    return np.asarray(local[..., mesh.LIP_LOWER_INNER, 1] - local[..., mesh.LIP_UPPER_INNER, 1])


def _width(local: Float64) -> Float64:
    return np.asarray(np.linalg.norm(local[..., mesh.MOUTH_RIGHT, :2] - local[..., mesh.MOUTH_LEFT, :2], axis=-1))


def _neutral(local: Float64, pose: Float64, seen: NDArray[np.bool_]) -> Float64:
    usual = np.median(pose[seen], axis=0)
    frontal = seen & (np.abs(pose - usual)[:, :2].max(1) < _FRONTAL)
    rows = np.flatnonzero(frontal if frontal.sum() >= 10 else seen)
    gap = _gap(local[rows])
    rest = local[rows[gap <= np.quantile(gap, _REST_SHARE)]].mean(0)
    return _shut(rest)


def _shut(face: Float64) -> Float64:
    """Lips that never met in the clip, laid together; the lower one goes most of the way, as jaws do."""
    shut = face.copy()
    gap = face[list(mesh.LIP_INNER_LOWER), 1] - face[list(mesh.LIP_INNER_UPPER), 1]
    if gap.max() <= _SHUT:
        return shut
    way = np.maximum(gap[1:-1], 0)
    _lift(shut, mesh.LIP_INNER_LOWER, -0.6 * way)
    _lift(shut, mesh.LIP_INNER_UPPER, 0.4 * way)
    for upper, lower, share in zip(mesh.LIP_RINGS_UPPER, mesh.LIP_RINGS_LOWER, _RINGS, strict=True):
        _lift(shut, lower, -0.6 * share * way)
        _lift(shut, upper, 0.4 * share * way)
    return shut


def _lift(face: Float64, row: tuple[int, ...], by: Float64) -> None:
    face[list(row[1:-1]), 1] += by


def _controls(local: Float64, neutral: Float64) -> Float32:
    controls = np.zeros((len(local), len(Mouth)), np.float32)
    controls[:, Mouth.OPEN] = _gap(local)
    controls[:, Mouth.WIDTH] = _width(local) - _width(neutral)
    controls[:, Mouth.CHIN] = local[:, mesh.CHIN, 1] - neutral[mesh.CHIN, 1]
    controls[:, Mouth.UP] = local[:, mesh.LIP_UPPER_INNER, 1] - neutral[mesh.LIP_UPPER_INNER, 1]
    return controls
