"""Paints the portraits: `python -m art.portraits` writes them into the package."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from art import background, body, cloth, ears, eyes, face, mouth, stubble, styles
from art.light import Rig
from art.paint import lay, smoothstep
from art.people import AVA, NOAH
from art.person import Curve, Person
from art.space import Array, Space

WIDTH, HEIGHT = 1024, 1280
UNIT = 210.0
CENTRE = (512.0, 512.0)
FOLDER = Path(__file__).resolve().parent.parent / "avatarium" / "engine" / "face" / "portraits"
PIVOT_Y = 1.9
RIG = Rig()

Picture = npt.NDArray[np.uint8]


def space(scale: float) -> Space:
    """The canvas at `scale` times the size of the finished picture."""
    return Space(
        width=round(WIDTH * scale),
        height=round(HEIGHT * scale),
        unit=UNIT * scale,
        centre=(CENTRE[0] * scale, CENTRE[1] * scale),
    )


def head(canvas: Array, s: Space, person: Person) -> None:
    p = s.patch((-1.1, -1.35, 1.1, 1.5))
    colour, _ = face.skin(p, person, face.relief(p, person), RIG)
    lay(canvas, p, face.details(p, person, colour), face.cover(p, person))
    eyes.paint(canvas, s, person)
    mouth.paint(canvas, s, person)


def silhouette(s: Space, person: Person, shoulders: Curve) -> Array:
    """Coverage of face, neck and clothes: what hair can throw its shadow on."""
    p = s.whole()
    neck = (p.side < body.half_width(p, person)) & (p.y > 0.9) & (p.side < 0.8)
    return np.maximum(np.maximum(face.cover(p, person), cloth.torso(p, shoulders)[0]), neck.astype(np.float32))


def turned(x: Array, y: Array, degrees: float) -> tuple[Array, Array]:
    """Where a head leaning by `degrees` brings (x, y): it turns about the pit of the neck, the shoulders stay."""
    angle = np.radians(degrees) * smoothstep(1.95, 1.15, y)
    c, s = np.cos(angle), np.sin(angle)
    up = y - PIVOT_Y
    return np.asarray(c * x - s * up, dtype=np.float32), np.asarray(s * x + c * up + PIVOT_Y, dtype=np.float32)


def leaned(canvas: Array, s: Space, degrees: float) -> Array:
    """The painting with its head tilted a little: nobody holds it quite upright, and mirror symmetry looks lifeless."""
    p = s.whole()
    x, y = turned(p.x, p.y, -degrees)
    at = s.pixels(np.stack([x, y], axis=-1))
    out = cv2.remap(canvas, at[..., 0], at[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(np.clip(out, 0, 1), dtype=np.float32)


def ava(scale: float) -> Array:
    s = space(scale)
    canvas = np.zeros((s.height, s.width, 3), dtype=np.float32)
    background.paint(canvas, s, background.STUDIO)
    styles.ava_behind(canvas, s)
    body.paint(canvas, s, AVA, RIG)
    body.necklace(canvas, s)
    cloth.soft_top(canvas, s, RIG)
    cloth.blazer(canvas, s, RIG)
    head(canvas, s, AVA)
    styles.ava_before(canvas, s, silhouette(s, AVA, cloth.BLAZER))
    return leaned(canvas, s, AVA.lean)


def noah(scale: float) -> Array:
    s = space(scale)
    canvas = np.zeros((s.height, s.width, 3), dtype=np.float32)
    background.paint(canvas, s, background.STUDY)
    body.paint(canvas, s, NOAH, RIG)
    cloth.sweater(canvas, s, RIG)
    ears.paint(canvas, s, NOAH, RIG)
    head(canvas, s, NOAH)
    stubble.paint(canvas, s, NOAH)
    styles.noah_hair(canvas, s, silhouette(s, NOAH, cloth.SWEATER))
    return leaned(canvas, s, NOAH.lean)


PORTRAITS: dict[str, Callable[[float], Array]] = {"ava": ava, "noah": noah}


def render(name: str, *, width: int = WIDTH, oversample: float = 2.0) -> Picture:
    """The portrait `name` as uint8 RGB (H, W, 3), `width` pixels wide, painted `oversample` times larger."""
    scale = width / WIDTH
    canvas = PORTRAITS[name](scale * oversample)
    size = (round(WIDTH * scale), round(HEIGHT * scale))
    small = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)
    dither = np.random.default_rng(0).uniform(0.0, 1.0, small.shape[:2])[..., None]
    return np.asarray(np.clip(small * 255.0 + dither, 0, 255), dtype=np.uint8)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in PORTRAITS:
        Image.fromarray(render(name)).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
