"""Places far out of focus: an office, a wall of books, a city at dusk."""

import numpy as np

from art.lens import GAMMA, box, developed, lamp, linear, out_of_focus
from art.paint import Colour, blur, lay, noise, polygon, ramp, smoothstep, spot, tint
from art.space import Array, Patch, Space
from art.walls import empty, vignette

Generator = np.random.Generator


def office(s: Space) -> Array:
    """Windows to the left, lamps in rows, desks with screens, plants."""
    p, canvas = s.whole(), empty(s)
    lay(canvas, p, ramp(((186, 190, 194), (208, 210, 210), (226, 224, 218)), 0.6 - 0.5 * p.x), np.ones_like(p.x))
    ceiling_and_floor(canvas, p)
    windows(canvas, p)
    partition(canvas, p)
    desks(canvas, p)
    rng = np.random.default_rng(3)
    for at, size in (((-0.50, 0.12), 0.15), ((0.80, 0.05), 0.20), ((0.36, 0.14), 0.07)):
        plant(canvas, p, at, size, rng)
    light = linear(canvas)
    daylight(light, p)
    for row, (y, r) in enumerate(((-0.40, 0.030), (-0.31, 0.021), (-0.25, 0.015), (-0.205, 0.011))):
        for column in (-2, -1, 0, 1, 2):
            at = (0.12 + column * (0.36 - 0.07 * row), y)
            lamp(light, p, at, r, (255, 236, 206), 5.0)
    light = out_of_focus(light, 0.026 * p.unit)
    canvas = developed(light * np.array([1.0, 0.97, 0.92], np.float32))
    vignette(canvas, p, 0.28)
    return canvas


def ceiling_and_floor(canvas: Array, p: Patch) -> None:
    ceiling = np.array([(-1, -0.6), (1, -0.6), (0.42, -0.17), (-0.28, -0.17)], np.float32)
    lay(canvas, p, tint((206, 204, 200)), polygon(p, ceiling, 0.004))
    floor = np.array([(-1, 0.6), (1, 0.6), (0.42, 0.13), (-0.28, 0.13)], np.float32)
    lay(canvas, p, tint((128, 112, 98)), polygon(p, floor, 0.004))


def windows(canvas: Array, p: Patch) -> None:
    """A glass front in perspective: a bright outside behind dark posts."""
    for i in range(5):
        near, far = -1.0 + 0.17 * i, -1.0 + 0.17 * i + 0.135
        reach = [0.47 - 0.40 * (x + 1.0) for x in (near, far)]
        corners = [(near, -reach[0]), (far, -reach[1]), (far, 0.55 * reach[1]), (near, 0.55 * reach[0])]
        lay(canvas, p, tint((232, 242, 250)), polygon(p, np.array(corners, np.float32), 0.002))
        trees = [(near, 0.12), (far, 0.10), (far, 0.55 * reach[1]), (near, 0.55 * reach[0])]
        lay(canvas, p, tint((150, 178, 142)), polygon(p, np.array(trees, np.float32), 0.01) * 0.7)


def daylight(light: Array, p: Patch) -> None:
    """What is outside is brighter than white, and spills into the room."""
    bright = smoothstep(0.72, 0.95, light.min(axis=-1)) * smoothstep(-0.1, -0.4, p.x)
    light += bright[..., None] * np.array([0.9, 1.0, 1.1], np.float32)
    light += (spot(p, (-0.8, -0.05), (0.5, 0.5)) * 0.18)[..., None] * np.array([0.9, 1.0, 1.1], np.float32)


def partition(canvas: Array, p: Patch) -> None:
    """Meeting room behind glass on the right."""
    wall = np.array([(0.50, -0.30), (1.0, -0.52), (1.0, 0.40), (0.50, 0.20)], np.float32)
    lay(canvas, p, tint((92, 116, 130)), polygon(p, wall, 0.003) * 0.75)
    box(canvas, p, (0.62, -0.20, 0.80, 0.02), (232, 226, 214), strength=0.8)
    for x, low, high in ((0.50, -0.30, 0.20), (0.66, -0.37, 0.26), (0.86, -0.46, 0.34)):
        box(canvas, p, (x, low, x + 0.012, high), (52, 56, 60))
    box(canvas, p, (-0.28, -0.17, -0.10, 0.13), (196, 150, 108), strength=0.8)
    box(canvas, p, (0.10, -0.11, 0.30, 0.02), (224, 120, 76), strength=0.75)


