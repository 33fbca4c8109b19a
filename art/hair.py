"""Hair as sheets of strands between guide curves, gathered into locks that overlap and catch the light."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline, PchipInterpolator

from art.paint import Colour, blur, lay, polygon, ramp, shade, strokes, tint
from art.person import Curve
from art.space import Array, Space

Picks = npt.NDArray[np.int64]

STEPS = 30


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Strands that run root to tip between `guides` (innermost first); the innermost are painted last.

    `gather` 0..1: how far tips close up into locks. `wave`: amplitude (face units) and cycles. `gloss`: places along
    the strand (0 root, 1 tip) with their spread and strength. `level`: lightness of root, middle and tip.
    """

    guides: Sequence[Curve]
    strands: int
    locks: int
    gather: float
    wave: tuple[float, float]
    gloss: Sequence[tuple[float, float, float]]
    level: tuple[float, float, float]
    width: float = 0.0075
    seed: int = 0
    ragged: float = 0.10
    loose: float = 0.012
    inner_last: bool = True
    roots: float = 0.0
    contrast: float = 1.0
    root_width: float = 0.8
    tip_width: float = 0.35


@dataclass(frozen=True, kw_only=True)
class Strands:
    lines: Array
    level: Array
    widths: Array


def spread(sheet: Sheet, s: Array) -> Array:
    """The curves at the places `s` (0 innermost .. 1 outermost) across the sheet: (n, STEPS, 2)."""
    t = np.linspace(0, 1, STEPS)
    dense = []
    for guide in sheet.guides:
        knots = np.asarray(guide, dtype=np.float64)
        at = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(knots, axis=0), axis=1))])
        dense.append(CubicSpline(at / at[-1], knots)(t))
    across = PchipInterpolator(np.linspace(0, 1, len(dense)), np.asarray(dense), axis=0)
    return np.asarray(across(np.clip(s, 0, 1)), dtype=np.float32)


