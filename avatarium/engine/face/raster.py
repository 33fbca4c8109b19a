"""Compiled loops over pixels: draw a mesh as a map of where each pixel comes from, and lay a person over a ground."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Map = NDArray[np.float32]


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator]
def draw_map(
    triangles: NDArray[np.int32], target: NDArray[np.float32], source: NDArray[np.float32], map_x: Map, map_y: Map
) -> None:
    """Write into the maps, for every pixel that a triangle covers, where in the source it comes from.

    Triangles are drawn in order, later over earlier, each filled line by line with the affine map between its corners
    in ``target`` and in ``source`` (both pixels, ``(vertices, 2)``; target relative to the maps' corner). Edges are
    widened by a hundredth of a pixel, so that neighbours leave no gap.
    """
    height, width = map_x.shape
    slack = 0.01
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        xa, ya, xb, yb, xc, yc = target[a, 0], target[a, 1], target[b, 0], target[b, 1], target[c, 0], target[c, 1]
        area = (xb - xa) * (yc - ya) - (xc - xa) * (yb - ya)
        if abs(area) < 1e-6:
            continue
        ub, vb = (source[b, 0] - source[a, 0]) / area, (source[b, 1] - source[a, 1]) / area
        uc, vc = (source[c, 0] - source[a, 0]) / area, (source[c, 1] - source[a, 1]) / area
        step_u = ub * (yc - ya) - uc * (yb - ya)
        step_v = vb * (yc - ya) - vc * (yb - ya)
        down_u = uc * (xb - xa) - ub * (xc - xa)
        down_v = vc * (xb - xa) - vb * (xc - xa)
        top = max(0, math.ceil(min(ya, yb, yc) - slack))
        bottom = min(height - 1, math.floor(max(ya, yb, yc) + slack))
        for y in range(top, bottom + 1):
            low, high = 1e9, -1e9
            for edge in range(3):
                if edge == 0:
                    x1, y1, x2, y2 = xa, ya, xb, yb
                elif edge == 1:
                    x1, y1, x2, y2 = xb, yb, xc, yc
                else:
                    x1, y1, x2, y2 = xc, yc, xa, ya
                if y < min(y1, y2) - slack or y > max(y1, y2) + slack:
                    continue
                if abs(y2 - y1) < 1e-9:
                    low, high = min(low, x1, x2), max(high, x1, x2)
                else:
                    x = x1 + min(1.0, max(0.0, (y - y1) / (y2 - y1))) * (x2 - x1)
                    low, high = min(low, x), max(high, x)
            first = max(0, math.ceil(low - slack))
            last = min(width - 1, math.floor(high + slack))
            u = source[a, 0] + (first - xa) * step_u + (y - ya) * down_u
            v = source[a, 1] + (first - xa) * step_v + (y - ya) * down_v
            for x in range(first, last + 1):
                map_x[y, x] = u
                map_y[y, x] = v
                u += step_u
                v += step_v


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def lay_over(person: NDArray[np.uint8], ground: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """``out = person + ground * (1 - alpha)``: ``person`` is premultiplied RGBA, the others RGB of the same size."""
    height, width = out.shape[:2]
    for y in range(height):
        for x in range(width):
            alpha = np.int32(person[y, x, 3])
            if alpha == 255:
                for k in range(3):
                    out[y, x, k] = person[y, x, k]
            elif alpha == 0:
                for k in range(3):
                    out[y, x, k] = ground[y, x, k]
            else:
                for k in range(3):
                    out[y, x, k] = min(255, np.int32(person[y, x, k]) + (ground[y, x, k] * (255 - alpha) + 127) // 255)


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
