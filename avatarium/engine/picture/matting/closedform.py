"""Closed-form matting (Levin, Lischinski and Weiss 2008), solved in the unknown band only.

In every window of 3 x 3 pixels alpha is taken to be a line in the picture's colours. That gives a sparse system whose
rows reach 5 x 5 neighbours; conjugate gradients solve it, from a start at half the size.
"""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from avatarium.engine.picture.matting.kinds import Alpha, Image

EDGE = 2e-6
"""Variance of a window, colours 0..1, below which it counts as flat: noise of cameras and of JPEG."""
REACH = 2
SIDE = 2 * REACH + 1
COARSEST = 200
ROUNDS, FINE_ROUNDS = 300, 120
TOLERANCE = 2e-4

Rows = NDArray[np.float32]


def solve_alpha(picture: Image, prior: Alpha, unknown: NDArray[np.bool_], weight: Alpha) -> Alpha:
    """Alpha in the unknown pixels by the picture, held to the prior a little.

    Args:
        picture: RGB, ``(H, W, 3)``.
        prior: alpha by shape; it is kept where nothing is unknown.
        unknown: pixels to solve.
        weight: of the prior in each pixel, such as .01.
    """
    start = prior
    if min(prior.shape) > COARSEST:
        size = (prior.shape[1] + 1) // 2, (prior.shape[0] + 1) // 2
        small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        open_ = cv2.resize(unknown.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
        held = np.asarray(cv2.resize(prior, size, interpolation=cv2.INTER_AREA), np.float32)
        hold = np.asarray(cv2.resize(weight, size, interpolation=cv2.INTER_AREA), np.float32)
        coarse = solve_alpha(small, held, open_, hold)
        wide = cv2.resize(coarse, (prior.shape[1], prior.shape[0]), interpolation=cv2.INTER_LINEAR)
        start = np.where(unknown, wide, prior).astype(np.float32)
    return _solve(picture, prior, start, unknown, weight)


def _solve(picture: Image, prior: Alpha, start: Alpha, unknown: NDArray[np.bool_], weight: Alpha) -> Alpha:
    if not unknown.any():
        return prior
    colours = _padded(picture.astype(np.float32) / 255)
    row_of = np.full(unknown.shape, -1, np.int32)
    row_of[unknown] = np.arange(int(unknown.sum()), dtype=np.int32)
    rows = np.zeros((int(unknown.sum()), SIDE * SIDE), np.float32)
    number = np.pad(row_of, REACH, constant_values=-1)
    _assemble(colours, number, rows, EDGE)
    at = np.nonzero(number.ravel() >= 0)[0]
    values = _padded(prior)
    values.ravel()[at] = 0
    first = np.ascontiguousarray(_padded(start).ravel()[at])
    hold = np.ascontiguousarray(_padded(weight).ravel()[at])
    wanted = hold * _padded(prior).ravel()[at]
    rounds = FINE_ROUNDS if min(prior.shape) > COARSEST else ROUNDS
    found = _conjugate(rows, at, values.shape[1], values.ravel(), first, wanted, hold, rounds)
    out = prior.copy()
    out[unknown] = np.clip(found, 0, 1)
    return out


def _padded(layer: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.pad(layer, [(REACH, REACH)] * 2 + [(0, 0)] * (layer.ndim - 2), mode="edge")


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _assemble(colours: NDArray[np.float32], number: NDArray[np.int32], rows: Rows, edge: float) -> None:
    """Add every window that holds an unknown pixel to the rows of its pixels."""
    height, width = number.shape
    part = np.empty((9, 3))
    for y in range(REACH + 1, height - REACH - 1):
        for x in range(REACH + 1, width - REACH - 1):
            some = False
            for n in range(9):
                some = some or number[y + n // 3 - 1, x + n % 3 - 1] >= 0
            if not some:
                continue
            m0, m1, m2 = 0.0, 0.0, 0.0
            for n in range(9):
                v, u = y + n // 3 - 1, x + n % 3 - 1
                part[n, 0], part[n, 1], part[n, 2] = colours[v, u, 0], colours[v, u, 1], colours[v, u, 2]
                m0, m1, m2 = m0 + part[n, 0] / 9, m1 + part[n, 1] / 9, m2 + part[n, 2] / 9
            a, b, c, d, e, f = edge, 0.0, 0.0, edge, 0.0, edge
            for n in range(9):
                p, q, r = part[n, 0] - m0, part[n, 1] - m1, part[n, 2] - m2
                part[n, 0], part[n, 1], part[n, 2] = p, q, r
                a, b, c = a + p * p / 9, b + p * q / 9, c + p * r / 9
                d, e, f = d + q * q / 9, e + q * r / 9, f + r * r / 9
            i_a, i_b, i_c = d * f - e * e, c * e - b * f, b * e - c * d
            i_d, i_e, i_f = a * f - c * c, b * c - a * e, a * d - b * b
            scale = 1.0 / (a * i_a + b * i_b + c * i_c)
            for i in range(9):
                row = number[y + i // 3 - 1, x + i % 3 - 1]
                if row < 0:
                    continue
                p, q, r = part[i, 0] * scale, part[i, 1] * scale, part[i, 2] * scale
                s, t, w = i_a * p + i_b * q + i_c * r, i_b * p + i_d * q + i_e * r, i_c * p + i_e * q + i_f * r
                for j in range(9):
                    like = (1.0 + s * part[j, 0] + t * part[j, 1] + w * part[j, 2]) / 9
                    down, across = j // 3 - i // 3 + REACH, j % 3 - i % 3 + REACH
                    rows[row, down * SIDE + across] += (1.0 if i == j else 0.0) - like


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator]
def _times(
    rows: Rows, at: NDArray[np.int64], stride: int, values: NDArray[np.float32], out: NDArray[np.float32]
) -> None:
    for i in range(len(at)):
        total = np.float32(0)
        for down in range(SIDE):
            first = at[i] + (down - REACH) * stride - REACH
            for across in range(SIDE):
                total += rows[i, down * SIDE + across] * values[first + across]
        out[i] = total


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator]
def _conjugate(
    rows: Rows,
    at: NDArray[np.int64],
    stride: int,
    values: NDArray[np.float32],
    start: NDArray[np.float32],
    wanted: NDArray[np.float32],
    weight: NDArray[np.float32],
    rounds: int,
) -> NDArray[np.float32]:
    """Conjugate gradients with the diagonal taken out. ``values`` holds the known pixels, 0 in the unknown."""
    count = len(at)
    middle = SIDE * REACH + REACH
    product = np.empty(count, np.float32)
    _times(rows, at, stride, values, product)
    target = wanted - product
    values[:] = 0
    x = start.copy()
    for i in range(count):
        values[at[i]] = x[i]
    _times(rows, at, stride, values, product)
    left = target - product - weight * x
    eased = np.empty(count, np.float32)
    for i in range(count):
        eased[i] = left[i] / (rows[i, middle] + weight[i])
    way = eased.copy()
    power = 0.0
    for i in range(count):
        power += left[i] * eased[i]
    stop = max(power, 1e-12) * TOLERANCE * TOLERANCE
    for _ in range(rounds):
        for i in range(count):
            values[at[i]] = way[i]
        _times(rows, at, stride, values, product)
        along = 0.0
        for i in range(count):
            product[i] += weight[i] * way[i]
            along += way[i] * product[i]
        if along <= 0.0:
            break
        far = np.float32(power / along)
        now = 0.0
        for i in range(count):
            x[i] += far * way[i]
            left[i] -= far * product[i]
            eased[i] = left[i] / (rows[i, middle] + weight[i])
            now += left[i] * eased[i]
        if now < stop:
            break
        turn = np.float32(now / power)
        power = now
        for i in range(count):
            way[i] = eased[i] + turn * way[i]
    return x
