"""Plain grounds: studio paper, a wall in window light, brick, a curtain, writing paper, a green screen."""

import numpy as np

from art.lens import developed, linear, out_of_focus
from art.light import normals, toward
from art.paint import Colour, blur, glow, lay, line, noise, polygon, ramp, shade, smoothstep, spot, tint
from art.space import Array, Patch, Space

KEY_GREEN: Colour = (0, 177, 64)


def empty(s: Space) -> Array:
    return np.zeros((s.height, s.width, 3), dtype=np.float32)


def vignette(canvas: Array, p: Patch, depth: float) -> None:
    edge = smoothstep(0.45, 1.25, np.hypot(p.x * 0.85, p.y))
    shade(canvas, p, (0, 0, 0), edge * depth)


def studio(s: Space, tones: tuple[Colour, ...], light: Colour) -> Array:
    """Seamless paper: a light behind the person, the floor a soft bend below."""
    p, canvas = s.whole(), empty(s)
    fall = np.hypot(p.x * 0.82, (p.y + 0.06) * 1.05)
    lay(canvas, p, ramp(tones, 1.0 - fall / 1.02), np.ones_like(p.x))
    shade(canvas, p, (150, 146, 142), spot(p, (0.0, 0.62), (1.4, 0.16)) * 0.55)
    glow(canvas, p, light, spot(p, (-0.12, -0.12), (0.42, 0.36)) * 0.16)
    mottle = noise(p, 0.34, 3) * 0.55 + noise(p, 0.13, 4) * 0.30
    canvas *= (1.0 + 0.012 * mottle)[..., None]
    vignette(canvas, p, 0.28)
    return canvas


def studio_warm(s: Space) -> Array:
    return studio(s, ((72, 52, 42), (128, 96, 76), (186, 150, 122), (222, 192, 164)), (255, 226, 190))


def studio_cool(s: Space) -> Array:
    return studio(s, ((24, 32, 46), (52, 68, 92), (98, 120, 148), (154, 174, 196)), (206, 226, 255))


def green(s: Space) -> Array:
    canvas = empty(s)
    canvas[:] = tint(KEY_GREEN)
    return canvas


def paper(s: Space) -> Array:
    """Handmade paper: clouds, a tooth lit from the left, and a few fibres."""
    p, canvas = s.whole(), empty(s)
    lay(canvas, p, tint((240, 232, 216)), np.ones_like(p.x))
    clouds = 0.6 * noise(p, 0.30, 11) + 0.4 * noise(p, 0.11, 12)
    canvas += (0.012 * clouds)[..., None] * tint((255, 235, 200))
    tooth = 0.00042 * noise(p, 0.014, 13) + 0.00022 * noise(p, 0.007, 14)
    canvas *= (1.0 + 0.55 * (toward(normals(tooth, p.unit, 0.0014), (-0.5, -0.6, 0.62)) - 0.62))[..., None]
    rng = np.random.default_rng(5)
    for _ in range(130):
        fibre(canvas, p, rng)
    glow(canvas, p, (255, 250, 238), spot(p, (-0.35, -0.3), (0.7, 0.6)) * 0.25)
    vignette(canvas, p, 0.22)
    return canvas


def fibre(canvas: Array, p: Patch, rng: np.random.Generator) -> None:
    x, y, turn = rng.uniform(-0.9, 0.9), rng.uniform(-0.52, 0.52), rng.uniform(0, np.pi)
    t = np.linspace(0.0, rng.uniform(0.015, 0.05), 14, dtype=np.float32)
    bend = turn + np.cumsum(rng.normal(0, 0.16, t.size))
    points = np.stack([x + t * np.cos(bend), y + t * np.sin(bend)], axis=1).astype(np.float32)
    tone: Colour = (196, 176, 146) if rng.random() < 0.6 else (252, 248, 240)
    lay(canvas, p, tint(tone), line(p, points, 0.0012, 0.0008) * rng.uniform(0.15, 0.45))


