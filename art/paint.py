"""The painter's hand: soft shapes, splines, ramps of colour, noise, and laying one coat over another."""

from collections.abc import Sequence

import cv2
import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator

from art.space import Array, Patch, Point, Space

Colour = tuple[int, int, int]


def smoothstep(low: float, high: float, value: Array) -> Array:
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), dtype=np.float32)


def spot(p: Patch, at: Point, size: Point, *, turn: float = 0.0, mirror: bool = False) -> Array:
    """A Gaussian at `at` with deviations `size`, turned by `turn` radians, mirrored about x = 0 if asked."""
    dx, dy = (p.side if mirror else p.x) - at[0], p.y - at[1]
    if turn:
        c, s = float(np.cos(turn)), float(np.sin(turn))
        dx, dy = c * dx + s * dy, c * dy - s * dx
    return np.asarray(np.exp(-0.5 * ((dx / size[0]) ** 2 + (dy / size[1]) ** 2)), dtype=np.float32)


def graph(points: Sequence[Point], x: Array) -> Array:
    """The smooth curve y(x) through `points` (x increasing, no overshoot), level beyond its ends."""
    xs, ys = np.asarray(points, dtype=np.float64).T
    table = np.linspace(xs[0], xs[-1], 512)
    return np.interp(x, table, PchipInterpolator(xs, ys)(table)).astype(np.float32)


def graph_round(points: Sequence[Point], x: Array) -> Array:
    """As `graph`, but rounder: a cubic spline with continuous curvature, which may overshoot a little."""
    xs, ys = np.asarray(points, dtype=np.float64).T
    table = np.linspace(xs[0], xs[-1], 512)
    return np.interp(x, table, CubicSpline(xs, ys, bc_type="natural")(table)).astype(np.float32)


def trace(points: Sequence[Point], count: int, *, closed: bool = False) -> Array:
    """`count` points along a spline through `points`, spaced by chord length: (count, 2)."""
    knots = np.asarray([*points, points[0]] if closed else points, dtype=np.float64)
    step = np.maximum(np.linalg.norm(np.diff(knots, axis=0), axis=1), 1e-6) ** 0.5
    at = np.concatenate([[0.0], np.cumsum(step)])
    line = CubicSpline(at, knots, bc_type="periodic" if closed else "natural")
    return np.asarray(line(np.linspace(0.0, at[-1], count)), dtype=np.float32)


def ramp(stops: Sequence[Colour], value: Array) -> Array:
    """Colours (..., 3) in 0..1 along evenly spaced `stops`, by monotone splines so that no band shows."""
    at = np.linspace(0.0, 1.0, len(stops))
    fine = np.linspace(0.0, 1.0, 1024)
    table = PchipInterpolator(at, np.asarray(stops, dtype=np.float64) / 255.0)(fine)
    v = np.clip(value, 0.0, 1.0)
    return np.stack([np.interp(v, fine, table[:, c]) for c in range(3)], axis=-1).astype(np.float32)


def tint(colour: Colour) -> Array:
    return np.asarray(colour, dtype=np.float32) / 255.0


