"""The inside of a mouth: lips' inner rims, teeth, tongue and the dark behind them, painted where the lips part.

Everything is placed in the head's own space, so that the upper teeth stay with the skull, the lower ones and the tongue
with the jaw, and all of it turns with the head and shows from the side on a turned face.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.frame import Points
from avatarium.engine.face.teeth import HALF_WIDTH, TOP, Teeth

Floats = NDArray[np.float32]
Image = NDArray[np.uint8]

SAMPLES = 64
"""Points along each lip."""
MIN_GAP_PX = 0.5
UPPER_EDGE, LOWER_EDGE = 0.018, 0.006
"""Where the edges of upper and lower teeth stand below the line of the shut lips (IOD)."""
TEETH_DEPTH, TONGUE_DEPTH = 0.045, 0.12
"""How far behind the lips (IOD)."""
CAVITY = (34.0, 14.0, 15.0)
TONGUE = (158.0, 80.0, 80.0)


def _natural_spline(points: int, samples: int) -> Floats:
    """The matrix that turns points into samples of the natural cubic spline through them, shape (samples, points)."""
    inner = np.arange(1, points - 1)
    slopes, system = np.zeros((points, points)), np.eye(points)
    slopes[inner, inner - 1], slopes[inner, inner], slopes[inner, inner + 1] = 6, -12, 6
    system[inner, inner - 1], system[inner, inner], system[inner, inner + 1] = 1, 4, 1
    at = np.linspace(0, points - 1, samples)
    left = np.minimum(at.astype(int), points - 2)
    f = (at - left)[:, None]
    ends, bends = np.eye(points), np.linalg.solve(system, slopes) / 6
    curve = (1 - f) * ends[left] + f * ends[left + 1]
    curve += ((1 - f) ** 3 - (1 - f)) * bends[left] + (f**3 - f) * bends[left + 1]
    return np.asarray(curve, dtype=np.float32)


_SPLINE = _natural_spline(11, 41)
"""A smooth curve through the eleven points of a lip."""


_AT = np.linspace(0, 10, SAMPLES)
_ALONG = np.maximum(1 - np.abs(_AT[:, None] - np.arange(11)), 0)
"""Straight lines between the colours of the eleven points, at as many places as a lip is sampled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one photo's mouth is made of."""

    teeth: Teeth
    light: float
    """Brightness of the face against a well-lit fair one, about .5 to 1.15."""
    upper_lip: Floats
    lower_lip: Floats
    """RGB along the inner rims, shape ``(11, 3)``."""
    softness_px: float
    """Width of edges in the photo."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where the mouth stands in one frame."""

    origin: Floats
    """Pixel of the resting line between the lips on the skull, shape ``(2,)``."""
    axes: Floats
    """Pixels that one IOD along the head's x, y and z makes, shape ``(3, 2)``."""
    upper: Floats
    lower: Floats
    """Inner lips against ``origin`` in the head's space, shape ``(11, 3)``."""
    jaw: float
    """Lowering of the chin (IOD)."""
    tongue: float


def paint_mouth(out: Image, placed: Placed, look: Look, light: Floats | None = None) -> None:
    """Paint the inside of the mouth into an RGB frame, in place.

    ``light`` is what the look's RGB is multiplied with, ``(3,)``, where the frame is lit otherwise than its picture.
    """
    upper, lower = _SPLINE @ placed.upper, _SPLINE @ placed.lower
    scale = float(np.linalg.norm(placed.axes[1]))
    if float((lower[:, 1] - upper[:, 1]).max()) * scale < MIN_GAP_PX:
        return
    left, right = float(max(upper[0, 0], lower[0, 0])), float(min(upper[-1, 0], lower[-1, 0]))
    at = np.linspace(left, right, SAMPLES, dtype=np.float32)
    top, bottom = (np.interp(at, lip[:, 0], lip[:, 1]).astype(np.float32) for lip in (upper, lower))
    rims = [(_ALONG @ colours.astype(float)).astype(np.float32) for colours in (look.upper_lip, look.lower_lip)]
    bend = _bend(placed)
    inverse = _to_head(placed.axes)
    box = _box(np.concatenate([upper, lower]), placed, out.shape)
    if box is None:
        return
    _paint(
        out, np.array(box), placed.origin, inverse, (inverse @ placed.axes[2]).astype(np.float32), np.float32(bend),
        np.array([left, right], np.float32), top, bottom, rims[0], rims[1], look.teeth.upper, look.teeth.lower,
        np.float32(look.teeth.pixels_per_unit), np.float32(placed.jaw), np.float32(placed.tongue),
        np.float32(look.light), np.float32(scale / max(look.softness_px, 0.7)),
        np.ones(3, np.float32) if light is None else np.asarray(light, np.float32),
    )  # fmt: skip


