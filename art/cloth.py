"""What they wear: a blazer over a soft top, and a knitted sweater."""

from collections.abc import Sequence

import cv2
import numpy as np

from art.light import Rig, illuminate
from art.paint import Colour, blur, graph, lay, noise, polygon, ramp, shade, smoothstep, tint, trace
from art.space import Array, Patch, Point, Space

TEAL = ((4, 24, 30), (10, 52, 60), (18, 84, 92), (40, 122, 128), (96, 168, 170), (160, 208, 206))
CREAM = ((120, 98, 82), (176, 154, 136), (218, 202, 186), (240, 229, 216), (250, 244, 236))
NAVY = ((5, 8, 18), (13, 19, 40), (24, 35, 66), (42, 57, 96), (76, 94, 136), (130, 148, 184))


def torso(p: Patch, shoulders: Sequence[Point]) -> tuple[Array, Array]:
    """Coverage and height of a clothed body whose right outline is `shoulders` (from the neck outwards and down)."""
    right = trace(list(shoulders), 200)
    mirror = np.array([-1.0, 1.0], dtype=np.float32)
    cover = polygon(p, np.concatenate([right, (right * mirror)[::-1]]), 0.004)
    solid = cv2.copyMakeBorder((cover > 0.5).astype(np.uint8), 0, 1, 0, 0, cv2.BORDER_REPLICATE)
    depth = cv2.distanceTransform(solid, cv2.DIST_L2, 5)[:-1] / np.float32(p.unit)
    roll = blur(np.sqrt(np.clip(1 - (1 - np.clip(depth / 0.62, 0, 1)) ** 2.4, 0, 1)).astype(np.float32), 0.02 * p.unit)
    barrel = np.sqrt(np.clip(1 - (p.side / 2.75) ** 2.6, 0, 1))
    return cover, (0.55 * roll + 0.75 * barrel).astype(np.float32)


def creases(p: Patch, paths: Sequence[tuple[Sequence[Point], float, float]], seed: int) -> Array:
    """Folds: each path is a ridge of the given softness and height; slow noise keeps cloth from looking moulded."""
    total = 0.014 * noise(p, 0.40, seed)
    for path, soft, height in paths:
        points = trace(list(path), 60)
        ridge = np.zeros(p.x.shape, dtype=np.float32)
        for i, (x, y) in enumerate(points):
            force = float(np.sin(np.pi * (i + 1) / 61)) ** 0.7
            near = (np.abs(p.x - x) < 4 * soft) & (np.abs(p.y - y) < 4 * soft)
            d = (p.x[near] - x) ** 2 + (p.y[near] - y) ** 2
            ridge[near] = np.maximum(ridge[near], force * np.exp(-0.5 * d / soft**2))
        total += height * blur(ridge, 0.25 * soft * p.unit)
    return total.astype(np.float32)


def mirrored(paths: Sequence[tuple[Sequence[Point], float, float]]) -> list[tuple[Sequence[Point], float, float]]:
    return [*paths, *(([(-x, y + 0.03) for x, y in path], soft, height) for path, soft, height in paths)]


def dress(
    canvas: Array, p: Patch, relief: Array, cover: Array, palette: Sequence[Colour], rig: Rig, weave: Array, gain: float
) -> None:
    lit = illuminate(relief, p, rig, softness=0.012, hollows=0.9)
    lay(canvas, p, ramp(palette, lit.level * gain + weave), cover)


BLAZER = (
    (0.30, 1.56),
    (0.52, 1.62),
    (0.80, 1.80),
    (1.20, 1.95),
    (1.56, 2.08),
    (1.81, 2.32),
    (1.96, 2.78),
    (2.06, 3.30),
    (2.14, 3.9),
    (0.0, 3.9),
)
OPENING = ((0.47, 1.50), (0.50, 1.80), (0.46, 2.20), (0.34, 2.70), (0.17, 3.25), (0.03, 3.72))
LAPEL = ((0.505, 1.98), (0.66, 2.20), (1.00, 2.14), (0.93, 2.45), (0.70, 2.85), (0.40, 3.30), (0.06, 3.75),
         (-0.06, 3.75),
         (0.16, 3.24), (0.335, 2.70), (0.455, 2.25))  # fmt: skip
COLLAR = ((0.43, 1.46), (0.58, 1.56), (0.78, 1.84), (0.92, 2.06), (0.655, 2.195), (0.50, 2.00), (0.475, 1.80))
FOLDS = mirrored((
    (((1.44, 2.42), (1.32, 2.80), (1.38, 3.30)), 0.070, -0.07),
    (((1.53, 2.60), (1.55, 3.00), (1.63, 3.60)), 0.055, 0.05),
    (((1.80, 2.70), (1.70, 3.00), (1.80, 3.50)), 0.050, -0.04),
    (((1.23, 2.02), (1.36, 2.35), (1.34, 2.75), (1.29, 3.05)), 0.030, -0.030),
    (((1.29, 2.95), (1.36, 3.25), (1.39, 3.75)), 0.040, -0.075),
    (((1.23, 2.72), (1.04, 2.80), (0.85, 2.92)), 0.035, 0.022),
    (((1.25, 2.88), (1.08, 3.02), (0.93, 3.22)), 0.035, 0.022),
    (((1.42, 2.80), (1.57, 2.86), (1.74, 2.98)), 0.032, 0.022),
    (((1.42, 3.05), (1.59, 3.12), (1.80, 3.16)), 0.032, 0.022),
    (((1.04, 2.15), (1.25, 2.45), (1.32, 2.85)), 0.090, 0.04),
    (((0.90, 2.90), (1.09, 3.20), (1.18, 3.65)), 0.080, -0.04),
    (((0.59, 3.10), (0.76, 3.40), (0.81, 3.75)), 0.080, 0.04),
))  # fmt: skip


