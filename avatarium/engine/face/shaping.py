"""Compiled loops over vertices: the expression of a pose, and where it stands in the picture.

A frame has a few hundred vertices, so that in numpy nearly all of its time would go into calls.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.frame import Points

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

LID_MEET = 0.04
"""Where closing lids meet, as a share of the eye's opening above the lower lid."""
_CREASE, _SOCKET = 0.45, 0.10
_LOWER_SHARE, _UPPER_SHARE = 0.6, 0.4
"""A jaw opens the lower lip more than the upper."""
_RING_FADE = (0.15, 0.45, 0.75)
"""How far the lip rows from the skin inwards follow the inner lips."""
_PRESS_FADE = (0.4, 0.8, 1.0)
_TUCK_FADE = (0.35, 0.8, 1.0)
_THINNEST = 0.002
_UNEVEN_GAP = 0.12
"""At this opening (IOD) a photo's own lips show as they are."""

_POINTS = 11
_UPPER, _LOWER = np.array(mesh.LIP_INNER_UPPER), np.array(mesh.LIP_INNER_LOWER)
_RINGS_UPPER, _RINGS_LOWER = np.array(mesh.LIP_RINGS_UPPER), np.array(mesh.LIP_RINGS_LOWER)
_LIDS = np.array([[eye.upper[1:-1], eye.lower[1:-1], eye.crease, eye.socket] for eye in mesh.EYES])


def lip_profile() -> Points:
    """Share of the gap along the lips from corner to corner, shape ``(11,)``."""
    profile: Points = np.clip(1 - np.abs(np.linspace(-1, 1, _POINTS)) ** 2.2, 0, 1)
    return profile


def _plain_line() -> Points:
    """The matrix that replaces eleven points by a plain curve: half the cubic through them, half the straight line."""
    at = np.linspace(-1, 1, _POINTS)
    cubic, straight = (np.vander(at, n) for n in (4, 2))
    fit: Points = (cubic @ np.linalg.pinv(cubic) + straight @ np.linalg.pinv(straight)) / 2
    return fit