def window_light(s: Space) -> Array:
    """Sun through a window and a plant onto a plaster wall."""
    p, canvas = s.whole(), empty(s)
    lay(canvas, p, ramp(((150, 138, 126), (182, 170, 156), (204, 193, 179)), 0.75 - 0.35 * p.x), np.ones_like(p.x))
    plaster = 0.004 * noise(p, 0.16, 21) + 0.0012 * noise(p, 0.05, 22) + 0.0003 * noise(p, 0.016, 23)
    relief = toward(normals(plaster, p.unit, 0.003), (-0.7, -0.45, 0.62))
    canvas *= (1.0 + 0.5 * (relief - 0.62))[..., None]
    sun = panes(p) * (1.0 - 0.62 * leaves(p))
    light = linear(canvas) * (0.62 + sun[..., None] * np.array([1.25, 1.04, 0.72], np.float32))
    canvas = developed(light)
    vignette(canvas, p, 0.30)
    return canvas


def panes(p: Patch) -> Array:
    """Four by three panes thrown aslant, softer the farther the light goes."""
    cover = np.zeros_like(p.x)
    for column in range(3):
        for row in range(4):
            left, top = -0.72 + 0.40 * column, -0.66 + 0.30 * row
            corners = np.array([(left, top), (left + 0.36, top), (left + 0.36, top + 0.265), (left, top + 0.265)])
            corners[:, 1] += 0.34 * (corners[:, 0] + 0.2)
            corners[:, 0] += 0.16 * corners[:, 1]
            cover = np.maximum(cover, polygon(p, corners.astype(np.float32), 0.006 + 0.004 * column))
    return cover


def leaves(p: Patch) -> Array:
    """The shadow of branches that reach in from the right."""
    rng, shadow = np.random.default_rng(8), np.zeros_like(p.x)
    for start, end in (((0.95, -0.25), (0.05, -0.42)), ((0.98, 0.10), (0.22, 0.02)), ((0.9, 0.5), (0.3, 0.34))):
        stem = np.linspace(start, end, 26).astype(np.float32)
        stem[:, 1] += 0.05 * np.sin(np.linspace(0, 2.4, 26)).astype(np.float32)
        shadow = np.maximum(shadow, line(p, stem, 0.006, 0.005))
        for x, y in stem[3:]:
            for side in (-1.0, 1.0):
                shadow = np.maximum(shadow, leaf(p, (float(x), float(y)), side * rng.uniform(0.5, 1.2), rng))
    return shadow


def leaf(p: Patch, at: tuple[float, float], turn: float, rng: np.random.Generator) -> Array:
    length, t = rng.uniform(0.07, 0.13), np.linspace(0, 1, 16)
    half = 0.2 * length * np.sin(np.pi * t**0.8)
    along, across = np.concatenate([t, t[::-1]]) * length, np.concatenate([half, -half[::-1]])
    angle = np.pi + turn
    x = at[0] + along * np.cos(angle) - across * np.sin(angle)
    y = at[1] + along * np.sin(angle) + across * np.cos(angle)
    return polygon(p, np.stack([x, y], axis=1).astype(np.float32), 0.006)


def brick(s: Space) -> Array:
    """A painted brick wall in raking light, a little out of focus."""
    p, canvas = s.whole(), empty(s)
    rng = np.random.default_rng(17)
    lay(canvas, p, tint((150, 134, 122)), np.ones_like(p.x))
    relief = np.zeros_like(p.x)
    tall, wide, joint = 0.074, 0.235, 0.010
    for row in range(-8, 8):
        for column in range(-5, 6):
            left = (column + 0.5 * (row % 2)) * wide + rng.normal(0, 0.002)
            top = row * tall + rng.normal(0, 0.0008)
            one_brick(canvas, relief, p, (left, top, left + wide - joint, top + tall - joint), rng)
    relief = blur(relief, 0.0022 * p.unit) * 0.012 + 0.0016 * noise(p, 0.022, 31) + 0.0007 * noise(p, 0.008, 32)
    lit = toward(normals(relief, p.unit, 0.0012), (-0.62, -0.5, 0.6))
    canvas *= np.clip(0.34 + 1.02 * lit, 0.25, 1.5)[..., None]
    canvas *= (1.0 + 0.05 * noise(p, 0.12, 33))[..., None]
    glow(canvas, p, (255, 224, 186), spot(p, (-0.25, -0.18), (0.55, 0.42)) * 0.20)
    vignette(canvas, p, 0.60)
    return developed(out_of_focus(linear(canvas), 0.0036 * p.unit))


