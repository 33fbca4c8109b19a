"""The two heads of hair, as guides in face units."""

from dataclasses import replace

import numpy as np

from art.hair import Sheet, cast, footprint, paint, undercoat
from art.paint import blur, lay, shade, smoothstep, tint
from art.space import Array, Space

AVA_HAIR = ((14, 8, 8), (34, 18, 14), (62, 34, 24), (104, 60, 40), (158, 104, 72), (212, 162, 122))

LEFT_FRONT = (
    ((0.13, -0.85), (-0.09, -0.835), (-0.35, -0.715), (-0.57, -0.46), (-0.69, -0.12), (-0.755, 0.25),
     (-0.78, 0.62), (-0.70, 1.02), (-0.57, 1.45), (-0.60, 1.88), (-0.52, 2.20)),
    ((0.13, -0.94), (-0.13, -0.945), (-0.43, -0.81), (-0.68, -0.52), (-0.80, -0.14), (-0.86, 0.25),
     (-0.90, 0.64), (-0.87, 1.04), (-0.78, 1.48), (-0.78, 1.95), (-0.68, 2.32)),
    ((0.12, -1.02), (-0.18, -1.06), (-0.52, -0.92), (-0.78, -0.60), (-0.90, -0.16), (-0.96, 0.25),
     (-1.02, 0.66), (-1.03, 1.08), (-0.98, 1.52), (-0.95, 2.00), (-0.83, 2.40)),
    ((0.12, -1.16), (-0.20, -1.18), (-0.58, -1.03), (-0.86, -0.66), (-0.98, -0.18), (-1.04, 0.26),
     (-1.12, 0.68), (-1.17, 1.10), (-1.14, 1.55), (-1.10, 2.00), (-0.98, 2.40)),
    ((0.11, -1.28), (-0.20, -1.315), (-0.60, -1.16), (-0.90, -0.74), (-1.03, -0.20), (-1.09, 0.26),
     (-1.18, 0.70), (-1.26, 1.14), (-1.25, 1.58), (-1.21, 1.98), (-1.10, 2.34)),
)  # fmt: skip
RIGHT_FRONT = (
    ((0.14, -0.85), (0.29, -0.79), (0.46, -0.635), (0.61, -0.40), (0.70, -0.08), (0.75, 0.28), (0.77, 0.64),
     (0.70, 1.04), (0.58, 1.46), (0.62, 1.88), (0.53, 2.22)),
    ((0.14, -0.94), (0.35, -0.89), (0.55, -0.71), (0.72, -0.45), (0.81, -0.10), (0.855, 0.28), (0.89, 0.66),
     (0.86, 1.06), (0.79, 1.50), (0.80, 1.95), (0.69, 2.34)),
    ((0.13, -1.02), (0.42, -0.98), (0.66, -0.81), (0.83, -0.51), (0.91, -0.12), (0.955, 0.28), (1.01, 0.68),
     (1.02, 1.10), (0.98, 1.54), (0.96, 2.00), (0.84, 2.42)),
    ((0.13, -1.16), (0.46, -1.11), (0.74, -0.91), (0.92, -0.57), (0.99, -0.14), (1.035, 0.28), (1.11, 0.70),
     (1.16, 1.12), (1.14, 1.56), (1.10, 2.00), (0.99, 2.40)),
    ((0.12, -1.28), (0.44, -1.25), (0.77, -1.03), (0.97, -0.62), (1.04, -0.16), (1.085, 0.28), (1.17, 0.72),
     (1.24, 1.16), (1.24, 1.60), (1.20, 1.98), (1.10, 2.34)),
)  # fmt: skip


BEHIND = tuple(
    ((0.60 * x, -0.90), (0.95 * x, -0.2), (1.0 * x, 0.6), (1.05 * x, 1.2), (1.0 * x, 1.95))
    for x in (-0.88, -0.45, 0.0, 0.45, 0.88)
)


def ava_sheets() -> tuple[Sheet, Sheet]:
    left = Sheet(
        guides=LEFT_FRONT, strands=4200, locks=30, gather=0.70, wave=(0.066, 2.6), level=(0.27, 0.35, 0.50),
        loose=0.008, tip_width=0.2, gloss=((0.20, 0.055, 0.54), (0.52, 0.07, 0.18)), seed=21, ragged=0.16,
    )  # fmt: skip
    right = replace(left, guides=RIGHT_FRONT, gloss=((0.18, 0.050, 0.46), (0.52, 0.07, 0.16)), seed=22)
    return left, right


