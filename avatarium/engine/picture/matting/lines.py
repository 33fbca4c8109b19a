"""The guided filter (He, Sun and Tang 2010) with a colour guide, worked out small and applied at full size.

In every window alpha is a line in the picture's three colours. The lines are found on a shrunk picture and drawn out to
the full one (He and Sun 2015, "Fast guided filter"), so that edges are as sharp as the picture's own.
"""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from avatarium.engine.picture.matting.kinds import Alpha, Colours, Image

NEAR = 0.02
"""Coarse alpha so near to 0 or 1 is kept."""

Lines = NDArray[np.float32]
"""Slopes for red, green, blue (per level of 255) and the offset: ``(h, w, 4)``."""


def fit_lines(guide: Colours, alpha: Alpha, radius: int, edge: float) -> Lines:
    """The line of each pixel: mean of those of all windows that it lies in.

    Args:
        guide: RGB, 0..255.
        alpha: what to explain, shape of the guide.
        radius: of the window.
        edge: variance in levels squared below which the guide counts as flat.
    """
    lines = np.empty((*alpha.shape, 4), np.float32)
    mean = _mean(guide, radius)
    square = np.dstack([guide[..., :1] * guide, guide[..., 1:2] * guide[..., 1:], guide[..., 2:] ** 2])
    joint = np.dstack([guide * alpha[..., None], alpha])
    _solve(mean, _mean(square[..., :3], radius), _mean(square[..., 3:], radius), _mean(joint, radius), edge, lines)
    return _mean(lines, radius)


def apply_lines(frame: Image, lines: Lines, coarse: Alpha) -> Alpha:
    """Alpha of a picture of any size by lines found on a smaller one.

    Far from the outline lines may say anything: there ``coarse``, alpha at any smaller size, is what counts.
    """
    out = np.empty(frame.shape[:2], np.float32)
    _draw(frame, lines, coarse, out)
    return out


def _mean(layers: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    size = 2 * radius + 1
    return np.asarray(cv2.boxFilter(layers, -1, (size, size), borderType=cv2.BORDER_REFLECT), np.float32)


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator]
def _solve(
    mean: Colours,
    square: NDArray[np.float32],
    rest: NDArray[np.float32],
    joint: NDArray[np.float32],
    edge: float,
    lines: Lines,
) -> None:
    height, width = mean.shape[:2]
    for y in range(height):
        for x in range(width):
            r, g, b = mean[y, x, 0], mean[y, x, 1], mean[y, x, 2]
            alpha = joint[y, x, 3]
            rr = square[y, x, 0] - r * r + edge
            rg, rb = square[y, x, 1] - r * g, square[y, x, 2] - r * b
            gg, gb = rest[y, x, 0] - g * g + edge, rest[y, x, 1] - g * b
            bb = rest[y, x, 2] - b * b + edge
            cr, cg, cb = joint[y, x, 0] - r * alpha, joint[y, x, 1] - g * alpha, joint[y, x, 2] - b * alpha
            i_rr, i_rg, i_rb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
            i_gg, i_gb, i_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
            scale = 1.0 / (rr * i_rr + rg * i_rg + rb * i_rb)
            to_r = (i_rr * cr + i_rg * cg + i_rb * cb) * scale
            to_g = (i_rg * cr + i_gg * cg + i_gb * cb) * scale
            to_b = (i_rb * cr + i_gb * cg + i_bb * cb) * scale
            lines[y, x, 0], lines[y, x, 1], lines[y, x, 2] = to_r, to_g, to_b
            lines[y, x, 3] = alpha - to_r * r - to_g * g - to_b * b


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator]
def _draw(frame: Image, lines: Lines, coarse: Alpha, out: Alpha) -> None:
    height, width = out.shape
    rows, columns = lines.shape[:2]
    high, wide = coarse.shape
    per_x, per_u = np.float32(wide / width), np.float32(columns / width)
    half = np.float32(0.5)
    for y in range(height):
        v = min(max(float((y + 0.5) * rows / height - 0.5), 0.0), float(rows - 1))
        upper = int(v)
        lower = min(upper + 1, rows - 1)
        down = np.float32(v - upper)
        v = min(max(float((y + 0.5) * high / height - 0.5), 0.0), float(high - 1))
        above = int(v)
        below = min(above + 1, high - 1)
        sunk = np.float32(v - above)
        for x in range(width):
            u = min(max(float((x + half) * per_x - half), 0.0), float(wide - 1))
            left = int(u)
            right = min(left + 1, wide - 1)
            part = np.float32(u - left)
            one = coarse[above, left] + (coarse[above, right] - coarse[above, left]) * part
            two = coarse[below, left] + (coarse[below, right] - coarse[below, left]) * part
            plain = one + (two - one) * sunk
            near = min(plain, 1 - plain) / NEAR
            if near <= 0.0:
                out[y, x] = plain
                continue
            u = min(max(float((x + half) * per_u - half), 0.0), float(columns - 1))
            left = int(u)
            right = min(left + 1, columns - 1)
            part = np.float32(u - left)
            value = np.float32(0)
            for k in range(4):
                one = lines[upper, left, k] + (lines[upper, right, k] - lines[upper, left, k]) * part
                two = lines[lower, left, k] + (lines[lower, right, k] - lines[lower, left, k]) * part
                slope = one + (two - one) * down
                value += slope * frame[y, x, k] if k < 3 else slope
            value = min(max(value, np.float32(0)), np.float32(1))
            out[y, x] = plain + (value - plain) * min(near, 1.0)
