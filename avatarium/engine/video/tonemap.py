"""From high dynamic range and wide gamuts to BT.709: one cube of colours for each kind of source.

What is shown is kept, not what the sensor saw: code values become light on a display (SMPTE ST 2084, or ITU-R BT.2100
HLG with the system gamma of a 1000 nit display), highlights are bent into the range of a common display by the curve
of ITU-R BT.2390-11, section 5.4.1, and the light is coded for BT.1886. HDR's reference white (203 cd/m2, ITU-R
BT.2408) becomes a little less than full white, so that skin and paper stay as bright as they were graded.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PQ, HLG = 16, 18
"""Transfer characteristics by the numbers of ISO/IEC 23091-2."""
BT2020, P3_DCI, P3_D65 = 9, 11, 12
"""Primaries by the same numbers."""
LEVELS = 49
"""Of each axis of a cube: with tetrahedral interpolation half a level of 255 from the formula."""

Floats = NDArray[np.float64]

_PEAK_NITS = 1000.0
"""What is mastered for phones and televisions; what is brighter is cut."""
_WHITE_NITS = 203.0
_HLG_GAMMA = 1.2
_SDR_GAMMA = 2.4

_BT2020_TO_BT709 = np.array(
    [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]]
)
_P3_TO_BT709 = np.array([[1.224940, -0.224940, 0.0], [-0.042057, 1.042057, 0.0], [-0.019638, -0.078636, 1.098273]])
_BT2020_LUMA = np.array([0.2627, 0.6780, 0.0593])
_MATRICES = {BT2020: _BT2020_TO_BT709, P3_DCI: _P3_TO_BT709, P3_D65: _P3_TO_BT709}


def needs_mapping(primaries: int, transfer: int) -> bool:
    """Whether the colours would be wrong if they were taken for BT.709."""
    return transfer in (PQ, HLG) or primaries in _MATRICES


def to_bt709(coded: Floats, primaries: int, transfer: int) -> Floats:
    """Convert coded R'G'B' of 0..1, shape ``(..., 3)``, into R'G'B' of BT.709."""
    light = _display_light(coded, transfer)
    if transfer in (PQ, HLG):
        light = _bent(light)
        primaries = primaries if primaries in _MATRICES else BT2020
    if primaries in _MATRICES:
        light = _into_gamut(light @ _MATRICES[primaries].T)
    return np.asarray(np.clip(light, 0, 1) ** (1 / _SDR_GAMMA))


def write_cube(path: Path, primaries: int, transfer: int) -> None:
    """Write the conversion as a cube of :data:`LEVELS` levels (Adobe Cube LUT 1.0; red changes fastest)."""
    axis = np.linspace(0, 1, LEVELS)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    table = to_bt709(np.stack([red, green, blue], axis=-1).reshape(-1, 3), primaries, transfer)
    with path.open("w") as file:
        file.write(f"LUT_3D_SIZE {LEVELS}\n")
        np.savetxt(file, table, fmt="%.6f")


def _display_light(coded: Floats, transfer: int) -> Floats:
    """Light on the display; 1 is HDR's reference white, or the white of a common display."""
    if transfer == PQ:
        return pq_nits(coded) / _WHITE_NITS
    if transfer == HLG:
        scene = _hlg_scene(coded)
        luma = np.maximum(scene @ _BT2020_LUMA, 1e-9)[..., None]
        return np.asarray(_PEAK_NITS * luma ** (_HLG_GAMMA - 1) * scene / _WHITE_NITS)
    return np.asarray(np.clip(coded, 0, 1) ** _SDR_GAMMA)


def pq_nits(coded: Floats) -> Floats:
    """SMPTE ST 2084, code values of 0..1 to cd/m2."""
    root = np.clip(coded, 0, 1) ** (1 / _M2)
    return np.asarray(10000 * (np.maximum(root - _C1, 0) / (_C2 - _C3 * root)) ** (1 / _M1))


def pq_coded(nits: Floats) -> Floats:
    """SMPTE ST 2084, cd/m2 to code values of 0..1."""
    power = (np.clip(nits, 0, 10000) / 10000) ** _M1
    return np.asarray(((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2)


_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32


def _hlg_scene(coded: Floats) -> Floats:
    """The inverse OETF of HLG (BT.2100, table 5)."""
    low = coded**2 / 3
    high = (np.exp((np.clip(coded, 0, 1) - _HLG_C) / _HLG_A) + _HLG_B) / 12
    return np.where(coded <= 0.5, low, high)


_HLG_A = 0.17883277
_HLG_B = 1 - 4 * _HLG_A
_HLG_C = 0.5 - _HLG_A * np.log(4 * _HLG_A)


def _bent(light: Floats) -> Floats:
    """Highlights bent under the white; the largest channel decides, so that hues stay."""
    brightest = np.maximum(light.max(-1, keepdims=True), 1e-9)
    peak = float(pq_coded(np.array(_PEAK_NITS)))
    white = float(pq_coded(np.array(_WHITE_NITS))) / peak
    wanted = pq_nits(_knee(np.minimum(pq_coded(brightest * _WHITE_NITS) / peak, 1), white) * peak) / _WHITE_NITS
    return np.asarray(light * (wanted / brightest))


def _knee(level: Floats, top: float) -> Floats:
    """The Hermite spline of BT.2390: a straight line up to the knee, then bent so that 1 becomes ``top``."""
    start = 1.5 * top - 0.5
    t = np.clip((level - start) / (1 - start), 0, 1)
    spline = (2 * t**3 - 3 * t**2 + 1) * start + (t**3 - 2 * t**2 + t) * (1 - start) + (-2 * t**3 + 3 * t**2) * top
    return np.where(level < start, level, spline)


def _into_gamut(light: Floats) -> Floats:
    """Colours that BT.709 has not are made paler until they fit: cut off channel by channel they change their hue."""
    luma = (light @ np.array([0.2126, 0.7152, 0.0722]))[..., None]
    lowest = light.min(-1, keepdims=True)
    keep = np.where(lowest < 0, luma / np.maximum(luma - lowest, 1e-9), 1)
    return np.asarray(luma + (light - luma) * np.clip(keep, 0, 1))
