"""Eyes, lids, lashes and brows. Each eye is painted in coordinates whose x runs from the nose outwards."""

from dataclasses import replace

import numpy as np

from art.paint import Colour, glow, graph_round, lay, noise, ramp, shade, smoothstep, spot, strokes, tint
from art.person import Brow, Eye, Person
from art.space import Array, Patch, Space

BOX = (0.08, -0.36, 0.72, 0.24)
SIDES = (-1.0, 1.0)


def paint(canvas: Array, space: Space, person: Person) -> None:
    for side in SIDES:
        box = BOX if side > 0 else (-BOX[2], BOX[1], -BOX[0], BOX[3])
        screen = space.patch(box)
        local = replace(screen, x=screen.x * np.float32(side))
        make_up(canvas, local, person.eye)
        ball(canvas, local, person.eye, side, person.seed)
        lids(canvas, local, person.eye)
        lashes(canvas, space, person, side)
        brow(canvas, space, local, person, side)


def lid_lines(p: Patch, eye: Eye) -> tuple[Array, Array, Array]:
    upper, lower, crease = (graph_round(c, p.x) for c in (eye.upper, eye.lower, eye.crease))
    return upper, lower, crease


def span(p: Patch, eye: Eye, before: float, after: float) -> Array:
    """1 between the corners, fading over `before` and `after` inside them."""
    inner, outer = eye.upper[0][0], eye.upper[-1][0]
    return smoothstep(inner, inner + before, p.x) * smoothstep(outer, outer - after, p.x)


def make_up(canvas: Array, p: Patch, eye: Eye) -> None:
    """Shade in the socket: the fold of the lid, the inner corner, a warm veil on the moving lid."""
    upper, _, crease = lid_lines(p, eye)
    veil = smoothstep(0.02, -0.01, p.y - upper) * smoothstep(-0.10, -0.02, p.y - crease)
    veil = veil * smoothstep(0.20, 0.36, p.x) * smoothstep(0.66, 0.46, p.x)
    shade(canvas, p, eye.shadow, veil * eye.shadow_strength)
    fold = np.exp(-0.5 * ((p.y - crease) / 0.0085) ** 2)
    fold = fold * smoothstep(0.19, 0.27, p.x) * smoothstep(0.56, 0.47, p.x)
    shade(canvas, p, (120, 62, 46), fold * 0.62)
    above = np.exp(-0.5 * ((p.y - crease + 0.018) / 0.020) ** 2)
    shade(canvas, p, (170, 105, 84), above * smoothstep(0.20, 0.30, p.x) * smoothstep(0.60, 0.46, p.x) * 0.22)
    lid = np.exp(-0.5 * ((p.y - (0.55 * upper + 0.45 * crease)) / 0.012) ** 2)
    glow(canvas, p, (255, 214, 184), lid * spot(p, (0.35, -0.09), (0.06, 0.08)) * 0.16)


def ball(canvas: Array, p: Patch, eye: Eye, side: float, seed: int) -> None:
    """What shows between the lids: sclera, caruncle, iris, lights, and the shade of the upper lid on them."""
    upper, lower, _ = lid_lines(p, eye)
    px = 1.3 / p.unit
    opening = smoothstep(-px, px, p.y - upper) * smoothstep(-px, px, lower - p.y) * span(p, eye, 0.004, 0.006)
    lay(canvas, p, sclera(p, eye), opening)
    disc, colour = iris(p, eye, side, seed)
    lay(canvas, p, colour, opening * disc)
    under_lid = np.exp(-np.maximum(p.y - upper, 0) / 0.020)
    shade(canvas, p, (86, 52, 44), opening * under_lid * 0.85)
    above_lid = np.exp(-np.maximum(lower - p.y, 0) / 0.008)
    shade(canvas, p, (176, 120, 108), opening * above_lid * 0.55)
    lights(canvas, p, eye, side, opening)


def sclera(p: Patch, eye: Eye) -> Array:
    centre = (eye.iris_at[0] - 0.004, eye.iris_at[1])
    away = np.hypot((p.x - centre[0]) / 0.165, (p.y - centre[1]) / 0.11)
    white = ramp(((250, 244, 236), (243, 234, 225), (218, 198, 186), (178, 140, 128)), away * 0.85)
    meat = smoothstep(0.226, 0.198, p.x + 0.25 * (p.y - 0.03))
    colour = white + (tint((206, 132, 118)) - white) * meat[..., None]
    wet = spot(p, (0.203, 0.026), (0.005, 0.005))
    return np.asarray(colour + (1 - colour) * 0.55 * wet[..., None], dtype=np.float32)


