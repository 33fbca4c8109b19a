"""A few days' beard: a cooler tone of skin and thousands of short hairs."""

import numpy as np

from art.face import cover
from art.paint import graph, graph_round, shade, smoothstep, spot, strokes, tint
from art.person import Person
from art.space import Array, Patch, Space

HAIRS = 9000
COLOUR = (92, 64, 44)


def growth(p: Patch, person: Person) -> Array:
    """Density 0..1: jaw and chin, moustache, thin below the lower lip, none on the lips."""
    edge = graph(
        [(0.0, 1.00), (0.20, 0.98), (0.32, 0.90), (0.42, 0.80), (0.55, 0.62), (0.66, 0.34), (0.73, 0.05)], p.side
    )
    jaw = smoothstep(-0.06, 0.13, p.y - edge) * smoothstep(0.0, 0.25, p.y)
    m = person.mouth
    top, bottom = graph_round(m.top, p.side), graph_round(m.bottom, p.side)
    base = person.nose.base_y
    moustache = smoothstep(base + 0.02, base + 0.13, p.y - 0.9 * np.maximum(p.side - 0.12, 0) ** 1.5) * smoothstep(
        0.02, -0.02, p.y - top - 0.01
    )
    moustache = moustache * np.exp(-((p.side / 0.27) ** 4)) * (1 - 0.5 * spot(p, (0.0, 0.62), (0.022, 0.08)))
    beside = spot(p, (0.335, 0.87), (0.045, 0.11), mirror=True) * 0.45
    patch = spot(p, (0.0, 0.985), (0.075, 0.035)) * 0.7
    lips = smoothstep(-0.012, 0.0, p.y - top) * smoothstep(0.016, 0.004, p.y - bottom) * smoothstep(0.305, 0.28, p.side)
    whole = np.maximum.reduce([jaw, moustache * 0.70, beside, patch])
    return np.asarray(whole * (1 - lips) * person.stubble * cover(p, person), dtype=np.float32)


def paint(canvas: Array, space: Space, person: Person) -> None:
    p = space.patch((-0.85, 0.0, 0.85, 1.45))
    density = growth(p, person)
    shade(canvas, p, (158, 132, 118), density * 0.38)
    lines = hairs(p, density, np.random.default_rng(person.seed + 90))
    rng = np.random.default_rng(person.seed + 91)
    tone = tint(COLOUR) * rng.uniform(0.6, 1.35, (len(lines), 1, 1)).astype(np.float32)
    colours = np.broadcast_to(tone, (*lines.shape[:2], 3))
    veil = canvas.copy()
    strokes(veil, space, lines, colours, np.full(lines.shape[:2], 0.0018, dtype=np.float32))
    canvas += (veil - canvas) * np.float32(0.32)


def hairs(p: Patch, density: Array, rng: np.random.Generator) -> Array:
    """Short hairs (n, 3, 2) where `density` allows and inside the face, pointing down and outwards."""
    x, y = rng.uniform(-0.80, 0.80, HAIRS * 3), rng.uniform(0.0, 1.33, HAIRS * 3)
    column = np.clip(((x - p.x[0, 0]) * p.unit).astype(np.int64), 0, density.shape[1] - 1)
    row = np.clip(((y - p.y[0, 0]) * p.unit).astype(np.int64), 0, density.shape[0] - 1)
    limit = graph([(0.0, 0.755), (0.30, 0.75), (0.56, 0.72), (0.80, 0.655), (1.02, 0.54),
                   (1.19, 0.38), (1.29, 0.17), (1.308, 0.0)],
                  y.astype(np.float32))  # fmt: skip
    kept = (rng.uniform(0, 1, len(x)) < density[row, column] ** 1.6) & (np.abs(x) < limit)
    x, y = x[kept][:HAIRS], y[kept][:HAIRS]
    angle = np.pi / 2 - 0.5 * x + rng.normal(0, 0.35, len(x))
    step = rng.uniform(0.006, 0.014, len(x))[:, None] * np.linspace(0, 1, 3)[None, :]
    bend = angle[:, None] + rng.normal(0, 0.2, (len(x), 1)) * np.linspace(0, 1, 3)[None, :]
    lines = np.stack([x[:, None] + step * np.cos(bend), y[:, None] + step * np.sin(bend)], axis=-1)
    return np.asarray(lines, dtype=np.float32)
