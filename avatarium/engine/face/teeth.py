"""Rows of teeth as textures, drawn for the light of one photo or cut out of it where it shows its own."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Texture = NDArray[np.float32]
"""RGBA, colours 0..255 not premultiplied, alpha 0..1, shape ``(rows, columns, 4)``."""
Plane = NDArray[np.float32]

HALF_WIDTH = 0.40
TOP, BOTTOM = -0.15, 0.15
"""What a texture shows, in IOD from the incisal edge at the middle: x in -.40...40, y in -.15...15."""

ENAMEL = np.array([222.0, 206.0, 182.0])
GUM = np.array([168.0, 92.0, 92.0])

_UPPER = ((0.090, 0.115), (0.070, 0.100), (0.070, 0.105), (0.055, 0.090), (0.045, 0.085), (0.070, 0.080))
_LOWER = ((0.055, 0.095), (0.058, 0.095), (0.062, 0.100), (0.055, 0.090), (0.050, 0.080), (0.120, 0.075))
"""Width and height of crowns from the middle outwards as seen from the front (IOD of 92 mm; Wheeler's mean sizes)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Teeth:
    """Both rows at one resolution."""

    upper: Texture
    lower: Texture
    pixels_per_unit: float


def draw_teeth(pixels_per_unit: float, enamel: NDArray[np.float64]) -> Teeth:
    """Draw both rows.

    Args:
        pixels_per_unit: resolution of the textures in pixels an IOD.
        enamel: RGB of a front tooth in this photo's light, shape ``(3,)``.
    """
    x, y = _grid(pixels_per_unit, finer=2)
    upper = _row(x, y, _UPPER, enamel, arch=0.16)
    lower = _row(x, -y, _LOWER, enamel * 0.80, arch=-0.05)
    half = np.array([upper, lower])
    small = [cv2.resize(t, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).astype(np.float32) for t in half]
    return Teeth(upper=small[0], lower=small[1], pixels_per_unit=pixels_per_unit)


def _grid(pixels_per_unit: float, finer: int = 1) -> tuple[Plane, Plane]:
    """x and y in IOD at the middle of each texture pixel, or of each of ``finer**2`` parts of one."""
    columns, rows = round(2 * HALF_WIDTH * pixels_per_unit), round((BOTTOM - TOP) * pixels_per_unit)
    x = (np.arange(columns * finer) + 0.5) / finer / pixels_per_unit - HALF_WIDTH
    y = (np.arange(rows * finer) + 0.5) / finer / pixels_per_unit + TOP
    grid = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    return grid[0], grid[1]


def _row(
    x: Plane, y: Plane, sizes: tuple[tuple[float, float], ...], enamel: NDArray[np.float64], arch: float
) -> Texture:
    """One row; ``y`` grows to the incisal edge, which is at zero in the middle and recedes by ``arch * x**2``."""
    widths, heights = np.array(sizes).T
    ends = np.cumsum(widths)
    tooth = np.minimum(np.searchsorted(ends, np.abs(x)), len(sizes) - 1)
    u = (np.abs(x) - (ends - widths / 2)[tooth]) / (widths / 2)[tooth]
    short = np.where(tooth == 1, 0.006, 0.0)
    depth = -(y + arch * x**2 + short) / heights[tooth]
    inside = depth > 0.11 * np.abs(u) ** 3.5
    crown = _shade(u, depth, np.abs(x))[..., None] * _tint(enamel, depth, tooth)
    gum = np.clip((depth - 0.92 + 0.10 * np.abs(u) ** 2) / 0.06, 0, 1)[..., None]
    colour = crown * (1 - gum) + GUM * (enamel.mean() / ENAMEL.mean()) * gum
    alpha = (inside & (np.abs(x) < ends[-1]))[..., None]
    row: Texture = np.concatenate([np.clip(colour, 0, 255), alpha], axis=-1).astype(np.float32)
    return row


def _shade(u: Plane, depth: Plane, distance: Plane) -> Plane:
    """Roundness of each crown, the dim gaps between them, the row turning away, glassy edges."""
    round_off = 1 - 0.13 * np.abs(u) ** 2.2 - 0.22 * np.clip((np.abs(u) - 0.9) / 0.1, 0, 1)
    turning = 1 - 0.55 * np.clip((distance - 0.08) / 0.24, 0, 1) ** 1.2
    edge = 1 - 0.16 * np.clip(1 - depth / 0.16, 0, 1)
    shaded: Plane = round_off * turning * edge
    return shaded


def _tint(enamel: NDArray[np.float64], depth: Plane, tooth: NDArray[np.int64]) -> NDArray[np.float64]:
    """Yellower to the root and on the canines."""
    yellow = (0.10 * np.clip(depth, 0, 1) + 0.06 * (tooth == 2))[..., None]
    tinted: NDArray[np.float64] = enamel * (1 - yellow * np.array([0.5, 0.8, 1.6]))
    return tinted


def own_teeth(
    teeth: Teeth, picture: NDArray[np.uint8], shown: NDArray[np.float32], to_picture: NDArray[np.float64], crown: float
) -> Teeth:
    """Put the teeth that a photo shows over the drawn upper row.

    Args:
        teeth: the drawn rows.
        picture: the photo, RGB.
        shown: 1 where the photo shows teeth, soft at the border, shape ``(H, W)``.
        to_picture: affine map from texture units (IOD, incisal edge at zero) to pixels, shape ``(2, 3)``.
        crown: height of what the photo shows, in IOD; it is drawn out to a whole crown, as lips hide the rest.
    """
    stretch = float(np.clip(0.10 / max(crown, 0.01), 1.0, 2.4))
    x, y = _grid(teeth.pixels_per_unit)
    points = np.stack([x, y / stretch, np.ones_like(x)], axis=-1) @ to_picture.T
    map_x, map_y = (np.ascontiguousarray(points[..., k], dtype=np.float32) for k in (0, 1))
    colour = cv2.remap(picture, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    alpha = cv2.remap(shown, map_x, map_y, cv2.INTER_LINEAR)[..., None]
    upper = teeth.upper.copy()
    upper[..., :3] = upper[..., :3] * (1 - alpha) + colour * alpha
    upper[..., 3:] = np.maximum(upper[..., 3:], alpha)
    return Teeth(upper=upper, lower=teeth.lower, pixels_per_unit=teeth.pixels_per_unit)
