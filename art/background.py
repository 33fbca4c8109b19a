"""Rooms out of focus."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from art.paint import Colour, blur, glow, lay, polygon, ramp, shade, smoothstep, spot, tint
from art.space import Array, Box, Patch, Space


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A blurred thing in the room: a rectangle (or a disc of its width), its colour and strength."""

    box: Box
    colour: Colour
    strength: float
    round: bool = False


@dataclass(frozen=True, kw_only=True)
class Room:
    walls: tuple[Colour, ...]
    light_at: tuple[float, float]
    light: Colour
    shapes: Sequence[Shape]
    focus: float = 0.075


STUDIO = Room(
    walls=((92, 78, 72), (146, 126, 114), (188, 168, 152), (222, 206, 190)),
    light_at=(-1.5, -1.0),
    light=(255, 236, 206),
    shapes=(
        Shape(box=(-2.7, -2.7, -1.25, 1.5), colour=(255, 244, 224), strength=0.62),
        Shape(box=(-2.02, -2.7, -1.94, 1.5), colour=(150, 128, 110), strength=0.55),
        Shape(box=(-2.7, -0.75, -1.25, -0.67), colour=(150, 128, 110), strength=0.45),
        Shape(box=(-1.25, -2.7, -1.10, 1.6), colour=(128, 106, 92), strength=0.45),
        Shape(box=(1.35, -1.55, 2.7, -1.47), colour=(108, 78, 58), strength=0.75),
        Shape(box=(1.35, -0.25, 2.7, -0.17), colour=(108, 78, 58), strength=0.75),
        Shape(box=(1.45, -1.95, 1.62, -1.55), colour=(64, 98, 96), strength=0.7),
        Shape(box=(1.64, -2.05, 1.78, -1.55), colour=(196, 138, 92), strength=0.7),
        Shape(box=(1.80, -1.90, 1.98, -1.55), colour=(92, 70, 66), strength=0.7),
        Shape(box=(1.55, -0.82, 1.95, -0.25), colour=(72, 104, 72), strength=0.75, round=True),
        Shape(box=(1.75, -1.10, 2.15, -0.50), colour=(96, 128, 84), strength=0.7, round=True),
        Shape(box=(2.05, -0.80, 2.45, -0.25), colour=(60, 90, 66), strength=0.7, round=True),
        Shape(box=(-2.7, 1.55, 2.7, 3.9), colour=(124, 100, 86), strength=0.35),
    ),
)

STUDY = Room(
    walls=((48, 54, 62), (82, 92, 102), (122, 132, 140), (168, 176, 180)),
    light_at=(-1.2, -1.2),
    light=(232, 240, 248),
    shapes=(
        Shape(box=(1.00, -2.7, 2.8, 1.9), colour=(62, 62, 66), strength=0.55),
        *(Shape(box=(1.05, y, 2.8, y + 0.07), colour=(122, 96, 74), strength=0.8) for y in (-1.75, -0.75, 0.25, 1.25)),
        *(
            Shape(
                box=(1.12 + 0.20 * i, top + 0.10 * ((i * 7 + n) % 3), 1.28 + 0.20 * i, low), colour=tone, strength=0.75
            )
            for n, (top, low) in enumerate(((-2.45, -1.75), (-1.45, -0.75), (-0.45, 0.25), (0.55, 1.25)))
            for i, tone in enumerate(
                ((146, 92, 66), (84, 112, 124), (196, 178, 148), (72, 84, 104), (168, 130, 88), (104, 74, 70))
            )
            if (i + n) % 4 != 3
        ),
        Shape(box=(-2.8, -2.7, -1.35, 0.6), colour=(214, 228, 238), strength=0.55),
        Shape(box=(-2.05, -2.7, -1.97, 0.6), colour=(96, 106, 116), strength=0.5),
        Shape(box=(-2.8, -1.10, -1.35, -1.03), colour=(96, 106, 116), strength=0.4),
        Shape(box=(-1.75, 0.15, -1.30, 0.75), colour=(255, 214, 150), strength=0.55, round=True),
        Shape(box=(-2.8, 1.1, 0.6, 3.9), colour=(58, 56, 58), strength=0.45),
    ),
)


def paint(canvas: Array, space: Space, room: Room) -> None:
    p = space.whole()
    fall = np.hypot((p.x - room.light_at[0]) / 4.6, (p.y - room.light_at[1]) / 5.2)
    lay(canvas, p, ramp(room.walls, 1.0 - 0.85 * fall), np.ones_like(p.x))
    for shape in room.shapes:
        lay(canvas, p, tint(shape.colour), cover(p, shape, room.focus) * shape.strength)
    canvas[:] = blur(canvas, 0.06 * space.unit)
    glow(canvas, p, room.light, spot(p, room.light_at, (1.5, 1.7)) * 0.30)
    bokeh(canvas, p, room)
    edge = smoothstep(1.6, 3.6, np.hypot(p.x, (p.y - 0.6) * 0.85))
    shade(canvas, p, (120, 112, 112), edge * 0.45)


def cover(p: Patch, shape: Shape, focus: float) -> Array:
    left, top, right, bottom = shape.box
    if shape.round:
        x, y = (left + right) / 2, (top + bottom) / 2
        r = np.hypot((p.x - x) / ((right - left) / 2), (p.y - y) / ((bottom - top) / 2))
        return blur(smoothstep(1.05, 0.95, r), focus * p.unit)
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], dtype=np.float32)
    return polygon(p, corners, focus)


def bokeh(canvas: Array, p: Patch, room: Room) -> None:
    """Far lights as soft discs, a little brighter at the rim as a lens draws them."""
    rng = np.random.default_rng(len(room.shapes))
    for _ in range(16):
        side = rng.choice([-1.0, 1.0])
        x, y, r = side * rng.uniform(1.15, 2.3), rng.uniform(-2.2, 0.9), rng.uniform(0.07, 0.17)
        d = np.hypot(p.x - x, p.y - y) / r
        disc = smoothstep(1.18, 0.82, d) * (0.85 + 0.15 * smoothstep(0.6, 1.0, d))
        glow(canvas, p, room.light, disc * rng.uniform(0.02, 0.07))