def _to_head(axes: Floats) -> Floats:
    """Matrix from pixels to the head's x and y. By hand: ``numpy.linalg`` would wake BLAS's threads, which spin."""
    (a, c), (b, d) = axes[:2]
    return np.asarray(np.array([[d, -b], [-c, a]]) / (a * d - b * c), dtype=np.float32)


def _bend(placed: Placed) -> float:
    """How the lips curve back from the middle to the corners: z = bend * x**2."""
    x, z = placed.upper[[0, -1], 0], placed.upper[[0, -1], 2] - placed.upper[5, 2]
    return float(np.clip((z / np.maximum(x**2, 1e-3)).mean(), 0.0, 3.0))


def _box(lips: Floats, placed: Placed, shape: tuple[int, ...]) -> tuple[int, int, int, int] | None:
    pixels = lips @ placed.axes + placed.origin
    low, high = np.floor(pixels.min(0)).astype(int) - 2, np.ceil(pixels.max(0)).astype(int) + 3
    left, top, right, bottom = max(0, low[0]), max(0, low[1]), min(shape[1], high[0]), min(shape[0], high[1])
    return (left, top, right, bottom) if left < right and top < bottom else None


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _sample(texture, x, y, scale, out):  # type: ignore[no-untyped-def]
    """Bilinear sample of a texture at IOD coordinates; returns alpha."""
    rows, columns = texture.shape[:2]
    u = (x + HALF_WIDTH) * scale - 0.5
    v = (y - TOP) * scale - 0.5
    if u < 0 or v < 0 or u >= columns - 1 or v >= rows - 1:
        return 0.0
    i, j = int(u), int(v)
    fu, fv = u - i, v - j
    a, b, c, d = (1 - fu) * (1 - fv), fu * (1 - fv), (1 - fu) * fv, fu * fv
    for k in range(3):
        out[k] = (
            texture[j, i, k] * a + texture[j, i + 1, k] * b + texture[j + 1, i, k] * c + texture[j + 1, i + 1, k] * d
        )
    return texture[j, i, 3] * a + texture[j, i + 1, 3] * b + texture[j + 1, i, 3] * c + texture[j + 1, i + 1, 3] * d


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _smooth(low, high, x):  # type: ignore[no-untyped-def]
    t = min(1.0, max(0.0, (x - low) / (high - low)))
    return t * t * (3 - 2 * t)


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _paint(  # type: ignore[no-untyped-def]
    out, box, origin, inverse, depth_shift, bend, span, top, bottom, rim_upper, rim_lower, upper_teeth, lower_teeth,
    teeth_scale, jaw, tongue, light, sharpness, gain,
):  # fmt: skip
    """For every pixel between the lips: dark, tongue, lower teeth, upper teeth, light, rims, each over the last."""
    colour = np.empty(3, np.float32)
    tooth = np.empty(3, np.float32)
    width = span[1] - span[0]
    middle = (span[0] + span[1]) / 2
    widest = 0.0
    for i in range(SAMPLES):
        widest = max(widest, bottom[i] - top[i])
    exposure = min(1.0, 0.70 + 0.30 * widest / 0.12)
    for py in range(box[1], box[3]):
        for px in range(box[0], box[2]):
            dx, dy = px - origin[0], py - origin[1]
            x = inverse[0, 0] * dx + inverse[0, 1] * dy
            y = inverse[1, 0] * dx + inverse[1, 1] * dy
            back = bend * x * x
            x -= depth_shift[0] * back
            y -= depth_shift[1] * back
            t = (x - span[0]) / width * (SAMPLES - 1)
            if t <= 0 or t >= SAMPLES - 1:
                continue
            i = int(t)
            f = t - i
            upper = top[i] * (1 - f) + top[i + 1] * f
            lower = bottom[i] * (1 - f) + bottom[i + 1] * f
            below, above = y - upper, lower - y
            cover = min(1.0, min(below, above) * sharpness + 0.5)
            if cover <= 0 or lower <= upper:
                continue
            for k in range(3):
                colour[k] = CAVITY[k] * light
            xt, yt = x - depth_shift[0] * TONGUE_DEPTH, y - depth_shift[1] * TONGUE_DEPTH - 0.8 * jaw
            dome = -0.030 - 0.055 * tongue + 1.3 * xt * xt
            share = _smooth(-0.010, 0.022, yt - dome) * (1 - _smooth(0.16, 0.24, abs(xt)))
            lit = (0.30 + 0.48 * _smooth(0.0, 0.060, yt - dome)) * (1 - 0.14 * np.exp(-((xt / 0.016) ** 2)))
            for k in range(3):
                colour[k] += share * (TONGUE[k] * light * lit - colour[k])
            xt, yt = x - depth_shift[0] * TEETH_DEPTH, y - depth_shift[1] * TEETH_DEPTH
            share = _sample(lower_teeth, xt, yt - 0.95 * jaw - LOWER_EDGE, teeth_scale, tooth)
            for k in range(3):
                colour[k] += share * (tooth[k] * 0.86 - colour[k])
            share = _sample(upper_teeth, xt, yt - UPPER_EDGE, teeth_scale, tooth)
            for k in range(3):
                colour[k] += share * (tooth[k] - colour[k])
            side = max(0.0, (abs(x - middle) / (width / 2) - 0.30) / 0.65)
            shadow = (0.42 + 0.58 * _smooth(0.0, 0.050, below)) * (0.72 + 0.28 * _smooth(0.0, 0.025, above))
            shadow *= exposure * (1 - 0.78 * min(1.0, side) ** 1.4)
            shadow = max(shadow, 0.03)
            colour[0] *= shadow**0.88
            colour[1] *= shadow**1.14
            colour[2] *= shadow**1.26
            rim = 0.018 * min(1.0, (lower - upper) / 0.06) + 1e-4
            share_upper = 1 - _smooth(0.0, rim, below)
            share_lower = 1 - _smooth(0.0, rim * 1.25, above)
            for k in range(3):
                upper_rim = rim_upper[i, k] * (0.30 + 0.34 * share_upper)
                lower_rim = rim_lower[i, k] * (0.42 + 0.40 * share_lower)
                colour[k] += share_upper * 0.85 * (upper_rim - colour[k])
                colour[k] += share_lower * 0.85 * (lower_rim - colour[k])
                shown = min(colour[k] * gain[k], 255.0)
                out[py, px, k] = np.uint8(out[py, px, k] + cover * (shown - out[py, px, k]) + 0.5)