def straight(corners: Sequence[Point]) -> Array:
    return np.asarray(corners, dtype=np.float32)


def flip(outline: Array) -> Array:
    return outline * np.array([-1.0, 1.0], dtype=np.float32)


GATHERS = (
    (((-0.24, 2.36), (-0.16, 2.80), (-0.10, 3.50)), 0.05, 0.035),
    (((0.10, 2.42), (0.10, 2.80), (0.05, 3.40)), 0.05, -0.030),
    (((0.26, 2.36), (0.20, 2.80), (0.14, 3.30)), 0.045, 0.035),
    (((-0.05, 2.44), (-0.03, 2.90), (0.0, 3.50)), 0.045, 0.025),
)


def soft_top(canvas: Array, space: Space, rig: Rig) -> None:
    """The cream top under the blazer, with a wide scooped neck."""
    p = space.patch((-1.0, 1.6, 1.0, 3.8))
    hem = graph([(0.0, 2.42), (0.15, 2.405), (0.32, 2.31), (0.44, 2.14), (0.52, 1.90), (0.60, 1.62)], p.side)
    cover = smoothstep(-0.006, 0.006, p.y - hem) * smoothstep(0.53, 0.50, p.side)
    gathers = creases(p, GATHERS, 31)
    z = 0.5 * np.sqrt(np.clip(1 - (p.side / 1.4) ** 2, 0, 1)) + gathers
    shade(canvas, p, (120, 70, 54), blur(np.roll(cover, -round(0.012 * p.unit), 0), 0.022 * p.unit) * 0.55)
    dress(canvas, p, z.astype(np.float32), cover, CREAM, rig, 0 * p.x, 1.0)
    seam = np.exp(-(((p.y - hem - 0.045) / 0.005) ** 2))
    narrow = smoothstep(0.53, 0.50, p.side)
    shade(canvas, p, (196, 176, 156), seam * narrow * 0.5)
    edge = np.exp(-(((p.y - hem - 0.004) / 0.007) ** 2))
    lay(canvas, p, tint((251, 245, 236)), edge * narrow * 0.45)


def blazer(canvas: Array, space: Space, rig: Rig) -> None:
    p = space.patch((-2.6, 1.4, 2.6, 3.8))
    cover, z = torso(p, BLAZER)
    inner = trace(list(OPENING), 80)
    gap = polygon(p, np.concatenate([inner, flip(inner)[::-1]]), 0.004)
    cover = cover * (1 - gap)
    shadow = blur(cover, 0.05 * p.unit) * gap
    shade(canvas, p, (104, 78, 66), np.clip(shadow * 1.5, 0, 0.8))
    z = z + creases(p, FOLDS, 41)
    weave = 0.006 * np.clip(noise(p, 0.012, 43), -2, 2)
    dress(canvas, p, z, cover, TEAL, rig, weave, 0.62)
    for side in (1, -1):
        for outline, lift in ((straight(LAPEL), 0.055), (straight(COLLAR), 0.06)):
            piece(canvas, p, z, outline if side > 0 else flip(outline), lift, rig, weave, cover)


def piece(canvas: Array, p: Patch, z: Array, outline: Array, lift: float, rig: Rig, weave: Array, cover: Array) -> None:
    """A lapel or collar: rounded corners, its own roll and light, a soft shadow on the cloth below, a stitched edge."""
    shape = smoothstep(0.35, 0.65, polygon(p, outline, 0.013))
    away = np.roll(shape, (round(0.030 * p.unit), round(0.012 * p.unit)), axis=(0, 1))
    shade(canvas, p, (60, 70, 76), blur(away, 0.022 * p.unit) * 0.75 * cover)
    roll = lift * blur(shape, 0.05 * p.unit) + 0.4 * lift * blur(shape, 0.014 * p.unit)
    dress(canvas, p, (z * 0.9 + roll).astype(np.float32), shape, TEAL, rig, weave + 0.02, 0.64)
    inside = blur(shape, 0.010 * p.unit)
    stitch = np.exp(-(((blur(shape, 0.022 * p.unit) - 0.80) / 0.05) ** 2)) * shape
    shade(canvas, p, (120, 140, 142), stitch * 0.25)
    rim = np.clip(shape - inside, 0, 1) * smoothstep(0.4, 0.9, shape)
    lay(canvas, p, tint((140, 194, 194)), rim * 0.35)


