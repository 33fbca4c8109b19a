"""Ears seen from the front: a rolled rim, the hollow inside it, the lobe."""

from dataclasses import replace

import cv2
import numpy as np

from art.light import Rig, illuminate
from art.paint import blur, lay, line, polygon, ramp, shade, smoothstep, tint, trace
from art.person import Person
from art.space import Array, Patch, Space

EAR = ((0.72, -0.02), (0.765, -0.105), (0.825, -0.150), (0.880, -0.125), (0.902, -0.040), (0.890, 0.08), (0.865, 0.19),
       (0.845, 0.29), (0.815, 0.375), (0.775, 0.405), (0.745, 0.36), (0.715, 0.20))  # fmt: skip
FOLD = ((0.775, -0.055), (0.825, -0.088), (0.855, -0.045), (0.848, 0.06), (0.825, 0.16), (0.800, 0.23))
HOLLOW = ((0.765, 0.02), (0.800, 0.00), (0.822, 0.06), (0.808, 0.15), (0.780, 0.20), (0.755, 0.16))


def paint(canvas: Array, space: Space, person: Person, rig: Rig) -> None:
    for side in (-1.0, 1.0):
        box = (0.6, -0.25, 1.0, 0.5) if side > 0 else (-1.0, -0.25, -0.6, 0.5)
        p = space.patch(box)
        mirror = np.array([side, 1.0], dtype=np.float32)
        shape = polygon(p, trace(EAR, 300, closed=True) * mirror, 0.003)
        lit = illuminate(relief(p, shape, mirror), p, rig, softness=0.008, hollows=0.8)
        colour = ramp(person.skin, lit.level * 0.84 + person.exposure - 0.03) * (1 - 0.22 * (1 - tint((232, 120, 96))))
        lay(canvas, p, colour.astype(np.float32), shape)
        inner = polygon(p, trace(HOLLOW, 120, closed=True) * mirror, 0.012)
        shade(canvas, p, (120, 56, 42), inner * 0.75)
        shade(canvas, p, (150, 84, 64), line(p, trace(FOLD, 90) * mirror, 0.012, 0.007) * 0.75)
        behind_cheek(canvas, p, side, shape)


def relief(p: Patch, shape: Array, mirror: Array) -> Array:
    """Height from the distance to the edge: a tube along the rim, then the bowl."""
    inside = (shape > 0.5).astype(np.uint8)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5).astype(np.float32) / np.float32(p.unit)
    tube = 0.030 * np.sqrt(np.clip(1 - ((depth - 0.020) / 0.024) ** 2, 0, 1))
    local = replace(p, x=p.x * mirror[0])
    lobe = 0.02 * np.exp(-0.5 * (((local.x - 0.79) / 0.03) ** 2 + ((local.y - 0.33) / 0.05) ** 2))
    tilt = 0.25 * (0.90 - local.x)
    return blur((tube + lobe + tilt).astype(np.float32), 0.004 * p.unit)


def behind_cheek(canvas: Array, p: Patch, side: float, shape: Array) -> None:
    """The ear turns back into the shade of the cheek."""
    near = smoothstep(0.84, 0.745, p.x * np.float32(side))
    shade(canvas, p, (140, 78, 60), near * shape * 0.45)
