"""How form becomes light: a relief (height over the patch) lit by a soft key, a fill and the room."""

from dataclasses import dataclass

import numpy as np

from art.paint import blur
from art.space import Array, Patch

Vector = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Rig:
    """Directions towards the lights (x right, y down, z to the viewer) and their strengths."""

    key: Vector = (-0.36, -0.40, 0.90)
    key_strength: float = 0.66
    fill: Vector = (0.65, -0.05, 0.75)
    fill_strength: float = 0.22
    room: float = 0.22
    wrap: float = 0.28


@dataclass(frozen=True, kw_only=True)
class Lit:
    """`level`: diffuse light 0..1 with the hollows darkened; `broad` and `tight`: the two mirror-like parts, 0..1."""

    level: Array
    broad: Array
    tight: Array


def normals(relief: Array, unit: float, softness: float) -> tuple[Array, Array, Array]:
    """Unit normals of the relief blurred by `softness` face units."""
    z = blur(relief, softness * unit)
    dy, dx = np.gradient(z, np.float32(1.0 / unit))
    length = np.sqrt(dx * dx + dy * dy + 1.0)
    return (-dx / length, -dy / length, 1.0 / length)


def toward(normal: tuple[Array, Array, Array], light: Vector) -> Array:
    size = float(np.linalg.norm(light))
    return np.asarray(sum(n * (c / size) for n, c in zip(normal, light, strict=True)), dtype=np.float32)


def illuminate(relief: Array, p: Patch, rig: Rig, *, softness: float = 0.012, hollows: float = 1.0) -> Lit:
    """Light `relief` (face units) on patch `p`; occlusion is the depth below the surroundings at three scales."""
    n = normals(relief, p.unit, softness)
    key = np.clip((toward(n, rig.key) + rig.wrap) / (1 + rig.wrap), 0, 1)
    fill = np.clip(toward(n, rig.fill), 0, 1)
    sky = 0.66 - 0.30 * n[1]
    bounce = 0.13 * np.clip(n[1], 0, 1)
    hollow = occlusion(relief, p) * hollows
    level = rig.key_strength * key**1.15 + rig.fill_strength * fill + rig.room * sky + bounce
    half = (rig.key[0], rig.key[1], rig.key[2] + float(np.linalg.norm(rig.key)))
    shine = np.clip(toward(n, half), 0, 1)
    fine = normals(relief, p.unit, softness * 0.5)
    tight = np.clip(toward(fine, half), 0, 1)
    return Lit(
        level=(level * (1.0 - np.clip(hollow, 0, 0.75))).astype(np.float32),
        broad=(shine**14).astype(np.float32),
        tight=(tight**70).astype(np.float32),
    )


def occlusion(relief: Array, p: Patch) -> Array:
    total = np.zeros_like(relief)
    for reach, weight in ((0.025, 2.2), (0.06, 1.6), (0.14, 0.8)):
        total += weight * np.maximum(blur(relief, reach * p.unit) - relief, 0.0)
    return total