SWEATER = (
    (0.30, 1.50),
    (0.58, 1.56),
    (0.86, 1.72),
    (1.32, 1.90),
    (1.76, 2.05),
    (2.04, 2.31),
    (2.19, 2.80),
    (2.28, 3.30),
    (2.35, 3.9),
    (0.0, 3.9),
)
NECKLINE = ((0.0, 2.065), (0.16, 2.045), (0.31, 1.955), (0.425, 1.81), (0.497, 1.64), (0.530, 1.47), (0.545, 1.30))
RIB = 0.13
KNIT_FOLDS = mirrored((
    (((1.45, 2.00), (1.56, 2.35), (1.53, 2.75), (1.47, 3.05)), 0.035, -0.030),
    (((1.48, 2.95), (1.56, 3.25), (1.60, 3.75)), 0.045, -0.080),
    (((1.40, 2.66), (1.15, 2.76), (0.86, 2.92)), 0.045, 0.028),
    (((1.42, 2.86), (1.18, 3.04), (0.98, 3.28)), 0.045, 0.028),
    (((1.60, 2.74), (1.78, 2.82), (2.00, 2.92)), 0.038, 0.026),
    (((1.62, 3.02), (1.82, 3.12), (2.06, 3.16)), 0.038, 0.026),
    (((1.66, 3.30), (1.86, 3.38), (2.12, 3.40)), 0.038, 0.024),
    (((0.62, 2.10), (0.95, 2.42), (1.25, 2.60)), 0.090, -0.022),
    (((0.40, 2.75), (0.75, 3.15), (1.15, 3.40)), 0.110, 0.030),
))  # fmt: skip


def sweater(canvas: Array, space: Space, rig: Rig) -> None:
    """A fine navy knit with a ribbed round neck and the edge of a white shirt below it."""
    p = space.patch((-2.7, 1.2, 2.7, 3.8))
    cover, z = torso(p, SWEATER)
    depth = outside(p)
    shirt(canvas, p, depth, rig)
    z = z + creases(p, KNIT_FOLDS, 51)
    knit = 0.007 * np.sin(p.x * 330 + 1.2 * noise(p, 0.2, 55)) + 0.005 * np.clip(noise(p, 0.014, 53), -2, 2)
    dress(canvas, p, z, cover * smoothstep(0.03, 0.045, depth), NAVY, rig, knit.astype(np.float32), 0.72)
    ribbing(canvas, p, depth, z, rig)


def outside(p: Patch) -> Array:
    """Signed distance (face units) from the neckline, positive on the cloth."""
    right = trace(list(NECKLINE), 200)
    hole = polygon(p, np.concatenate([right[::-1], flip(right)]), 0.0) > 0.5
    out = cv2.distanceTransform((~hole).astype(np.uint8), cv2.DIST_L2, 5)
    inside = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 5)
    return blur(((out - inside) / p.unit).astype(np.float32), 0.004 * p.unit)


def standing(p: Patch, rise: float) -> Array:
    """Where a collar that stands `rise` above the shoulder can be seen."""
    rim = graph([(0.50, 1.530), (0.60, 1.555), (0.72, 1.66), (0.80, 1.74)], p.side) - rise
    return smoothstep(-0.008, 0.008, p.y - rim)


def shirt(canvas: Array, p: Patch, depth: Array, rig: Rig) -> None:
    edge = smoothstep(-0.040, -0.030, depth) * smoothstep(0.05, 0.03, depth) * standing(p, 0.0)
    shade(canvas, p, (120, 70, 54), blur(edge, 0.02 * p.unit) * 0.5 * (depth < 0))
    z = 0.35 * np.sqrt(np.clip(1 - (p.side / 0.8) ** 2, 0, 1)) - 6 * (depth + 0.01) ** 2
    dress(canvas, p, z.astype(np.float32), edge, CREAM, rig, 0 * p.x, 0.95)


def ribbing(canvas: Array, p: Patch, depth: Array, z: Array, rig: Rig) -> None:
    band = smoothstep(-0.006, 0.006, depth) * smoothstep(RIB + 0.006, RIB - 0.006, depth) * standing(p, 0.0)
    fall = np.where((depth > 0) & (p.y > 1.6), np.roll(band, round(0.02 * p.unit), axis=0), np.float32(0))
    shade(canvas, p, (60, 64, 84), blur(fall, 0.025 * p.unit) * 0.6)
    ribs = np.sin(np.arctan2(p.x, 2.75 - p.y) * 150)
    tube = 0.05 * np.sqrt(np.clip(1 - ((depth - RIB / 2) / (RIB / 2)) ** 2, 0, 1))
    dress(canvas, p, (z + tube).astype(np.float32), band, NAVY, rig, (0.020 * ribs + 0.02).astype(np.float32), 0.74)
    for at in (0.0, RIB):
        shade(canvas, p, (40, 44, 62), np.exp(-(((depth - at) / 0.008) ** 2)) * 0.5 * standing(p, 0.0))