def flyaways(sheet: Sheet, seed: int) -> Sheet:
    """A few fine hairs that leave the outside of the mass."""
    return replace(
        sheet,
        guides=sheet.guides[2:],
        strands=70,
        locks=70,
        gather=0.0,
        loose=0.013,
        width=0.0022,
        seed=seed,
        ragged=0.5,
    )


def ava_behind(canvas: Array, space: Space) -> None:
    sheet = Sheet(
        guides=BEHIND,
        strands=2600,
        locks=30,
        gather=0.6,
        wave=(0.05, 2.0),
        gloss=(),
        level=(0.06, 0.08, 0.20),
        seed=20,
        ragged=0.2,
    )
    undercoat(canvas, space, sheet, (18, 10, 9), 0.86)
    paint(canvas, space, sheet, AVA_HAIR)


def baby_hair(canvas: Array, space: Space, sheets: tuple[Sheet, Sheet]) -> None:
    """Short fine hairs that soften the hairline above the temples."""
    veil = canvas.copy()
    for sheet in sheets:
        start = tuple(tuple((x, y + drop) for x, y in sheet.guides[0][:4]) for drop in (0.022, -0.02, -0.05))
        fine = replace(
            sheet, guides=start, strands=150, locks=50, gather=0.0, wave=(0.0, 1.0), gloss=(), level=(0.30, 0.34, 0.40),
            loose=0.014, width=0.0020, seed=sheet.seed + 20, ragged=0.75, roots=0.45, root_width=0.3,
        )  # fmt: skip
        paint(veil, space, fine, AVA_HAIR)
    canvas += (veil - canvas) * np.float32(0.42)


def parting(canvas: Array, space: Space) -> None:
    """Skin that shows where the hair parts, narrowing to the back."""
    p = space.patch((0.0, -1.35, 0.25, -0.75))
    middle = 0.132 - 0.022 * (-(p.y + 0.85)) / 0.42 + 0.003 * np.sin(p.y * 31)
    width = np.interp(p.y, [-1.28, -0.86], [0.002, 0.0075])
    ends = smoothstep(-1.27, -1.20, p.y) * smoothstep(-0.84, -0.88, p.y)
    gap = np.abs(p.x - middle) / width
    shade(canvas, p, (110, 90, 84), np.exp(-((gap / 4.0) ** 2)) * ends * 0.45)
    lay(canvas, p, tint((166, 112, 84)), np.exp(-(gap**2)) * ends * (0.30 + 0.10 * np.sin(p.y * 57)))


def ava_before(canvas: Array, space: Space, within: Array) -> None:
    sheets = ava_sheets()
    covers = [footprint(space, sheet) for sheet in sheets]
    mass, p = np.maximum(*covers), space.whole()
    cast(canvas, space, mass, (128, 66, 48), (0.012, 0.040), 0.045, within * (p.y < 1.45))
    cast(canvas, space, mass, (118, 124, 128), (0.015, 0.050), 0.050, within * (p.y >= 1.45))
    for sheet in sheets:
        undercoat(canvas, space, sheet, (24, 13, 11), 0.88)
        paint(canvas, space, sheet, AVA_HAIR)
        veil = canvas.copy()
        paint(veil, space, flyaways(sheet, sheet.seed + 10), AVA_HAIR)
        canvas += (veil - canvas) * np.float32(0.5)
    parting(canvas, space)
    baby_hair(canvas, space, sheets)