def desks(canvas: Array, p: Patch) -> None:
    for x, y, size in ((-0.62, 0.27, 0.34), (0.56, 0.27, 0.36), (-0.14, 0.16, 0.16), (0.26, 0.16, 0.17)):
        box(canvas, p, (x - size / 2, y, x + size / 2, y + 0.05 * size), (206, 170, 130))
        box(canvas, p, (x - 0.45 * size, y, x - 0.42 * size, y + 0.5 * size), (70, 70, 72))
        box(canvas, p, (x + 0.42 * size, y, x + 0.45 * size, y + 0.5 * size), (70, 70, 72))
        for side in (-0.24, 0.2):
            left, top = x + (side - 0.14) * size, y - 0.26 * size
            box(canvas, p, (left, top, left + 0.30 * size, top + 0.2 * size), (34, 38, 44))
            box(canvas, p, (left + 0.01, top + 0.008, left + 0.29 * size, top + 0.18 * size), (110, 150, 184))
        chair = (x - 0.1 * size, y + 0.03 * size, x + 0.12 * size, y + 0.34 * size)
        box(canvas, p, chair, (54, 60, 72), strength=0.9, soft=0.01)


def plant(canvas: Array, p: Patch, at: tuple[float, float], size: float, rng: Generator) -> None:
    box(canvas, p, (at[0] - 0.2 * size, at[1] + 0.7 * size, at[0] + 0.2 * size, at[1] + 1.2 * size), (222, 214, 202))
    greens: tuple[Colour, ...] = ((46, 86, 52), (70, 116, 66), (100, 146, 84), (36, 70, 48))
    for _ in range(46):
        turn, reach = rng.uniform(-np.pi, 0.15), size * rng.uniform(0.25, 0.95)
        x, y = at[0] + 0.6 * reach * np.cos(turn), at[1] + 0.6 * size + reach * np.sin(turn)
        tone = greens[int(rng.integers(len(greens)))]
        shape = spot(p, (float(x), float(y)), (0.16 * size, 0.055 * size), turn=float(turn))
        lay(canvas, p, tint(tone), smoothstep(0.45, 0.62, shape))


SPINES: tuple[Colour, ...] = (
    (122, 44, 40), (44, 62, 88), (196, 178, 146), (62, 84, 66), (168, 120, 62), (88, 60, 84), (214, 200, 176),
    (40, 44, 52), (150, 82, 52), (104, 124, 134), (182, 150, 104), (70, 48, 42), (128, 138, 108), (204, 116, 78),
)  # fmt: skip


def bookshelf(s: Space) -> Array:
    """Shelves of books in lamp light."""
    p, canvas = s.whole(), empty(s)
    rng = np.random.default_rng(12)
    lay(canvas, p, tint((44, 30, 22)), np.ones_like(p.x))
    edges = (-0.90, -0.47, -0.02, 0.43, 0.90)
    for row in range(5):
        floor = -0.345 + 0.212 * row
        for left, right in zip(edges, edges[1:], strict=False):
            shelf(canvas, p, (left + 0.014, right - 0.010), floor, rng)
        box(canvas, p, (-1.0, floor, 1.0, floor + 0.020), (112, 74, 48))
        box(canvas, p, (-1.0, floor + 0.020, 1.0, floor + 0.040), (20, 13, 10), strength=0.6, soft=0.006)
    for x in edges:
        box(canvas, p, (x - 0.011, -0.6, x + 0.011, 0.6), (98, 64, 42))
    canvas *= (1.0 + 0.03 * noise(p, 0.05, 61))[..., None]
    fall = 0.42 + 1.0 * spot(p, (-0.30, -0.12), (0.52, 0.42))
    warm = fall[..., None] * np.array([1.35, 1.08, 0.80], np.float32)
    light = np.asarray(linear(canvas) * warm, dtype=np.float32)
    canvas = developed(out_of_focus(light, 0.0135 * p.unit))
    vignette(canvas, p, 0.45)
    return canvas


def shelf(canvas: Array, p: Patch, span: tuple[float, float], floor: float, rng: Generator) -> None:
    """Runs of books of one height, a gap or a few lying ones between."""
    x, end = span
    tall, tone = rng.uniform(0.12, 0.165), rng.integers(len(SPINES))
    while x < end - 0.012:
        if rng.random() < 0.05:
            x = lying(canvas, p, x, min(x + 0.13, end), floor, rng)
            continue
        if rng.random() < 0.22:
            tall, tone = rng.uniform(0.115, 0.172), rng.integers(len(SPINES))
        elif rng.random() < 0.55:
            tone = rng.integers(len(SPINES))
        wide = min(rng.uniform(0.011, 0.032), end - x)
        book(canvas, p, (x, floor - tall * rng.uniform(0.96, 1.03), x + wide, floor), SPINES[int(tone)], rng)
        x += wide + (rng.uniform(0.02, 0.06) if rng.random() < 0.04 else 0.0012)


