"""What makes a face this person's: outlines, sizes and palettes, in face units and 8-bit sRGB."""

from dataclasses import dataclass

from art.paint import Colour
from art.space import Point

Curve = tuple[Point, ...]


@dataclass(frozen=True, kw_only=True)
class Nose:
    bridge: float = 0.070
    tip: float = 0.100
    tip_y: float = 0.425
    base_y: float = 0.515
    wing: Point = (0.148, 0.438)
    wing_size: Point = (0.062, 0.064)
    height: float = 0.245


@dataclass(frozen=True, kw_only=True)
class Mouth:
    """The right half of each line, from the middle to the corner; the left half mirrors it."""

    top: Curve
    seam: Curve
    bottom: Curve
    colour: Colour
    deep: Colour
    strength: float
    gloss: float


@dataclass(frozen=True, kw_only=True)
class Eye:
    """Lid lines from the inner to the outer corner of the eye on the viewer's right."""

    upper: Curve
    lower: Curve
    crease: Curve
    iris_at: Point
    iris_radius: float
    iris: tuple[Colour, Colour, Colour]
    lash: Colour
    lash_length: float
    liner: float
    shadow: Colour
    shadow_strength: float


@dataclass(frozen=True, kw_only=True)
class Brow:
    lower: Curve
    upper: Curve
    colour: Colour
    hairs: int
    strength: float


@dataclass(frozen=True, kw_only=True)
class Person:
    name: str
    seed: int
    outline: Curve
    skin: tuple[Colour, ...]
    blush: Colour
    blush_strength: float
    nose: Nose
    mouth: Mouth
    eye: Eye
    brow: Brow
    ridge: float
    cheek: float
    gloss: float
    exposure: float = -0.045
    lean: float = 0.0
    stubble: float = 0.0
    neck_half: float = 0.42
