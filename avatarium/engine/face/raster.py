"""Compiled loops over pixels: draw a mesh as a map of where each pixel comes from, and lay a person over a ground."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Map = NDArray[np.float32]
Bands = NDArray[np.int64]
BAND = 64
"""Rows that are looked at together."""
SLACK = 0.01
"""By which triangles are wider than they are, in pixels."""


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator]
def draw_map(
    triangles: NDArray[np.int32],
    target: NDArray[np.float32],
    source: NDArray[np.float32],
    map_x: Map,
    map_y: Map,
    first_row: int = 0,
) -> None:
    """Write into the maps, for every pixel that a triangle covers, where in the source it comes from.

    Triangles are drawn in order, later over earlier, each filled line by line with the affine map between its corners
    in ``target`` and in ``source`` (both pixels, ``(vertices, 2)``; target relative to the maps' corner). Edges are
    widened by a hundredth of a pixel, so that neighbours leave no gap. The maps begin at row ``first_row``.
    """
    height, width = map_x.shape
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        xa, ya, xb, yb, xc, yc = target[a, 0], target[a, 1], target[b, 0], target[b, 1], target[c, 0], target[c, 1]
        area = (xb - xa) * (yc - ya) - (xc - xa) * (yb - ya)
        top = max(first_row, math.ceil(min(ya, yb, yc) - SLACK))
        bottom = min(first_row + height - 1, math.floor(max(ya, yb, yc) + SLACK))
        beside = max(xa, xb, xc) + SLACK < 0 or min(xa, xb, xc) - SLACK > width - 1
        if abs(area) < 1e-6 or top > bottom or beside:
            continue
        ub, vb = (source[b, 0] - source[a, 0]) / area, (source[b, 1] - source[a, 1]) / area
        uc, vc = (source[c, 0] - source[a, 0]) / area, (source[c, 1] - source[a, 1]) / area
        step_u = ub * (yc - ya) - uc * (yb - ya)
        step_v = vb * (yc - ya) - vc * (yb - ya)
        down_u = uc * (xb - xa) - ub * (xc - xa)
        down_v = vc * (xb - xa) - vb * (xc - xa)
        x0, y0, x1, y1, x2, y2 = _downwards(xa, ya, xb, yb, xc, yc)
        whole, upper, lower = _slope(x0, y0, x2, y2), _slope(x0, y0, x1, y1), _slope(x1, y1, x2, y2)
        for y in range(top, bottom + 1):
            low = high = x0 + (min(max(y, y0), y2) - y0) * whole
            if y <= y1 + SLACK:
                x = x0 + (min(max(y, y0), y1) - y0) * upper
                low, high = min(low, x), max(high, x)
            if y >= y1 - SLACK:
                x = x1 + (min(max(y, y1), y2) - y1) * lower
                low, high = min(low, x), max(high, x)
            first = max(0, math.ceil(low - SLACK))
            last = min(width - 1, math.floor(high + SLACK))
            u = source[a, 0] + (first - xa) * step_u + (y - ya) * down_u
            v = source[a, 1] + (first - xa) * step_v + (y - ya) * down_v
            for x in range(first, last + 1):
                map_x[y - first_row, x] = u
                map_y[y - first_row, x] = v
                u += step_u
                v += step_v


@njit(cache=True, nogil=True, inline="always")  # type: ignore[untyped-decorator,unused-ignore]
def _downwards(xa, ya, xb, yb, xc, yc):  # type: ignore[no-untyped-def]
    """The corners of a triangle from the highest to the lowest."""
    if yb < ya:
        xa, ya, xb, yb = xb, yb, xa, ya
    if yc < yb:
        xb, yb, xc, yc = xc, yc, xb, yb
    if yb < ya:
        xa, ya, xb, yb = xb, yb, xa, ya
    return xa, ya, xb, yb, xc, yc


@njit(cache=True, nogil=True, inline="always")  # type: ignore[untyped-decorator,unused-ignore]
def _slope(xa, ya, xb, yb):  # type: ignore[no-untyped-def]
    """Columns a row; of a level edge 0, as its ends are those of the others."""
    return (xb - xa) / (yb - ya) if yb - ya > 1e-9 else 0.0


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def lay_over(
    person: NDArray[np.uint8], ground: NDArray[np.uint8], frame: NDArray[np.uint8], left: int, top: int, bands: Bands
) -> None:
    """Lay a person over a ground in the bands alone: ``frame = person + ground * (1 - alpha)``.

    ``person`` is premultiplied RGBA, ``ground`` RGB of the same size; their box begins at ``left`` and ``top`` of the
    RGB ``frame``, which shows the ground already.
    """
    for band in range(bands.shape[0]):
        first, last = bands[band, 2], bands[band, 3]
        for y in range(bands[band, 0], bands[band, 1]):
            over, under = person[y, first:last], ground[y, first:last]
            out = frame[top + y, left + first : left + last]
            for x in range(over.shape[0]):
                alpha = np.int32(over[x, 3])
                if alpha == 255:
                    out[x, 0], out[x, 1], out[x, 2] = over[x, 0], over[x, 1], over[x, 2]
                elif alpha > 0:
                    for k in range(3):
                        out[x, k] = min(255, np.int32(over[x, k]) + (under[x, k] * (255 - alpha) + 127) // 255)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def bands_of(triangles: NDArray[np.int32], target: NDArray[np.float32], height: int, width: int) -> Bands:
    """What triangles cover of a picture: for each :data:`BAND` rows the columns that they reach.

    Returns rows from and to, columns from and to, ``(bands, 4)``; of bands without a triangle the columns are none.
    """
    count = (height + BAND - 1) // BAND
    bands = np.zeros((count, 4), np.int64)
    for band in range(count):
        bands[band, 0], bands[band, 1], bands[band, 2] = band * BAND, min(height, (band + 1) * BAND), width
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        top = max(0, math.floor(min(target[a, 1], target[b, 1], target[c, 1]) - 1))
        bottom = min(height - 1, math.ceil(max(target[a, 1], target[b, 1], target[c, 1]) + 1))
        left = max(0, math.floor(min(target[a, 0], target[b, 0], target[c, 0]) - 1))
        right = min(width, math.ceil(max(target[a, 0], target[b, 0], target[c, 0]) + 2))
        for band in range(top // BAND, bottom // BAND + 1):
            bands[band, 2] = min(bands[band, 2], left)
            bands[band, 3] = max(bands[band, 3], right)
    for band in range(count):
        bands[band, 3] = max(bands[band, 2], bands[band, 3])
    return bands


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def undo_alpha(person: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """Colours of premultiplied RGBA as RGB of the same size; where nothing is seen they are black."""
    height, width = out.shape[:2]
    for y in range(height):
        for x in range(width):
            alpha = np.int32(person[y, x, 3])
            if alpha == 255:
                for k in range(3):
                    out[y, x, k] = person[y, x, k]
            else:
                for k in range(3):
                    out[y, x, k] = min(255, (person[y, x, k] * 255 + alpha // 2) // (alpha + (alpha == 0)))