NOAH_HAIR = ((30, 20, 12), (66, 45, 28), (108, 78, 48), (152, 115, 74), (198, 160, 112), (236, 208, 164))
QUIFF = (
    ((-0.605, -0.415), (-0.69, -0.70), (-0.70, -0.96), (-0.57, -1.17), (-0.34, -1.28)),
    ((-0.515, -0.585), (-0.58, -0.85), (-0.52, -1.10), (-0.30, -1.28), (-0.02, -1.35)),
    ((-0.27, -0.675), (-0.32, -0.95), (-0.22, -1.18), (0.01, -1.34), (0.27, -1.38)),
    ((0.00, -0.690), (-0.01, -0.95), (0.09, -1.18), (0.30, -1.33), (0.53, -1.31)),
    ((0.27, -0.670), (0.30, -0.90), (0.41, -1.09), (0.58, -1.20), (0.73, -1.14)),
    ((0.49, -0.590), (0.55, -0.80), (0.64, -0.95), (0.74, -0.99), (0.82, -0.88)),
    ((0.60, -0.415), (0.68, -0.63), (0.75, -0.75), (0.80, -0.77), (0.835, -0.66)),
)
CROWN = (
    ((-0.68, -0.42), (-0.64, -0.80), (-0.32, -1.05), (0.10, -1.10), (0.50, -0.98), (0.70, -0.55)),
    ((-0.76, -0.42), (-0.73, -0.86), (-0.42, -1.17), (0.08, -1.25), (0.54, -1.11), (0.77, -0.60)),
    ((-0.82, -0.42), (-0.80, -0.88), (-0.50, -1.23), (0.06, -1.36), (0.58, -1.21), (0.835, -0.62)),
)
TEMPLE = (
    ((0.56, -0.76), (0.625, -0.52), (0.675, -0.24), (0.715, 0.04)),
    ((0.60, -0.88), (0.69, -0.60), (0.735, -0.28), (0.750, 0.02)),
    ((0.66, -1.00), (0.785, -0.70), (0.815, -0.36), (0.775, -0.06)),
)


def noah_sheets() -> tuple[Sheet, ...]:
    crown = Sheet(
        guides=CROWN, strands=1500, locks=14, gather=0.3, wave=(0.02, 1.5), level=(0.24, 0.30, 0.24), loose=0.008,
        gloss=((0.35, 0.12, 0.14),), contrast=0.7, seed=31, width=0.0065, ragged=0.2,
    )  # fmt: skip
    temple = Sheet(
        guides=TEMPLE, strands=2600, locks=44, gather=0.35, wave=(0.006, 1.5), level=(0.20, 0.27, 0.30), loose=0.012,
        gloss=(), seed=32, width=0.0042, ragged=0.42, roots=0.30, contrast=0.8,
    )  # fmt: skip
    other = replace(temple, guides=tuple(tuple((-x, y) for x, y in guide) for guide in TEMPLE), seed=33)
    quiff = Sheet(
        guides=QUIFF, strands=4200, locks=30, gather=0.82, wave=(0.020, 1.3), level=(0.36, 0.39, 0.47), loose=0.010,
        gloss=((0.42, 0.12, 0.34), (0.80, 0.08, 0.14)), seed=34, width=0.0062, ragged=0.30, roots=0.24, root_width=0.25,
    )  # fmt: skip
    return crown, temple, other, quiff


def noah_hair(canvas: Array, space: Space, within: Array) -> None:
    crown, temple, other, quiff = noah_sheets()
    mass = np.maximum(footprint(space, crown), footprint(space, quiff, 0.9))
    cast(canvas, space, mass, (190, 140, 114), (0.0, 0.015), 0.040, within)
    undercoat(canvas, space, crown, (44, 30, 19), 1.0)
    paint(canvas, space, crown, NOAH_HAIR)
    sides = np.maximum(footprint(space, temple, 0.7), footprint(space, other, 0.7))
    lay(canvas, space.whole(), tint((70, 48, 31)), blur(sides, 0.025 * space.unit) * 0.75)
    for sheet in (temple, other):
        paint(canvas, space, sheet, NOAH_HAIR)
    undercoat(canvas, space, quiff, (60, 42, 27), 0.75, 0.17, 0.035)
    paint(canvas, space, quiff, NOAH_HAIR)
    wisps(canvas, space, quiff)


def wisps(canvas: Array, space: Space, sheet: Sheet) -> None:
    """Fine hairs at the hairline and above the outline."""
    low = tuple(tuple((x, y + 0.012) for x, y in guide) for guide in sheet.guides)
    fine = replace(
        sheet,
        guides=low,
        root_width=0.2,
        strands=560,
        locks=70,
        gather=0.4,
        loose=0.02,
        roots=0.30,
        width=0.0022,
        seed=sheet.seed + 9,
        ragged=0.5,
    )
    veil = canvas.copy()
    paint(veil, space, fine, NOAH_HAIR)
    canvas += (veil - canvas) * np.float32(0.55)