def blur(image: Array, sigma_px: float) -> Array:
    """Gaussian blur; wide ones work on a reduced copy, which nobody can tell apart and which costs little."""
    if sigma_px < 0.15:
        return image
    if sigma_px <= 12.0:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE), dtype=np.float32)
    factor = int(sigma_px // 6)
    h, w = image.shape[:2]
    small = cv2.resize(image, (max(1, w // factor), max(1, h // factor)), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), sigma_px / factor, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(soft, (w, h), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def noise(p: Patch, cell: float, seed: int) -> Array:
    """Smooth noise of deviation about 1 whose grain is `cell` face units, the same at every resolution."""
    h, w = p.x.shape
    span_x, span_y = 6.0, 8.0
    rng = np.random.default_rng(seed)
    grid = rng.standard_normal((int(span_y / cell) + 4, int(span_x / cell) + 4)).astype(np.float32)
    at_x = ((p.x[0] + span_x / 2) / cell).astype(np.float32)
    at_y = ((p.y[:, 0] + span_y / 2 - 1.0) / cell).astype(np.float32)
    map_x, map_y = np.meshgrid(at_x, at_y)
    out = cv2.remap(grid, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(out, dtype=np.float32).reshape(h, w)


def polygon(p: Patch, outline: Array, feather: float) -> Array:
    """Coverage 0..1 of the closed `outline` (n, 2 in face units), feathered by `feather` face units."""
    mask = np.zeros(p.x.shape, dtype=np.uint8)
    origin = np.array([p.x[0, 0], p.y[0, 0]], dtype=np.float32)
    pixels = np.round((outline - origin) * p.unit * 16).astype(np.int32)
    cv2.fillPoly(mask, [pixels], (255,), cv2.LINE_AA, shift=4)
    return blur(mask.astype(np.float32) / 255.0, feather * p.unit)


def line(p: Patch, points: Array, width: float, feather: float) -> Array:
    """Coverage of an open line of `width`, feathered."""
    mask = np.zeros(p.x.shape, dtype=np.uint8)
    origin = np.array([p.x[0, 0], p.y[0, 0]], dtype=np.float32)
    pixels = np.round((points - origin) * p.unit * 16).astype(np.int32)
    thick = max(1, round(width * p.unit))
    cv2.polylines(mask, [pixels], False, (255,), thick, cv2.LINE_AA, shift=4)
    return blur(mask.astype(np.float32) / 255.0, feather * p.unit)


def lay(canvas: Array, p: Patch, colour: Array, cover: Array) -> None:
    """Paint `colour` (3,) or (h, w, 3) over the patch of `canvas` with the coverage (h, w)."""
    h, w = p.x.shape
    view = canvas[p.top : p.top + h, p.left : p.left + w]
    view += (colour - view) * np.clip(cover, 0.0, 1.0)[..., None]


def shade(canvas: Array, p: Patch, colour: Colour, cover: Array) -> None:
    """Multiply the patch by `colour` where `cover` is 1: a shadow that keeps what lies below."""
    h, w = p.x.shape
    view = canvas[p.top : p.top + h, p.left : p.left + w]
    view *= 1.0 - (1.0 - tint(colour)) * np.clip(cover, 0.0, 1.0)[..., None]


def glow(canvas: Array, p: Patch, colour: Colour, cover: Array) -> None:
    """Screen the patch with `colour` where `cover` is 1: light that never burns out."""
    h, w = p.x.shape
    view = canvas[p.top : p.top + h, p.left : p.left + w]
    view += (1.0 - view) * tint(colour) * np.clip(cover, 0.0, 1.0)[..., None]


def strokes(canvas: Array, space: Space, lines: Array, colours: Array, widths: Array) -> Array:
    """Draw tapered hairs on the canvas and return the coverage (h, w).

    `lines` (n, m, 2) in face units, `colours` (n, m, 3) in 0..1, `widths` (n, m) in face units; later hairs lie on
    top. No hair is thinner than a pixel: lay them through a veil where they should be fainter.
    """
    before = np.clip(canvas * 255.0 + 0.5, 0, 255).astype(np.uint8)
    drawn, cover = before.copy(), np.zeros(canvas.shape[:2], dtype=np.uint8)
    at = np.round(space.pixels(lines) * 16).astype(np.int64)
    ink = np.clip(colours * 255.0, 0, 255).astype(np.int64).tolist()
    thick = np.maximum(1, np.round(widths * space.unit)).astype(np.int64).tolist()
    for hair, tone, breadth in zip(at.tolist(), ink, thick, strict=True):
        for i in range(len(hair) - 1):
            cv2.line(drawn, hair[i], hair[i + 1], tone[i], breadth[i], cv2.LINE_AA, 4)
            cv2.line(cover, hair[i], hair[i + 1], (255,), breadth[i], cv2.LINE_AA, 4)
    touched = cover > 0
    canvas[touched] = drawn[touched].astype(np.float32) / 255.0
    return cover.astype(np.float32) / 255.0