def paint_seam(out: Image, placed: Placed, strength: float) -> None:
    """Draw the dark line between lips that touch: the photo of an open mouth has none. RGB frame, in place."""
    middle = _SPLINE @ ((placed.upper + placed.lower) / 2)
    box = _box(middle, placed, out.shape)
    if box is None or strength <= 0.02:
        return
    at = np.linspace(middle[0, 0], middle[-1, 0], SAMPLES, dtype=np.float32)
    line = np.interp(at, middle[:, 0], middle[:, 1]).astype(np.float32)
    inverse = _to_head(placed.axes)
    span = np.array([at[0], at[-1]], np.float32)
    shift = (inverse @ placed.axes[2]).astype(np.float32)
    width = max(0.009, 0.8 / float(np.linalg.norm(placed.axes[1])))
    _seam(out, np.array(box), placed.origin, inverse, shift, np.float32(_bend(placed)), span, line, width, strength)


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _seam(out, box, origin, inverse, depth_shift, bend, span, line, width, strength):  # type: ignore[no-untyped-def]
    for py in range(max(0, box[1] - 3), min(out.shape[0], box[3] + 3)):
        for px in range(box[0], box[2]):
            dx, dy = px - origin[0], py - origin[1]
            x = inverse[0, 0] * dx + inverse[0, 1] * dy
            y = inverse[1, 0] * dx + inverse[1, 1] * dy
            back = bend * x * x
            x -= depth_shift[0] * back
            y -= depth_shift[1] * back
            t = (x - span[0]) / (span[1] - span[0]) * (SAMPLES - 1)
            if t <= 0 or t >= SAMPLES - 1:
                continue
            i = int(t)
            away = (y - line[i] - (line[i + 1] - line[i]) * (t - i)) / width
            dark = strength * np.exp(-away * away)
            out[py, px, 0] = np.uint8(out[py, px, 0] * (1 - 0.65 * dark))
            out[py, px, 1] = np.uint8(out[py, px, 1] * (1 - 0.85 * dark))
            out[py, px, 2] = np.uint8(out[py, px, 2] * (1 - 0.85 * dark))


def placed_mouth(local: Points, rest: Points, origin: Floats, axes: Floats, tongue: float) -> Placed:
    """Where the mouth of a shape stands.

    Args:
        local: shape with the expression, face coordinates, ``(468, 3)``.
        rest: shape of the photo with lips together.
        origin: pixel of :func:`stomion` of ``rest`` under the head's turn.
        axes: pixels that one IOD along the head's axes makes, ``(3, 2)``.
        tongue: 0..1.
    """
    centre = stomion(rest)
    upper, lower = (local[list(row)] - centre for row in (mesh.LIP_INNER_UPPER, mesh.LIP_INNER_LOWER))
    jaw = float(local[mesh.CHIN, 1] - rest[mesh.CHIN, 1])
    return Placed(
        origin=origin, axes=axes, upper=upper.astype(np.float32), lower=lower.astype(np.float32), jaw=jaw, tongue=tongue
    )


def stomion(rest: Points) -> Points:
    """Where the lips meet when they are shut, a third of the way down an open photo's gap; shape ``(3,)``."""
    upper, lower = rest[mesh.LIP_UPPER_INNER], rest[mesh.LIP_LOWER_INNER]
    meeting: Points = upper + (lower - upper) * 0.35
    return meeting