def book(canvas: Array, p: Patch, at: tuple[float, float, float, float], tone: Colour, rng: Generator) -> None:
    left, top, right, bottom = at
    shade_of = rng.uniform(0.8, 1.1)
    colour: Colour = (int(tone[0] * shade_of), int(tone[1] * shade_of), int(tone[2] * shade_of))
    box(canvas, p, at, colour)
    box(canvas, p, (left, top, left + 0.22 * (right - left), bottom), (0, 0, 0), strength=0.28)
    if rng.random() < 0.6:
        label = top + rng.uniform(0.15, 0.3) * (bottom - top)
        band: Colour = (226, 196, 132) if sum(tone) < 330 else (72, 50, 40)
        box(canvas, p, (left, label, right, label + 0.012), band, strength=0.7)


def lying(canvas: Array, p: Patch, left: float, right: float, floor: float, rng: Generator) -> float:
    """A small stack; tells where the next book stands."""
    y = floor
    for _ in range(int(rng.integers(2, 5))):
        thick = rng.uniform(0.016, 0.026)
        inset = rng.uniform(0, 0.15) * (right - left)
        box(canvas, p, (left + inset, y - thick, right - 0.5 * inset, y), SPINES[int(rng.integers(len(SPINES)))])
        box(canvas, p, (left + inset, y - 0.002, right - 0.5 * inset, y), (0, 0, 0), strength=0.5)
        y -= thick
    return right + 0.004


def city_dusk(s: Space) -> Array:
    """Towers before the last light, their windows and the streets as discs."""
    p, canvas = s.whole(), empty(s)
    sky = ((20, 26, 58), (48, 48, 96), (112, 76, 122), (200, 116, 112), (246, 172, 118))
    lay(canvas, p, ramp(sky, (p.y + 0.5) / 0.66), np.ones_like(p.x))
    rng = np.random.default_rng(31)
    far = towers(canvas, p, rng, count=22, top=(-0.16, 0.06), tone=(92, 66, 104))
    near = towers(canvas, p, rng, count=13, top=(-0.34, 0.08), tone=(34, 32, 58))
    box(canvas, p, (-1.0, 0.20, 1.0, 0.6), (24, 22, 40), soft=0.03)
    light = linear(canvas)
    light = 0.35 * light + 0.65 * blur(light, 0.012 * p.unit)
    for tower in (*far, *near):
        lit_windows(light, p, tower, rng)
    streets(light, p, rng)
    light = out_of_focus(light, 0.0185 * p.unit)
    canvas = developed(light + 0.15 * blur(light, 0.06 * p.unit))
    vignette(canvas, p, 0.35)
    return canvas


Tower = tuple[float, float, float]


def towers(
    canvas: Array, p: Patch, rng: Generator, *, count: int, top: tuple[float, float], tone: Colour
) -> list[Tower]:
    """Flat silhouettes from edge to edge, lower where somebody will stand; left, right and top of each."""
    made: list[Tower] = []
    for i in range(count):
        middle = -0.95 + 1.9 * (i + rng.uniform(0.2, 0.8)) / count
        half, height = rng.uniform(0.03, 0.075), rng.uniform(*top) + 0.06 * max(0.0, 1 - abs(middle) / 0.3)
        box(canvas, p, (middle - half, height, middle + half, 0.6), tone, strength=0.92)
        made.append((middle - half, middle + half, height))
    return made


LAMPS: tuple[Colour, ...] = ((255, 206, 140), (255, 226, 182), (255, 178, 96), (236, 240, 255), (160, 216, 255))


def lit_windows(light: Array, p: Patch, tower: Tower, rng: Generator) -> None:
    left, right, top = tower
    for _ in range(int(rng.integers(5, 13))):
        at = (rng.uniform(left + 0.01, right - 0.01), rng.uniform(top + 0.02, 0.22))
        lamp_at(light, p, at, LAMPS[int(rng.integers(len(LAMPS)))], float(rng.uniform(5, 26)))


def streets(light: Array, p: Patch, rng: Generator) -> None:
    for _ in range(70):
        at = (float(rng.uniform(-0.92, 0.92)), float(0.22 + 0.26 * rng.random() ** 1.6))
        colour: Colour = (255, 70, 56) if rng.random() < 0.3 else LAMPS[int(rng.integers(len(LAMPS)))]
        lamp_at(light, p, at, colour, float(rng.uniform(8, 44)))


def lamp_at(light: Array, p: Patch, at: tuple[float, float], colour: Colour, power: float) -> None:
    """A small lamp, drawn only where it is: hundreds of them over the whole canvas would take a minute."""
    radius = 0.0032
    columns = slice(*np.searchsorted(p.x[0], (at[0] - 2 * radius, at[0] + 2 * radius)).tolist())
    rows = slice(*np.searchsorted(p.y[:, 0], (at[1] - 2 * radius, at[1] + 2 * radius)).tolist())
    disc = smoothstep(1.0, 0.5, np.hypot(p.x[rows, columns] - at[0], p.y[rows, columns] - at[1]) / radius)
    light[rows, columns] += disc[..., None] * tint(colour) ** GAMMA * power
