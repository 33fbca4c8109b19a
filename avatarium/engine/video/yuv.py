"""RGB to Y'CbCr 4:2:0 by ITU-R BT.709, limited range, as H.264 and VP9 files tagged BT.709 must hold it.

OpenCV's conversion is BT.601 and swscale's costs ten times as much; a file that is tagged BT.709 but was converted by
BT.601 shows skin too green. Chroma is taken where MPEG-2 and H.264 place it by default ("left"): on the even columns,
between two rows.
"""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

Plane = NDArray[np.uint8]

# BT.709: Kr = 0.2126, Kb = 0.0722. Luma spans 16..235 (219 steps), chroma 16..240 (224), in units of 2^-16.
_KR, _KB = 0.2126, 0.0722
_LUMA, _CHROMA = 219 / 255 * 65536, 224 / 255 * 65536
_YR, _YB = round(_KR * _LUMA), round(_KB * _LUMA)
_YG = round(_LUMA) - _YR - _YB
_UR, _UB = round(-_KR / (2 * (1 - _KB)) * _CHROMA), round(0.5 * _CHROMA)
_UG = -_UR - _UB
_VR, _VB = round(0.5 * _CHROMA), round(-_KB / (2 * (1 - _KR)) * _CHROMA)
_VG = -_VR - _VB
_Y_OFFSET = (16 << 16) + (1 << 15)
_C_OFFSET = (128 << 19) + (1 << 18)


class YuvConverter:
    """Converts RGB frames of one size into planes that the caller owns. Not for two threads at once.

    Args:
        width: even.
        height: even.
    """

    def __init__(self, width: int, height: int) -> None:
        self._split = [np.empty((height, width), np.uint8) for _ in range(3)]
        self._sums = np.empty((3, width + 1), np.uint16)

    def convert(self, rgb: NDArray[np.uint8], y: Plane, u: Plane, v: Plane) -> None:
        """Fill the planes from ``rgb`` ``(height, width, 3)``, or its first three channels.

        ``y`` is ``(height, at least width)``, ``u`` and ``v`` half of that; columns beyond the picture are left alone.
        """
        if rgb.shape[2] == 3:
            cv2.split(rgb, self._split)
        else:
            cv2.mixChannels([rgb], self._split, [0, 0, 1, 1, 2, 2])
        _fill_luma(*self._split, y)
        _fill_chroma(*self._split, self._sums, u, v)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _fill_luma(r: Plane, g: Plane, b: Plane, y: Plane) -> None:
    yr, yg, yb, offset = np.int32(_YR), np.int32(_YG), np.int32(_YB), np.int32(_Y_OFFSET)
    for i in range(r.shape[0]):
        red, green, blue, luma = r[i], g[i], b[i], y[i]
        for x in range(red.shape[0]):
            total = yr * np.int32(red[x]) + yg * np.int32(green[x]) + yb * np.int32(blue[x]) + offset
            luma[x] = np.uint8(total >> np.int32(16))


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _fill_chroma(r: Plane, g: Plane, b: Plane, sums: NDArray[np.uint16], u: Plane, v: Plane) -> None:
    """Two rows summed, then 1-2-1 across on the even columns: eight samples' weight, hence the shift by 19."""
    ur, ug, ub = np.int32(_UR), np.int32(_UG), np.int32(_UB)
    vr, vg, vb = np.int32(_VR), np.int32(_VG), np.int32(_VB)
    offset, two, shift = np.int32(_C_OFFSET), np.int32(2), np.int32(19)
    width = r.shape[1]
    sum_r, sum_g, sum_b = sums[0], sums[1], sums[2]
    for i in range(r.shape[0] // 2):
        for x in range(width):
            sum_r[x + 1] = np.uint16(r[2 * i, x]) + np.uint16(r[2 * i + 1, x])
            sum_g[x + 1] = np.uint16(g[2 * i, x]) + np.uint16(g[2 * i + 1, x])
            sum_b[x + 1] = np.uint16(b[2 * i, x]) + np.uint16(b[2 * i + 1, x])
        sum_r[0], sum_g[0], sum_b[0] = sum_r[1], sum_g[1], sum_b[1]
        row_u, row_v = u[i], v[i]
        for j in range(width // 2):
            red = np.int32(sum_r[2 * j]) + two * np.int32(sum_r[2 * j + 1]) + np.int32(sum_r[2 * j + 2])
            green = np.int32(sum_g[2 * j]) + two * np.int32(sum_g[2 * j + 1]) + np.int32(sum_g[2 * j + 2])
            blue = np.int32(sum_b[2 * j]) + two * np.int32(sum_b[2 * j + 1]) + np.int32(sum_b[2 * j + 2])
            row_u[j] = np.uint8((ur * red + ug * green + ub * blue + offset) >> shift)
            row_v[j] = np.uint8((vr * red + vg * green + vb * blue + offset) >> shift)
