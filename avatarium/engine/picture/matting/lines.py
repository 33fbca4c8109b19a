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
    red, rest = np.empty((2, *guide.shape), np.float32)
    joint = np.empty_like(lines)
    _products(guide, alpha, red, rest, joint)
    _solve(mean, _mean(red, radius), _mean(rest, radius), _mean(joint, radius), edge, lines)
    return _mean(lines, radius)


def apply_lines(frame: Image, lines: Lines, coarse: Alpha, *, low: float = 0.0, high: float = 1.0) -> Alpha:
    """Alpha of a picture of any size by lines found on a smaller one.

    Far from the outline lines may say anything: there ``coarse``, alpha at any smaller size, is what counts. What
    comes out is 0 up to ``low`` and 1 from ``high`` on.
    """
    out = np.empty(frame.shape[:2], np.float32)
    _draw(frame, lines, coarse, np.float32(low), np.float32(1 / (high - low)), out)
    return out


def _mean(layers: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    size = 2 * radius + 1
    return np.asarray(cv2.boxFilter(layers, -1, (size, size), borderType=cv2.BORDER_REFLECT), np.float32)


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator]
def _products(guide: Colours, alpha: Alpha, red: Colours, rest: Colours, joint: Lines) -> None:
    """Red by red, green, blue; green by green, blue, and blue by blue; all three by alpha, and alpha."""
    for y in range(alpha.shape[0]):
        for x in range(alpha.shape[1]):
            r, g, b, a = guide[y, x, 0], guide[y, x, 1], guide[y, x, 2], alpha[y, x]
            red[y, x, 0], red[y, x, 1], red[y, x, 2] = r * r, r * g, r * b
            rest[y, x, 0], rest[y, x, 1], rest[y, x, 2] = g * g, g * b, b * b
            joint[y, x, 0], joint[y, x, 1], joint[y, x, 2], joint[y, x, 3] = r * a, g * a, b * a, a


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
def _places(count: int, size: int, at: NDArray[np.int32], share: NDArray[np.float32]) -> None:
    """Between which of ``size`` samples each of ``count`` places lies."""
    for x in range(count):
        u = min(max((x + 0.5) * size / count - 0.5, 0.0), float(size - 1))
        at[x] = min(int(u), max(size - 2, 0))
        share[x] = np.float32(u - at[x])


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator]
def _draw(frame: Image, lines: Lines, coarse: Alpha, low: np.float32, gain: np.float32, out: Alpha) -> None:
    height, width = out.shape
    rows, columns = lines.shape[:2]
    high, wide = coarse.shape
    zero, whole = np.float32(0), np.float32(1)
    at, line_at = np.empty(width, np.int32), np.empty(width, np.int32)
    share, line_share = np.empty(width, np.float32), np.empty(width, np.float32)
    _places(width, wide, at, share)
    _places(width, columns, line_at, line_share)
    row = np.empty(wide + 1, np.float32)
    for y in range(height):
        v = min(max((y + 0.5) * high / height - 0.5, 0.0), float(high - 1))
        above = int(v)
        below, sunk = min(above + 1, high - 1), np.float32(v - above)
        for x in range(wide):
            row[x] = coarse[above, x] + (coarse[below, x] - coarse[above, x]) * sunk
        row[wide] = row[wide - 1]
        v = min(max((y + 0.5) * rows / height - 0.5, 0.0), float(rows - 1))
        upper = int(v)
        lower, down = min(upper + 1, rows - 1), np.float32(v - upper)
        for x in range(width):
            left = at[x]
            plain = row[left] + (row[left + 1] - row[left]) * share[x]
            near = min(plain, whole - plain) * np.float32(1 / NEAR)
            if near > zero:
                left, part = line_at[x], line_share[x]
                right = min(left + 1, columns - 1)
                value = zero
                for k in range(4):
                    one = lines[upper, left, k] + (lines[upper, right, k] - lines[upper, left, k]) * part
                    two = lines[lower, left, k] + (lines[lower, right, k] - lines[lower, left, k]) * part
                    slope = one + (two - one) * down
                    value += slope * frame[y, x, k] if k < 3 else slope
                value = min(max(value, zero), whole)
                plain += (value - plain) * min(near, whole)
            out[y, x] = min(max((plain - low) * gain, zero), whole)
