"""Where the mouth of a tracked face is free to be seen.

The mesh goes on over a hand as if nothing were there, so what lies under it is looked at: colours and roughness at the
vertices round the mouth, against what this clip usually has there at such a pose. Hands are looked for as well, and a
head that is turned far away shows no mouth to replace. Where the mouth is not free the original picture stays.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.frame import FaceFrame
from avatarium.engine.face.video.hands import Hands
from avatarium.engine.face.video.skin import LIPS, LOWER, face_colours
from avatarium.engine.face.video.tracking import Track

Image = NDArray[np.uint8]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

YAW_FREE, YAW_HIDDEN = np.radians(36.0), np.radians(44.0)
PITCH_FREE, PITCH_HIDDEN = np.radians(34.0), np.radians(42.0)
MOSTLY = 0.5
"""Less of the mouth than this counts as none."""
RAMP = 5
"""Frames from the original picture to the made one."""
_EARLY = 2
"""Frames before a hand is surely there and after it surely went in which it may be half there."""
_HANDS_EVERY = 3
_FREE, _HIDDEN = 0.33, 0.45
"""Share of the vertices round the mouth that look unlike themselves. Smiles and turns change up to a third, a hand half
of them; one of the very colour and brightness of the face may be missed here, and is left to :class:`Hands`."""
_SPREAD = np.array([4.5, 2.3, 2.3, 1.0])
"""Least spread of L, a, b and roughness that counts as usual."""
_UNLIKE = 3.3
_DOUBTED = 0.08
_SHORTEST_MODEL = 50
_ROUNDS = 8


class MouthWatch:
    """Takes the frames of a track one by one, for those who look at them for other reasons too."""

    def __init__(self, track: Track) -> None:
        self._track = track
        self._colours: list[Float32] = []
        self._covered: list[bool] = []
        self._hands = Hands()

    def add(self, frame: Image) -> None:
        """Take the next frame, RGB."""
        at = len(self._colours)
        points = self._track.points[at]
        self._colours.append(face_colours(frame, points))
        if at % _HANDS_EVERY == 0 or (self._covered and self._covered[-1]):
            self._covered.append(bool(self._track.seen[at]) and self._hands.cover(frame, points))
        else:
            self._covered.append(False)

    def shown(self) -> Float32:
        """What all the frames say, ``(frames,)``."""
        track, colours = self._track, np.stack(self._colours)
        free = np.ones(len(track), np.float32)
        poses = _poses(track)
        for shot in track.shots:
            rows = np.flatnonzero(track.seen[shot]) + shot.start
            if len(rows) >= _SHORTEST_MODEL:
                free[rows] = _ramped(unlike(colours[rows], poses[rows]), _FREE, _HIDDEN)
        free[np.array(self._covered)] = 0
        free = np.minimum(_despeckled(free), _turned(poses))
        free[~mouth_inside(track) | ~track.seen] = 0
        return _softened(free, track)

    def usual(self) -> Float32:
        """Colours and roughness at the vertices as they mostly are in the frames taken so far, ``(vertices, 4)``."""
        seen = self._track.seen[: len(self._colours)]
        return np.asarray(np.median(np.stack(self._colours)[seen], axis=0), np.float32)

    def close(self) -> None:
        """Give the network back."""
        self._hands.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def unlike(colours: Float32, poses: Float64) -> Float64:
    """Share of the vertices round the mouth that do not look as usual, ``(frames,)``.

    What is usual is a linear function of pose and opening, fitted by iteratively reweighted least squares, so that the
    frames in which a hand lies over the mouth have no say in it.
    """
    frames, _, channels = colours.shape
    seen = colours[:, : len(LOWER)].astype(np.float64).reshape(frames, -1)
    terms = np.column_stack([np.ones(frames), poses])
    spread = np.tile(_SPREAD[:channels], len(LOWER))
    # From the median, not from a first fit: a third of the frames would bend that towards the hand.
    share = _odd_share(np.abs(seen - np.median(seen, axis=0)), np.ones(frames), spread, channels)
    ridge = 0.02 * frames * np.diag([0.0, *[1.0] * poses.shape[1]])
    for _ in range(_ROUNDS):
        weights = 1 / (1 + (share / _DOUBTED) ** 2)
        root = np.sqrt(weights)[:, None]
        fitted = np.linalg.solve((terms * root).T @ (terms * root) + ridge, (terms * weights[:, None]).T @ seen)
        share = _odd_share(np.abs(seen - terms @ fitted), weights, spread, channels)
    return np.asarray(share)


def _odd_share(off: Float64, weights: Float64, spread: Float64, channels: int) -> Float64:
    usual = np.maximum(spread, 1.4826 * _weighted_median(off, weights))
    odd = (off / usual).reshape(len(off), -1, channels)
    return np.asarray(((odd**2).sum(2) > _UNLIKE**2).mean(1))


def _weighted_median(values: Float64, weights: Float64) -> Float64:
    """Of each column; frames that count little are left out."""
    return np.asarray(np.median(values[weights >= min(0.5, float(np.quantile(weights, 0.5)))], axis=0))


def _poses(track: Track) -> Float64:
    """Yaw, pitch, roll in radians and the opening of the mouth in IOD, each scaled to about one."""
    rows = []
    for points in track.points.astype(np.float64):
        face = FaceFrame.of(points)
        gap = np.linalg.norm(points[mesh.LIP_LOWER_INNER] - points[mesh.LIP_UPPER_INNER]) / face.scale
        rows.append((*np.radians([face.yaw_deg, face.pitch_deg, face.roll_deg]), gap))
    return np.array(rows) / [0.3, 0.3, 0.3, 0.1]


def _ramped(values: Float64, free: float, hidden: float) -> Float32:
    return np.asarray(1 - np.clip((values - free) / (hidden - free), 0, 1), np.float32)


def _turned(poses: Float64) -> Float32:
    yaw, pitch = np.abs(poses[:, 0]) * 0.3, np.abs(poses[:, 1]) * 0.3
    return np.minimum(_ramped(yaw, YAW_FREE, YAW_HIDDEN), _ramped(pitch, PITCH_FREE, PITCH_HIDDEN))


def turned_away(track: Track) -> NDArray[np.bool_]:
    """Whether the head is turned or tilted so far that the mouth counts as hidden, ``(frames,)``."""
    return np.asarray(_turned(_poses(track)) < MOSTLY)


def mouth_inside(track: Track) -> NDArray[np.bool_]:
    """Whether lips and chin are within the picture, ``(frames,)``."""
    needed = track.points[:, [*LIPS, mesh.MOUTH_LEFT, mesh.MOUTH_RIGHT, mesh.CHIN], :2]
    return np.asarray(((needed >= 0) & (needed <= [track.width - 1, track.height - 1])).all((1, 2)))


def _despeckled(free: Float32) -> Float32:
    """Of three frames the middle one: what hides a mouth stays longer than one."""
    padded = np.pad(free, 1, mode="edge")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, 3), axis=1), np.float32)


def _softened(free: Float32, track: Track) -> Float32:
    """Ramps of :data:`RAMP` frames that reach 0 before the hand arrives and leave it after it went; not over cuts."""
    out = np.empty_like(free)
    reach = RAMP + _EARLY
    rise = np.clip((np.abs(np.arange(-reach, reach + 1)) - _EARLY) / RAMP, 0, 1).astype(np.float32)
    for shot in track.shots:
        padded = np.pad(free[shot], reach, constant_values=1)
        windows = np.lib.stride_tricks.sliding_window_view(padded, len(rise))
        out[shot] = np.maximum(windows, rise).min(1)
    return out