def grow(sheet: Sheet) -> Strands:
    """All strands of the sheet, in painting order."""
    rng = np.random.default_rng(sheet.seed)
    centres = (np.arange(sheet.locks) + rng.uniform(-0.3, 0.3, sheet.locks) + 0.5) / sheet.locks
    order = np.argsort((-centres if sheet.inner_last else centres) + rng.normal(0, 0.9 / sheet.locks, sheet.locks))
    per_lock = max(1, sheet.strands // sheet.locks)
    lock = np.repeat(order, per_lock)
    offset = rng.uniform(-1, 1, len(lock))
    offset = np.sign(offset) * np.abs(offset) ** 0.8
    place = np.clip(centres[lock] + offset * 0.75 / sheet.locks, 0, 1)
    own, middle = spread(sheet, place.astype(np.float32)), spread(sheet, centres[lock].astype(np.float32))
    t = np.linspace(0, 1, STEPS, dtype=np.float32)
    pull = (sheet.gather * t**1.3)[None, :, None] * rng.uniform(0.7, 1.05, (len(lock), 1, 1))
    lines = own + (middle - own) * pull
    lines, crest = waved(sheet, rng, lines, lock, offset)
    lines = shortened(rng, lines + drift(rng, len(lock), sheet.loose), sheet.ragged, sheet.roots, lock)
    level = lightness(sheet, rng, lock, offset, crest) + volume(sheet, lines, place)
    taper = np.interp(t, [0, 0.08, 0.75, 1], [sheet.root_width, 1.0, 0.9, sheet.tip_width])
    widths = sheet.width * taper[None, :] * rng.uniform(0.65, 1.25, (len(lock), 1))
    return Strands(lines=lines.astype(np.float32), level=level.astype(np.float32), widths=widths.astype(np.float32))


def waved(sheet: Sheet, rng: np.random.Generator, lines: Array, lock: Picks, offset: Array) -> tuple[Array, Array]:
    """Swing the strands sideways; also returns the wave itself, whose crests catch light."""
    t = np.linspace(0, 1, STEPS, dtype=np.float32)[None, :]
    size, cycles = sheet.wave
    per_lock = np.cumsum(rng.normal(0, 0.35, sheet.locks))
    phase = per_lock[lock][:, None] + 0.25 * offset[:, None] + rng.normal(0, 0.05, (len(lock), 1))
    swing = np.sin(2 * np.pi * cycles * t**1.15 + phase) * np.clip((t - 0.18) / 0.45, 0, 1)
    along = np.gradient(lines, axis=1)
    normal = np.stack([-along[..., 1], along[..., 0]], axis=-1)
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
    crest = np.cos(2 * np.pi * cycles * t**1.15 + phase) * np.clip((t - 0.15) / 0.4, 0, 1)
    return np.asarray(lines + normal * (size * swing)[..., None]), np.asarray(crest)


def drift(rng: np.random.Generator, count: int, size: float) -> Array:
    """Each strand strays a little from its neighbours, more towards the tip."""
    t = np.linspace(0, 1, STEPS)
    bends = rng.normal(0, 1, (count, 2, 3))
    shapes = np.stack([t, np.sin(np.pi * t), np.sin(2 * np.pi * t)])
    return np.asarray(np.einsum("nck,kt->ntc", bends, shapes) * size, dtype=np.float32)


def shortened(rng: np.random.Generator, lines: Array, ragged: float, roots: float, lock: Picks) -> Array:
    """Tips end at different lengths, strand by strand and lock by lock; roots start at different places."""
    count = len(lines)
    per_lock = rng.uniform(0, 1, int(lock.max()) + 1)[lock]
    keep = 1 - ragged * (0.6 * per_lock + 0.6 * rng.uniform(0, 1, count))
    start = (roots * rng.uniform(0, 1, count) ** 0.7)[:, None]
    t = np.linspace(0, 1, STEPS)[None, :]
    at = np.clip(start + t * (keep[:, None] - start), 0, 1) * (STEPS - 1)
    low = np.minimum(at.astype(np.int64), STEPS - 2)
    part = (at - low)[..., None]
    rows = np.arange(count)[:, None]
    return np.asarray(lines[rows, low] * (1 - part) + lines[rows, low + 1] * part)


def lightness(sheet: Sheet, rng: np.random.Generator, lock: Picks, offset: Array, crest: Array) -> Array:
    """0 dark .. 1 light for every point: round locks, gloss bands that break from lock to lock, wave crests."""
    t = np.linspace(0, 1, STEPS)[None, :]
    n = len(lock)
    base = np.interp(t, [0, 0.5, 1], sheet.level)
    form = 0.20 * (0.45 - np.abs(offset + 0.25) ** 1.5)[:, None]
    shine = np.zeros((n, STEPS))
    for at, width, strength in sheet.gloss:
        shift = rng.normal(0, 0.022, sheet.locks)[lock] + rng.normal(0, 0.012, n)
        force = rng.uniform(0.55, 1.25, sheet.locks)[lock] * np.clip(1.15 - 1.1 * np.abs(offset + 0.15), 0, 1)
        shine += strength * force[:, None] * np.exp(-0.5 * ((t - at - shift[:, None]) / width) ** 2)
    tone = rng.normal(0, 0.030, sheet.locks)[lock] + rng.normal(0, 0.030, n)
    return np.asarray(base + sheet.contrast * (form + 0.14 * crest + tone[:, None]) + shine)


def footprint(space: Space, sheet: Sheet, length: float = 1.0, start: float = 0.0, feather: float = 0.012) -> Array:
    """Coverage of the sheet from `start` to `length` of its strands (0 root .. 1 tip)."""
    curves = spread(sheet, np.linspace(0.02, 0.98, 25, dtype=np.float32))[
        :, round(STEPS * start) : max(2, round(STEPS * length))
    ]
    outline = np.concatenate([curves[0], curves[:, -1], curves[-1][::-1], curves[::-1, 0]])
    return polygon(space.whole(), outline, feather)


def volume(sheet: Sheet, lines: Array, place: Array) -> Array:
    """The mass of hair as one round form: lit from the upper left, dark where it turns in beside the neck."""
    lit = -0.055 * lines[..., 0] - 0.050 * (lines[..., 1] + 0.3)
    inner = np.clip(1 - place / 0.45, 0, 1)[:, None] * np.clip((lines[..., 1] - 0.1) / 0.7, 0, 1)
    return np.asarray(sheet.contrast * (lit - 0.12 * inner))


def undercoat(
    canvas: Array, space: Space, sheet: Sheet, colour: Colour, length: float, start: float = 0.0, feather: float = 0.012
) -> None:
    """A dark body below the strands, so that no gap shows; the tips stay free."""
    lay(canvas, space.whole(), tint(colour), footprint(space, sheet, length, start, feather))


def cast(
    canvas: Array, space: Space, cover: Array, colour: Colour, move: tuple[float, float], soft: float, within: Array
) -> None:
    """The shadow that `cover` throws on what is painted so far, no further than `within`."""
    p = space.whole()
    dx, dy = round(move[0] * space.unit), round(move[1] * space.unit)
    moved = np.roll(cover, (dy, dx), axis=(0, 1))
    shade(canvas, p, colour, blur(moved, soft * space.unit) * within)


def paint(canvas: Array, space: Space, sheet: Sheet, palette: Sequence[Colour]) -> Array:
    """Paint the sheet; returns its coverage."""
    strands = grow(sheet)
    colours = ramp(palette, strands.level)
    return strokes(canvas, space, strands.lines, colours, strands.widths)
