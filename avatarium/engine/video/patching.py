"""A part of a picture that is kept as luma and chroma, as RGB and back: nothing changes but what was drawn."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from avatarium.engine.video.planes import Plane, Planes

Image = NDArray[np.uint8]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom; all even."""

_BT601 = (0.299, 0.114)
_WEIGHTS = {1: (0.2126, 0.0722), 9: (0.2627, 0.0593)}
"""Kr and Kb by the matrix numbers of ISO/IEC 23091-2, table 4; BT.601 for those that nobody uses."""


def even_box(left: float, top: float, right: float, bottom: float, width: int, height: int) -> Box:
    """The box round an area, within a picture, on whole pairs of rows and columns."""
    x0, y0 = max(0, int(left) & ~1), max(0, int(top) & ~1)
    x1, y1 = min(width & ~1, (int(right) + 2) & ~1), min(height & ~1, (int(bottom) + 2) & ~1)
    return x0, y0, max(x0, x1), max(y0, y1)


def read_rgb(planes: Planes, box: Box, out: Image) -> None:
    """Fill the box of an RGB picture of the whole size from the planes."""
    x0, y0, x1, y1 = box
    kr, kb = _WEIGHTS.get(planes.matrix, _BT601)
    _to_rgb(planes.y[y0:y1, x0:x1], *_chroma(planes, box), out[y0:y1, x0:x1], kr, kb, planes.full_range)


def write_rgb(planes: Planes, box: Box, before: Image, after: Image) -> None:
    """Write back what differs in the box between two RGB pictures of its size, by pairs of rows and columns."""
    x0, y0, x1, y1 = box
    kr, kb = _WEIGHTS.get(planes.matrix, _BT601)
    _to_planes(before, after, planes.y[y0:y1, x0:x1], *_chroma(planes, box), kr, kb, planes.full_range)


def _chroma(planes: Planes, box: Box) -> tuple[Plane, Plane]:
    x0, y0, x1, y1 = box
    where = np.s_[y0 // 2 : y1 // 2, x0 // 2 : x1 // 2]
    return planes.u[where], planes.v[where]


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _to_rgb(y: Plane, u: Plane, v: Plane, out: Image, kr: float, kb: float, full: bool) -> None:
    kg = 1 - kr - kb
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            luma, blue, red = float(y[i, j]), float(u[i // 2, j // 2]) - 128, float(v[i // 2, j // 2]) - 128
            if not full:
                luma, blue, red = (luma - 16) * (255 / 219), blue * (255 / 224), red * (255 / 224)
            r, b = luma + 2 * (1 - kr) * red, luma + 2 * (1 - kb) * blue
            g = (luma - kr * r - kb * b) / kg
            out[i, j, 0] = min(max(round(r), 0), 255)
            out[i, j, 1] = min(max(round(g), 0), 255)
            out[i, j, 2] = min(max(round(b), 0), 255)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _to_planes(before: Image, after: Image, y: Plane, u: Plane, v: Plane, kr: float, kb: float, full: bool) -> None:
    """The change is added to what the planes hold, so that rounding to RGB and back is not seen."""
    kg = 1 - kr - kb
    luma_step, chroma_step = (1.0, 1.0) if full else (219 / 255, 224 / 255)
    for i in range(0, y.shape[0], 2):
        for j in range(0, y.shape[1], 2):
            blue = red = 0.0
            for a in range(i, i + 2):
                for c in range(j, j + 2):
                    r = float(after[a, c, 0]) - float(before[a, c, 0])
                    g = float(after[a, c, 1]) - float(before[a, c, 1])
                    b = float(after[a, c, 2]) - float(before[a, c, 2])
                    luma = kr * r + kg * g + kb * b
                    y[a, c] = min(max(round(y[a, c] + luma * luma_step), 0), 255)
                    blue += (b - luma) / (2 * (1 - kb))
                    red += (r - luma) / (2 * (1 - kr))
            u[i // 2, j // 2] = min(max(round(u[i // 2, j // 2] + blue / 4 * chroma_step), 0), 255)
            v[i // 2, j // 2] = min(max(round(v[i // 2, j // 2] + red / 4 * chroma_step), 0), 255)
