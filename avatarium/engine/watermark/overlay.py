"""A mark as it is laid over a picture of one size: pixels with alpha, and the places where they go."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from avatarium.engine.picture import read_picture
from avatarium.engine.watermark.marks import LogoMark, Mark, Position, TextMark
from avatarium.engine.watermark.typeset import REACH, set_text

MARGIN = 0.03
"""Of the short side: between the mark and the edge."""
_MIN_MARGIN = 2
_TEXT_HEIGHT = 0.5
"""Of the picture's: what a text may take at most."""
_TILE_WIDTH, _TILE_HEIGHT = 0.55, 0.25
_TILE_DEGREES = 30.0
_TILE_GAP = 0.16
_LOGO_BOX = (0.35, 0.18)

_RIM = 0.045
"""Of the font size: how far the outline reaches."""
_RIM_OPACITY = 0.7
_SHADOW = 0.07
"""Of the font size: the spread of the shadow."""
_SHADOW_OPACITY = 0.45
_BRIGHT = 0.18
"""Relative luminance (WCAG 2.2) at which black and white stand out equally."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Overlay:
    """Pixels and where their upper left corner goes; places may reach over the edge of the picture."""

    rgba: NDArray[np.uint8]
    """Not multiplied by alpha, ``(height, width, 4)``."""
    places: tuple[tuple[int, int], ...]
    """Columns and rows."""


@dataclass(frozen=True, slots=True)
class Patch:
    """The part of an overlay that lies on the picture at one place."""

    x: int
    y: int
    rgba: NDArray[np.uint8]


def patches(overlay: Overlay, width: int, height: int) -> Iterator[Patch]:
    """The overlay cut at the edges of the picture."""
    rows, columns = overlay.rgba.shape[:2]
    for x, y in overlay.places:
        left, top = max(0, x), max(0, y)
        right, bottom = min(width, x + columns), min(height, y + rows)
        if left < right and top < bottom:
            yield Patch(left, top, overlay.rgba[top - y : bottom - y, left - x : right - x])


def make_overlay(mark: Mark, width: int, height: int) -> Overlay:
    """Draw a mark for a picture of this size.

    Raises:
        PictureError: the logo cannot be read.
        TextError: as :func:`typeset.set_text`.
        AssetError: a font cannot be fetched.
    """
    margin = max(_MIN_MARGIN, round(MARGIN * min(width, height)))
    tile = mark.position is Position.TILE
    inner = max(1, width - 2 * margin), max(1, height - 2 * margin)
    rgba = _text(mark, inner, tile) if isinstance(mark, TextMark) else _logo(mark, inner, min(width, height))
    if tile:
        return _tiled(rgba, width, height)
    return Overlay(rgba=rgba, places=(_place(mark.position, rgba, width, height, margin),))


def _place(position: Position, rgba: NDArray[np.uint8], width: int, height: int, margin: int) -> tuple[int, int]:
    rows, columns = rgba.shape[:2]
    x = {"left": margin, "right": width - margin - columns}.get(_side(position), (width - columns) // 2)
    name = position.value
    y = margin if name.startswith("top") else (height - rows) // 2
    return x, height - margin - rows if name.startswith("bottom") else y


def _side(position: Position) -> str:
    return next((side for side in ("left", "right") if position.value.endswith(side)), "center")


def _text(mark: TextMark, inner: tuple[int, int], tile: bool) -> NDArray[np.uint8]:
    shares = (_TILE_WIDTH, _TILE_HEIGHT) if tile else (1.0, _TEXT_HEIGHT)
    width, height = (max(1, round(side * share)) for side, share in zip(inner, shares, strict=True))
    block = set_text(mark.lines, mark.fontsize, width=width, height=height, align=_side(mark.position))
    return _with_rim(block.mask, block.fontsize, mark.fontcolor)


def _reach(fontsize: int) -> int:
    """Pixels that outline and shadow take on every side of the letters."""
    return max(2, math.ceil(fontsize * REACH))


def _with_rim(mask: NDArray[np.uint8], fontsize: int, colour: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """Letters in exactly their colour and opacity, with an outline and a shadow that do not show through them."""
    fill = np.pad(mask, _reach(fontsize)).astype(np.float32) / 255
    radius = max(1, round(fontsize * _RIM))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    rim = cv2.GaussianBlur(cv2.dilate(fill, disc), (0, 0), max(0.5, radius * 0.4))
    shadow = np.minimum(1, 1.5 * cv2.GaussianBlur(fill, (0, 0), max(0.8, fontsize * _SHADOW)))
    around = np.maximum(_RIM_OPACITY * np.minimum(1, rim), _SHADOW_OPACITY * shadow)
    alpha = fill + (1 - fill) * around
    letters, ground = np.array(colour[:3], np.float32), np.float32(0 if _luminance(colour) > _BRIGHT else 255)
    share = (fill / np.maximum(alpha, 1e-6))[..., None]
    rgb = letters * share + ground * (1 - share)
    return np.dstack((np.rint(rgb), np.rint(alpha * colour[3]))).astype(np.uint8)


def _luminance(colour: tuple[int, int, int, int]) -> float:
    linear = [((part / 255 + 0.055) / 1.055) ** 2.4 if part > 10 else part / 255 / 12.92 for part in colour[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _logo(mark: LogoMark, inner: tuple[int, int], short: int) -> NDArray[np.uint8]:
    logo = read_picture(mark.path)
    alpha = logo.alpha if logo.alpha is not None else np.full(logo.rgb.shape[:2], 255, np.uint8)
    image = Image.fromarray(np.dstack((logo.rgb, alpha)))
    wanted = min(short * box * mark.scale_ratio / side for box, side in zip(_LOGO_BOX, image.size, strict=True))
    scale = min(wanted, *(room / side for room, side in zip(inner, image.size, strict=True)))
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    # Resampled multiplied by alpha: what hides in clear pixels must not colour the edge.
    rgba = np.array(image.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA"))
    rgba[..., 3] = np.rint(rgba[..., 3] * mark.opacity)
    return rgba


def _tiled(rgba: NDArray[np.uint8], width: int, height: int) -> Overlay:
    """Slanted, in rows that are shifted by half a step."""
    slanted = Image.fromarray(rgba).convert("RGBa").rotate(_TILE_DEGREES, Image.Resampling.BICUBIC, expand=True)
    tile = np.array(slanted.convert("RGBA"))
    gap = _TILE_GAP * min(width, height)
    along, across = rgba.shape[1] + gap, rgba.shape[0] + gap
    cos, sin = math.cos(math.radians(_TILE_DEGREES)), math.sin(math.radians(_TILE_DEGREES))
    reach = math.hypot(width, height) / 2 + along
    places = []
    for row in range(-int(reach // across) - 1, int(reach // across) + 2):
        for column in range(-int(reach // along) - 1, int(reach // along) + 2):
            u, v = (column + (row % 2) / 2) * along, row * across
            x, y = width / 2 + u * cos + v * sin, height / 2 - u * sin + v * cos
            places.append((round(x - tile.shape[1] / 2), round(y - tile.shape[0] / 2)))
    on = [(x, y) for x, y in places if -tile.shape[1] < x < width and -tile.shape[0] < y < height]
    return Overlay(rgba=tile, places=tuple(on))