def iris(p: Patch, eye: Eye, side: float, seed: int) -> tuple[Array, Array]:
    """Coverage and colour: fibres on a ring of three tones, a dark rim, a lit lower half."""
    dx, dy = p.x - eye.iris_at[0], p.y - eye.iris_at[1]
    r = np.hypot(dx, dy) / eye.iris_radius
    angle = np.arctan2(dy, dx * side)
    fibres = fibre_noise(angle, r, seed)
    tone = 0.52 + 0.20 * fibres + 0.22 * smoothstep(-0.2, 0.9, dy / eye.iris_radius) + 0.10 * smoothstep(0.62, 0.42, r)
    tone = tone - 0.75 * smoothstep(0.74, 1.0, r) - 0.12 * smoothstep(0.1, -0.9, dy / eye.iris_radius)
    colour = ramp(eye.iris, tone)
    pupil = smoothstep(0.43, 0.36, r)
    colour = colour + (tint((10, 6, 6)) - colour) * pupil[..., None]
    rim = 0.065 + 0.6 / (eye.iris_radius * p.unit)
    return smoothstep(1.0 + rim, 1.0 - rim, r), np.asarray(colour, dtype=np.float32)


def fibre_noise(angle: Array, r: Array, seed: int) -> Array:
    rng = np.random.default_rng(seed + 77)
    total = np.zeros_like(angle)
    for count, weight in ((17, 0.35), (31, 0.4), (53, 0.35), (71, 0.25)):
        phase, twist = rng.uniform(0, 2 * np.pi), rng.uniform(-1.5, 1.5)
        total += weight * np.sin(count * angle + phase + twist * r + 2.0 * np.sin(3 * angle + phase))
    return np.asarray(total * smoothstep(0.35, 0.6, r), dtype=np.float32)


def lights(canvas: Array, p: Patch, eye: Eye, side: float, opening: Array) -> None:
    """The window in the eye: up and to the viewer's left in both eyes, and its weak answer opposite."""
    r, at = eye.iris_radius, eye.iris_at
    box_x, box_y = (p.x - at[0]) * side + 0.36 * r, p.y - at[1] + 0.34 * r
    power = (np.abs(box_x) / (0.21 * r)) ** 2.4 + (np.abs(box_y) / (0.22 * r)) ** 2.4
    lay(canvas, p, tint((255, 253, 250)), opening * smoothstep(1.7, 0.5, power) * 0.95)
    answer = spot(p, (at[0] + side * 0.36 * r, at[1] + 0.42 * r), (0.22 * r, 0.15 * r))
    glow(canvas, p, (226, 214, 204), opening * answer * 0.42)
    tear = spot(p, (at[0] + side * 0.10, at[1] + 0.03), (0.020, 0.006))
    glow(canvas, p, (255, 255, 255), opening * tear * 0.15)


def lids(canvas: Array, p: Patch, eye: Eye) -> None:
    """The lash line, the wet rim of the lower lid, and the light that catches on it."""
    upper, lower, _ = lid_lines(p, eye)
    inner, outer = eye.upper[0][0], eye.upper[-1][0]
    along = np.clip((p.x - inner) / (outer - inner), 0, 1)
    rim = (
        np.exp(-0.5 * ((p.y - lower - 0.006) / 0.0055) ** 2)
        * smoothstep(0.02, 0.14, along)
        * smoothstep(1.0, 0.86, along)
    )
    lay(canvas, p, tint((224, 158, 138)), rim * 0.60)
    below = (
        np.exp(-0.5 * ((p.y - lower - 0.0165) / 0.0052) ** 2)
        * smoothstep(0.15, 0.75, along)
        * smoothstep(1.06, 0.9, along)
    )
    shade(canvas, p, (128, 76, 60), below * smoothstep(outer + 0.01, outer - 0.03, p.x) * 0.60)
    thick = eye.liner * (0.35 + 0.75 * smoothstep(0.05, 0.75, along)) * smoothstep(1.10, 0.98, along)
    wing = (p.x - inner) / (outer - inner)
    inside = smoothstep(-0.01, 0.06, wing) * smoothstep(1.09, 1.0, wing)
    middle = upper - 0.35 * thick
    soft = np.exp(-((np.abs(p.y - middle) / np.maximum(thick, 0.002)) ** 2.4))
    lay(canvas, p, tint(eye.lash), soft * inside * 0.94)


def lashes(canvas: Array, space: Space, person: Person, side: float) -> None:
    rng = np.random.default_rng(person.seed + int(side) + 40)
    eye = person.eye
    upper = lash_fan(rng, eye.upper, 90, eye.lash_length, -1.0, (0.10, 1.0))
    lower = lash_fan(rng, eye.lower, 34, eye.lash_length * 0.30, 1.0, (0.30, 0.97))
    lower = lower + np.array([0.0, 0.013], dtype=np.float32)
    for lines, width in ((upper, 0.0040), (lower, 0.0026)):
        lines[..., 0] *= side
        taper = np.linspace(1.0, 0.25, lines.shape[1], dtype=np.float32)
        shape = lines.shape[:2]
        colours = np.broadcast_to(tint(eye.lash), (*shape, 3))
        veil = canvas.copy()
        strokes(veil, space, lines, colours, np.broadcast_to(width * taper, shape))
        strength = 0.54 if width > 0.003 else 0.28
        canvas += (veil - canvas) * np.float32(strength)