_PROFILE = lip_profile()
_PLAIN_LINE = _plain_line()
"""Lips of an open photo are no mirror of each other; the line on which they meet must still be a plain curve."""


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def expressed(
    rest: Points,
    stacked: Points,
    weights: Points,
    opening: float,
    tuck: float,
    blink: float,
    gap: float,
    own: bool,
) -> Points:
    """A face with an expression, in its own coordinates, ``(468, 3)``.

    Args:
        rest: the face without one.
        stacked: fields of movement, ``(n, 468 * 3)``, each with its weight.
        opening: of the lips, below zero pressed.
        gap: the opening from which on the lips stand as in the photo.
        own: whether the photo's mouth is open.
    """
    local = np.empty(rest.size)
    for at in range(rest.size):
        moved = weights[0] * stacked[0, at]
        for field in range(1, len(weights)):
            moved += weights[field] * stacked[field, at]
        local[at] = moved
    local = rest + local.reshape(rest.shape)
    _close_gap(local, opening, gap, own)
    if opening < 0:
        _move_lips(local, -0.7 * opening * _PROFILE, opening * _PROFILE, _PRESS_FADE)
    if tuck > 0:
        _move_lips(local, np.zeros(_POINTS), -tuck * _PROFILE, _TUCK_FADE)
        for i in range(_POINTS):
            local[_LOWER[i], 1] += -0.6 * tuck * _PROFILE[i]
    _keep_order(local)
    if blink > 0:
        _shut_lids(local, blink)
    return local


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _close_gap(local: Points, opening: float, gap: float, own: bool) -> None:
    """Set the inner lips exactly the wanted gap apart; the regression alone never quite shuts an open photo."""
    wanted = max(0.0, opening)
    error = np.zeros(_POINTS)
    for i in range(1, _POINTS - 1):
        error[i] = wanted * _PROFILE[i] - (local[_LOWER[i], 1] - local[_UPPER[i], 1])
    _meet(local, 1 - min(max(opening / gap, 0.0), 1.0))
    rise, fall = -_UPPER_SHARE * error, _LOWER_SHARE * error
    if own:
        share = 1 - min(max(opening / _UNEVEN_GAP, 0.0), 1.0)
        line = np.empty(_POINTS)
        for i in range(_POINTS):
            line[i] = local[_UPPER[i], 1] + rise[i]
        for i in range(_POINTS):
            level = ((_PLAIN_LINE[i] * line).sum() - line[i]) * share
            rise[i] += level
            fall[i] += level
    _move_lips(local, rise, fall, _RING_FADE)
    for i in range(_POINTS):
        local[_UPPER[i], 1] += rise[i]
        if 0 < i < _POINTS - 1:  # the corners belong to both rows
            local[_LOWER[i], 1] += fall[i]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _meet(local: Points, share: float) -> None:
    """Bring upper and lower lip to the same places along and across the mouth, as they are when shut."""
    for i in range(1, _POINTS - 1):
        for axis in (0, 2):
            half = (local[_LOWER[i], axis] - local[_UPPER[i], axis]) * (0.5 * share)
            local[_UPPER[i], axis] += half
            local[_LOWER[i], axis] -= half


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _move_lips(local: Points, upper: Points, lower: Points, fade: tuple[float, float, float]) -> None:
    for ring in range(len(fade)):
        for i in range(1, _POINTS - 1):
            local[_RINGS_UPPER[ring, i], 1] += fade[ring] * upper[i]
            local[_RINGS_LOWER[ring, i], 1] += fade[ring] * lower[i]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _keep_order(local: Points) -> None:
    """Let no row of a lip pass the next one inwards: skin that folded over itself would show as a notch."""
    for i in range(1, _POINTS - 1):
        upper, lower = local[_UPPER[i], 1], local[_LOWER[i], 1]
        for ring in range(len(_RINGS_UPPER) - 1, -1, -1):
            above, below = _RINGS_UPPER[ring, i], _RINGS_LOWER[ring, i]
            upper = min(local[above, 1], upper - _THINNEST)
            lower = max(local[below, 1], lower + _THINNEST)
            local[above, 1], local[below, 1] = upper, lower


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _shut_lids(local: Points, blink: float) -> None:
    """Slide the upper lid over the eye; skin above follows less and less."""
    for eye in range(len(_LIDS)):
        for i in range(_LIDS.shape[2]):
            up, low, crease, socket = _LIDS[eye, 0, i], _LIDS[eye, 1, i], _LIDS[eye, 2, i], _LIDS[eye, 3, i]
            for axis in range(3):
                meet = local[low, axis] + (local[up, axis] - local[low, axis]) * LID_MEET
                slide = (meet - local[up, axis]) * blink
                local[low, axis] += (meet - local[low, axis]) * blink
                local[up, axis] += slide
                local[crease, axis] += slide * _CREASE
                local[socket, axis] += slide * _SOCKET


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def placed(
    face: Points,
    points: Points,
    hangs_on: Indices,
    follow: Points,
    head: Points,
    breath: Points,
    pivot: Points,
    turn: Points,
    shift: Points,
    gaze: Points,
    sink: float,
    corner: Floats,
) -> tuple[Floats, Floats]:
    """Where all vertices of a body stand: in the frame, and before the head's turn, with the eyeballs' shift taken off.

    Args:
        face: the face's vertices with their expression, pixels.
        points: all vertices at rest, those of the face first.
        hangs_on, follow: for each after the face, which of it takes it along, and how far.
        head, breath: how far each follows the head and the breath.
        turn: of the head about ``pivot``, a matrix.
        shift: of the head, gaze: of the eyeballs, sink: of the breath, pixels.
        corner: what counts as 0, 0.
    """
    target, lids = np.empty((len(points), 2), np.float32), np.empty((len(points), 2), np.float32)
    for at in range(len(points)):
        x, y, z = points[at]
        if at < len(face):
            x, y, z = face[at]
        else:
            on, share = hangs_on[at - len(face)], follow[at - len(face)]
            x += (face[on, 0] - points[on, 0]) * share
            y += (face[on, 1] - points[on, 1]) * share
        lids[at, 0], lids[at, 1] = x - gaze[0] - corner[0], y - gaze[1] - corner[1]
        dx, dy, dz = x - pivot[0], y - pivot[1], z - pivot[2]
        turned_x = dx * turn[0, 0] + dy * turn[0, 1] + dz * turn[0, 2] + pivot[0]
        turned_y = dx * turn[1, 0] + dy * turn[1, 1] + dz * turn[1, 2] + pivot[1]
        target[at, 0] = x + (turned_x - x + shift[0]) * head[at] - corner[0]
        target[at, 1] = y + (turned_y - y + shift[1]) * head[at] - corner[1] - sink * breath[at]
    return target, lids
