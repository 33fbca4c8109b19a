"""The closed lips: colour, the soft dark seam, the light on the lower lip."""

import numpy as np

from art.paint import blur, glow, graph_round, lay, noise, shade, smoothstep, spot, tint
from art.person import Person
from art.space import Array, Patch, Space

BOX = (-0.42, 0.52, 0.42, 1.08)


def paint(canvas: Array, space: Space, person: Person) -> None:
    p = space.patch(BOX)
    m = person.mouth
    corner = m.seam[-1][0]
    top, seam, bottom = (graph_round(c, p.side) for c in (m.top, m.seam, m.bottom))
    inside = smoothstep(corner + 0.004, corner - 0.03, p.side)
    edge = 0.011
    upper = smoothstep(-edge, edge, p.y - top) * smoothstep(0.004, -0.004, p.y - seam)
    lower = smoothstep(-0.004, 0.004, p.y - seam) * smoothstep(edge * 1.3, -edge * 1.3, p.y - bottom)
    tone = tint(m.colour)
    h, w = p.x.shape
    below = canvas[p.top : p.top + h, p.left : p.left + w]
    light = blur(below.mean(axis=-1), 0.05 * p.unit)
    level = light / np.median(light)
    streaks = 1 + 0.020 * np.clip(lip_lines(p.x, p.y, person.seed), -2, 2)
    rise = np.clip((p.y - top) / np.maximum(seam - top, 1e-3), 0, 1)
    fall = np.clip((p.y - seam) / np.maximum(bottom - seam, 1e-3), 0, 1)
    form = np.where(p.y < seam, 0.86 - 0.24 * rise**1.5, 0.88 + 0.24 * np.sin(np.pi * fall**0.8) - 0.20 * fall**4)
    colour = np.clip(tone * (level * streaks * form)[..., None], 0, 1)
    lay(canvas, p, colour, (upper + lower) * inside * m.strength)
    dark = np.exp(-np.abs(p.y - seam) / 0.012) * inside
    shade(canvas, p, (150, 70, 66), dark * 0.55)
    thick = 0.0052 + 0.0030 * spot(p, (0.0, 0.78), (0.09, 1.0))
    line = np.exp(-(((p.y - seam) / thick) ** 2)) * smoothstep(corner + 0.010, corner - 0.06, p.side)
    lay(canvas, p, tint(m.deep), line * 0.88)
    corners(canvas, p, person, corner)
    shine(canvas, p, person, seam, bottom, top, inside)


def lip_lines(x: Array, y: Array, seed: int) -> Array:
    """Fine vertical folds, closer towards the corners."""
    rng = np.random.default_rng(seed + 5)
    total = np.zeros_like(x)
    for count, weight in ((90, 0.5), (150, 0.5), (230, 0.4)):
        total += weight * np.sin(
            count * x * (1 + 0.25 * (y - 0.8)) + rng.uniform(0, 6) + 1.5 * np.sin(14 * x + rng.uniform(0, 6))
        )
    return np.asarray(total, dtype=np.float32)


def corners(canvas: Array, p: Patch, person: Person, corner: float) -> None:

    y = person.mouth.seam[-1][1]
    pit = spot(p, (corner + 0.004, y + 0.001), (0.014, 0.011), mirror=True)
    shade(canvas, p, (120, 54, 46), pit * 0.42)
    fold = spot(p, (corner + 0.022, y + 0.012), (0.016, 0.040), turn=0.25, mirror=True)
    shade(canvas, p, (164, 98, 78), fold * 0.20)


def shine(canvas: Array, p: Patch, person: Person, seam: Array, bottom: Array, top: Array, inside: Array) -> None:

    m = person.mouth
    v = (p.y - seam) / np.maximum(bottom - seam, 1e-3)
    broken = 0.72 + 0.28 * np.clip(noise(p, 0.016, person.seed + 9), -1.5, 1.5)
    band = np.exp(-0.5 * ((v - 0.42) / 0.17) ** 2) * spot(p, (-0.035, 0.85), (0.085, 1.0))
    glow(canvas, p, (255, 214, 204), band * inside * broken * 0.34 * m.gloss)
    rim = np.exp(-0.5 * ((p.y - top + 0.008) / 0.007) ** 2) * spot(p, (0.0, 0.68), (0.085, 0.1))
    glow(canvas, p, (255, 220, 196), rim * 0.20)