def lash_fan(
    rng: np.random.Generator,
    lid: tuple[tuple[float, float], ...],
    count: int,
    length: float,
    up: float,
    part: tuple[float, float],
) -> Array:
    """Lashes (count, m, 2) rooted on `lid`, that fan outwards and curl; longest towards the outer corner."""
    inner, outer = lid[0][0], lid[-1][0]
    t = np.sort(rng.uniform(part[0], part[1], count))
    x = (inner + t * (outer - inner)).astype(np.float32)
    y = graph_round(lid, x)
    lean = (-0.45 + 1.9 * t + rng.normal(0, 0.10, count))[:, None]
    size = (
        length * (0.35 + 0.65 * np.sin(np.pi * np.clip(t * 0.80 + 0.1, 0, 1)) ** 1.2) * rng.uniform(0.75, 1.1, count)
    )[:, None]
    s = np.linspace(0, 1, 8)[None, :]
    dx = size * (lean * (0.35 * s + 0.35 * s * s))
    dy = up * size * (0.20 * s + 0.42 * s**1.6)
    return np.asarray(np.stack([x[:, None] + dx, y[:, None] + dy], axis=-1), dtype=np.float32)


def brow(canvas: Array, space: Space, p: Patch, person: Person, side: float) -> None:
    b = person.brow
    lift = 0.004 if side > 0 else 0.0
    low, high = graph_round(b.lower, p.x) - lift, graph_round(b.upper, p.x) - lift
    start, end = b.lower[0][0], b.lower[-1][0]
    inside = smoothstep(start - 0.04, start + 0.17, p.x) * smoothstep(end + 0.01, end - 0.10, p.x)
    body = smoothstep(0.014, -0.022, p.y - low) * smoothstep(-0.010, 0.034, p.y - high) * inside
    ink: Colour = b.colour
    lay(canvas, p, tint(ink), body * 0.46 * b.strength * (0.9 + 0.1 * noise(p, 0.02, person.seed)))
    lines, widths = brow_hairs(np.random.default_rng(person.seed + 60 + int(side)), b, lift)
    lines[..., 0] *= side
    rng = np.random.default_rng(person.seed + 70)
    spread = rng.uniform(0.80, 1.35, (len(lines), 1, 1)).astype(np.float32)
    colours = np.clip(np.broadcast_to(tint(ink), (*lines.shape[:2], 3)) * spread, 0, 1)
    veil = canvas.copy()
    strokes(veil, space, lines, colours, widths)
    h, w = p.x.shape
    rows, columns = slice(p.top, p.top + h), slice(p.left, p.left + w)
    front = 0.45 + 0.55 * smoothstep(start - 0.02, start + 0.14, p.x)
    canvas[rows, columns] += (veil - canvas)[rows, columns] * (0.85 * b.strength * front)[..., None]


def brow_hairs(rng: np.random.Generator, b: Brow, lift: float) -> tuple[Array, Array]:
    """Hairs that rise at the nose, lie back along the arch and come down to meet the upper ones at its end."""
    start, end = b.lower[0][0], b.lower[-1][0]
    t = np.sort(rng.beta(1.05, 1.25, b.hairs)) * 0.97
    v = rng.uniform(0.0, 1.0, b.hairs)
    x = (start + t * (end - start)).astype(np.float32)
    low, high = graph_round(b.lower, x) - lift, graph_round(b.upper, x) - lift
    y = low + (high - low) * v
    ahead = (x + 0.02).astype(np.float32)
    slope = (1 - v) * (graph_round(b.lower, ahead) - lift - low) / 0.02 + v * (
        graph_round(b.upper, ahead) - lift - high
    ) / 0.02
    rise = np.interp(t, [0, 0.12, 0.35, 0.65, 1.0], [1.25, 0.75, 0.36, 0.18, 0.05]) * np.where(v < 0.6, 1.0, 0.25)
    angle = np.arctan(slope) - rise + rng.normal(0, 0.10, b.hairs)
    length = np.interp(t, [0, 0.2, 0.6, 1], [0.042, 0.052, 0.050, 0.034]) * rng.uniform(0.7, 1.1, b.hairs)
    s = np.linspace(0, 1, 6)[None, :]
    bend = angle[:, None] + 0.35 * s * rise[:, None]
    dx, dy = length[:, None] * s * np.cos(bend), length[:, None] * s * np.sin(bend)
    lines = np.stack([x[:, None] + dx, y[:, None] + dy], axis=-1).astype(np.float32)
    taper = np.interp(np.linspace(0, 1, 6), [0, 0.3, 1], [0.6, 1.0, 0.2]).astype(np.float32)
    thin = np.interp(t, [0, 0.18], [0.55, 1.0])[:, None]
    return lines, (0.0034 * taper * thin).astype(np.float32)
