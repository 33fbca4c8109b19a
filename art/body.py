"""Neck and upper chest: skin below the chin, in the shade of the face."""

import numpy as np

from art import face
from art.light import Rig, illuminate
from art.paint import blur, graph, lay, noise, polygon, ramp, shade, smoothstep, spot, trace
from art.person import Person
from art.space import Array, Patch, Space

BOX = (-1.9, 0.5, 1.9, 3.0)


def half_width(p: Patch, person: Person) -> Array:
    """The half width of neck, then shoulders, at every height."""
    n = person.neck_half
    slope = [(0.6, n + 0.01), (1.2, n), (1.45, n + 0.015), (1.62, n + 0.075), (1.76, n + 0.24), (1.88, n + 0.58),
             (2.02, n + 1.10), (2.3, n + 1.60), (3.0, n + 1.8)]  # fmt: skip
    return graph(slope, p.y)


def relief(p: Patch, person: Person) -> Array:
    n = person.neck_half
    w = half_width(p, person)
    around = np.sqrt(np.clip(1 - (p.side / w) ** 2.2, 0, 1))
    column = 0.40 * np.sqrt(np.clip(1 - (p.side / (n + 0.10)) ** 2, 0, 1))
    chest = smoothstep(1.60, 2.15, p.y)
    z = (1 - chest) * column * np.minimum(around * 1.5, 1) + chest * (
        0.34 + 0.20 * np.sqrt(np.clip(1 - (p.side / 2.4) ** 2, 0, 1))
    )
    rope = graph([(1.05, n - 0.06), (1.5, 0.25), (1.9, 0.085)], p.y)
    muscle = np.exp(-0.5 * ((p.side - rope) / 0.055) ** 2) * smoothstep(1.15, 1.45, p.y) * smoothstep(2.02, 1.88, p.y)
    bone = graph([(0.06, 1.985), (0.25, 1.945), (0.55, 1.90), (0.95, 1.80)], p.side)
    clavicle = (
        np.exp(-0.5 * ((p.y - bone) / 0.040) ** 2) * smoothstep(0.05, 0.16, p.side) * smoothstep(1.1, 0.7, p.side)
    )
    pit = spot(p, (0.0, 1.965), (0.055, 0.05)) + 0.45 * spot(p, (0.30, 1.83), (0.13, 0.055), mirror=True, turn=-0.2)
    return np.asarray(z + 0.030 * muscle + 0.028 * clavicle - 0.030 * pit, dtype=np.float32)


def paint(canvas: Array, space: Space, person: Person, rig: Rig) -> None:
    p = space.patch(BOX)
    lit = illuminate(relief(p, person), p, rig, softness=0.02, hollows=0.8)
    mottle = 0.008 * noise(p, 0.06, person.seed + 3)
    colour = ramp(person.skin, lit.level * 0.91 + mottle + person.exposure)
    colour = colour + (1 - colour) * (0.10 * lit.broad * person.gloss)[..., None]
    inside = smoothstep(0.008, -0.008, p.side - half_width(p, person))
    inside = inside * np.maximum(smoothstep(0.90, 0.70, p.side), smoothstep(1.65, 1.55, p.y))
    lay(canvas, p, colour.astype(np.float32), inside)
    under_chin(canvas, p, person, inside)


def under_chin(canvas: Array, p: Patch, person: Person, inside: Array) -> None:
    """The face's soft shadow: dense below the jaw, thin where the key reaches round it."""
    jaw = face.outline(person)
    for move, soft, tone, strength in (
        ((0.05, 0.20), 0.075, (128, 66, 50), 0.62),
        ((0.02, 0.07), 0.030, (96, 44, 32), 0.55),
        ((0.03, 0.36), 0.170, (176, 116, 96), 0.50),
    ):
        cover = polygon(p, jaw * np.array([0.94, 1.0], dtype=np.float32) + np.asarray(move, dtype=np.float32), soft)
        shade(canvas, p, tone, cover * strength * inside)


def necklace(canvas: Array, space: Space) -> None:
    """A fine gold chain with a small disc."""
    p = space.patch((-0.6, 1.5, 0.6, 2.5))
    path = trace(
        [(-0.47, 1.60), (-0.36, 1.86), (-0.18, 2.08), (0.0, 2.165), (0.18, 2.08), (0.36, 1.86), (0.47, 1.60)], 240
    )
    dist = np.full(p.x.shape, 9.0, dtype=np.float32)
    for x, y in path:
        dist = np.minimum(dist, np.hypot(p.x - x, p.y - y))
    shade(canvas, p, (150, 92, 70), blur(np.exp(-((dist / 0.016) ** 2)), 0.006 * p.unit) * 0.45)
    link = 0.55 + 0.45 * np.sin(p.x * 170 + p.y * 120)
    gold = ramp(((120, 78, 34), (196, 146, 78), (246, 218, 156)), link * 0.8 + 0.1)
    lay(canvas, p, gold, np.exp(-((dist / 0.0072) ** 4)) * 0.9)
    disc = smoothstep(0.036, 0.030, np.hypot(p.x, p.y - 2.198))
    shade(canvas, p, (140, 84, 62), spot(p, (0.008, 2.21), (0.034, 0.034)) * 0.5)
    lay(canvas, p, ramp(((128, 84, 40), (206, 158, 88), (255, 238, 190)), 0.55 - (p.x * 7 + (p.y - 2.198) * 9)), disc)
