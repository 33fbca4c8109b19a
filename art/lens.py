"""A camera's blur: light spreads over a disc, and what is brighter than white shows as one."""

import cv2
import numpy as np

from art.paint import Colour, lay, polygon, smoothstep, tint
from art.space import Array, Box, Patch

GAMMA = 2.2


def linear(canvas: Array) -> Array:
    """Light instead of eight-bit values: what lenses add up."""
    return np.asarray(np.maximum(canvas, 0.0) ** GAMMA, dtype=np.float32)


def developed(light: Array) -> Array:
    """Back to values, bright parts rolled off to white instead of cut."""
    soft = np.where(light > 0.7, 1.0 - 0.3 * np.exp(-(light - 0.7) / 0.3), light)
    return np.asarray(np.clip(soft, 0.0, 1.0) ** (1.0 / GAMMA), dtype=np.float32)


def out_of_focus(light: Array, radius_px: float) -> Array:
    """Light spread over discs of a radius, a little brighter at the rim as lenses draw them."""
    reach = int(np.ceil(radius_px)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    r = np.hypot(x, y) / radius_px
    kernel = smoothstep(1.0 + 1.0 / radius_px, 1.0 - 1.0 / radius_px, r) * (0.8 + 0.2 * r**2)
    blurred = cv2.filter2D(light, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred, dtype=np.float32)


def box(canvas: Array, p: Patch, at: Box, colour: Colour, *, strength: float = 1.0, soft: float = 0.0) -> None:
    """A rectangle (left, top, right, bottom)."""
    left, top, right, bottom = at
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], dtype=np.float32)
    lay(canvas, p, tint(colour), polygon(p, corners, soft) * strength)


def lamp(light: Array, p: Patch, at: tuple[float, float], radius: float, colour: Colour, power: float) -> None:
    """Add a round lamp of so many times white to linear light."""
    disc = smoothstep(1.0, 0.7, np.hypot(p.x - at[0], p.y - at[1]) / radius)
    light += disc[..., None] * tint(colour) ** GAMMA * power