def one_brick(
    canvas: Array, relief: Array, p: Patch, at: tuple[float, float, float, float], rng: np.random.Generator
) -> None:
    left, top, right, bottom = at
    columns = slice(*np.searchsorted(p.x[0], (left - 0.02, right + 0.02)).tolist())
    rows = slice(*np.searchsorted(p.y[:, 0], (top - 0.02, bottom + 0.02)).tolist())
    x, y = p.x[rows, columns], p.y[rows, columns]
    inside = np.minimum(np.minimum(x - left, right - x), np.minimum(y - top, bottom - y))
    cover = smoothstep(-0.0012, 0.0022, inside + rng.normal(0, 0.0006))
    tones = ((148, 82, 62), (136, 72, 56), (160, 96, 72), (122, 66, 54), (168, 108, 84))
    tone = tint(tones[int(rng.integers(len(tones)))]) * rng.uniform(0.86, 1.1)
    canvas[rows, columns] += (tone - canvas[rows, columns]) * cover[..., None]
    relief[rows, columns] = np.maximum(relief[rows, columns], cover * rng.uniform(0.85, 1.1))


def curtain(s: Space) -> Array:
    """Heavy velvet in folds with a follow spot on it, and the stage floor below."""
    p, canvas = s.whole(), empty(s)
    rng = np.random.default_rng(23)
    sway = 0.010 * np.sin(3.1 * p.y + 1.0) + 0.004 * noise(p, 0.5, 41) * (p.y + 0.5)
    fold, x = np.zeros_like(p.x), p.x + sway
    for turns, size in ((6.5, 1.0), (10.2, 0.55), (17.5, 0.24)):
        fold += size * np.sin(2 * np.pi * (turns * x + 0.18 * np.sin(2 * np.pi * x * 1.3 + turns)) + rng.uniform(0, 6))
    relief = fold * 0.022 * (0.75 + 0.35 * (p.y + 0.5))
    normal = normals(relief, p.unit, 0.004)
    level = 0.20 + 0.62 * np.clip(toward(normal, (-0.38, -0.30, 0.87)), 0, 1) ** 1.6 + 0.06 * fold
    sheen = (1.0 - np.clip(normal[2], 0, 1)) ** 1.5
    pool = 0.34 + 0.95 * smoothstep(0.78, 0.22, np.hypot(p.x, (p.y + 0.03) * 0.95))
    tone = ramp(((26, 3, 8), (84, 8, 18), (146, 20, 30), (196, 52, 54)), level * pool)
    lay(canvas, p, tone, np.ones_like(p.x))
    glow(canvas, p, (255, 120, 110), sheen * pool * 0.20)
    stage_floor(canvas, p)
    canvas = blur(canvas, 0.0014 * p.unit)
    vignette(canvas, p, 0.45)
    return canvas


def stage_floor(canvas: Array, p: Patch) -> None:
    edge = 0.415 + 0.006 * np.sin(2 * np.pi * 6.5 * p.x)
    floor = smoothstep(-0.004, 0.006, p.y - edge)
    near = np.clip((p.y - 0.415) / 0.085, 0, 1)
    boards = np.abs(((p.x / (0.35 + 0.65 * near) * 5.0) % 1.0) - 0.5)
    tone = ramp(((34, 18, 12), (72, 42, 28), (112, 70, 46)), 0.75 - 0.55 * np.abs(p.x) + 0.1 * near)
    lay(canvas, p, tone * (0.86 + 0.14 * smoothstep(0.49, 0.46, boards))[..., None], floor)
    shade(canvas, p, (20, 8, 8), floor * smoothstep(0.03, 0.0, p.y - edge) * 0.7)
