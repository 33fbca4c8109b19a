"""The face without its eyes, brows and lips' colour: a relief, lit, and skin that is redder where blood is near."""

import numpy as np

from art.light import Lit, Rig, illuminate
from art.paint import blur, graph, graph_round, noise, polygon, ramp, smoothstep, spot, tint, trace
from art.person import Person
from art.space import Array, Patch

CENTRE_Y = 0.22


def outline(person: Person) -> Array:
    """The closed silhouette of the face (n, 2): the right half of `person.outline`, mirrored."""
    right = list(person.outline)
    left = [(-x, y) for x, y in reversed(right) if x > 1e-6]
    return trace([*right, *left], 720, closed=True)


def reach(p: Patch, silhouette: Array) -> Array:
    """How far out a pixel is from the middle of the face (0) on the ray to its silhouette (1)."""
    angle = np.arctan2(silhouette[:, 1] - CENTRE_Y, silhouette[:, 0])
    radius = np.hypot(silhouette[:, 0], silhouette[:, 1] - CENTRE_Y)
    order = np.argsort(angle)
    at = np.arctan2(p.y - CENTRE_Y, p.x)
    edge = np.interp(at, angle[order], radius[order], period=2 * np.pi)
    return (np.hypot(p.x, p.y - CENTRE_Y) / edge).astype(np.float32)


def relief(p: Patch, person: Person) -> Array:
    """Height of the face above the plane of its silhouette, in face units."""
    r = reach(p, outline(person))
    power = 3.0 + 1.6 * smoothstep(0.55, 1.25, p.y)
    dome = 0.60 * np.sqrt(np.clip(1.0 - np.clip(r, 0, 1) ** power, 0, 1))
    z = dome + planes(p, person) + eyes_and_brows(p, person) + lower_face(p, person)
    z = z + lips(p, person)
    return nose(p, person, z.astype(np.float32))


def planes(p: Patch, person: Person) -> Array:
    c = person.cheek
    return np.asarray(
        0.050 * c * spot(p, (0.50, 0.27), (0.17, 0.13), mirror=True)
        + 0.042 * c * spot(p, (0.38, 0.40), (0.14, 0.12), mirror=True)
        - 0.030 * c * spot(p, (0.54, 0.70), (0.12, 0.20), mirror=True)
        + 0.034 * spot(p, (0.0, -0.46), (0.36, 0.16))
        - 0.022 * spot(p, (0.64, -0.16), (0.10, 0.20), mirror=True),
        dtype=np.float32,
    )


def eyes_and_brows(p: Patch, person: Person) -> Array:
    crease = graph_round(person.eye.crease, p.side)
    fold = (
        np.exp(-0.5 * ((p.y - crease) / 0.012) ** 2) * smoothstep(0.19, 0.26, p.side) * smoothstep(0.55, 0.47, p.side)
    )
    bag = graph_round([(0.18, 0.07), (0.26, 0.125), (0.36, 0.145), (0.50, 0.10)], p.side)
    trough = np.exp(-0.5 * ((p.y - bag) / 0.020) ** 2) * smoothstep(0.17, 0.24, p.side) * smoothstep(0.48, 0.34, p.side)
    return np.asarray(
        person.ridge * 0.045 * spot(p, (0.31, -0.20), (0.20, 0.065), mirror=True)
        + person.ridge * 0.018 * spot(p, (0.0, -0.20), (0.10, 0.10))
        - 0.068 * spot(p, (0.31, -0.03), (0.17, 0.085), mirror=True)
        - 0.034 * spot(p, (0.155, -0.02), (0.055, 0.075), mirror=True)
        + 0.060 * spot(p, (0.35, 0.005), (0.125, 0.075), mirror=True)
        - 0.0085 * fold
        - 0.0050 * trough,
        dtype=np.float32,
    )


def lower_face(p: Patch, person: Person) -> Array:
    along = graph([(0.44, 0.185), (0.56, 0.265), (0.70, 0.325), (0.84, 0.345)], p.y)
    smile = np.exp(-0.5 * ((p.side - along) / 0.030) ** 2) * smoothstep(0.42, 0.54, p.y) * smoothstep(0.84, 0.66, p.y)
    return np.asarray(
        0.055 * spot(p, (0.0, 0.74), (0.25, 0.19))
        - 0.012 * smile
        + 0.062 * spot(p, (0.0, 1.155), (0.17, 0.11))
        - 0.030 * spot(p, (0.0, 0.975), (0.15, 0.040))
        - 0.014 * spot(p, (0.0, 0.60), (0.022, 0.055))
        + 0.008 * spot(p, (0.050, 0.60), (0.018, 0.055), mirror=True)
        - 0.016 * spot(p, (0.300, 0.765), (0.030, 0.035), mirror=True),
        dtype=np.float32,
    )


def lips(p: Patch, person: Person) -> Array:
    """Two pillows that meet in the seam."""
    m = person.mouth
    corner = m.seam[-1][0]
    top, seam, bottom = (graph_round(c, p.side) for c in (m.top, m.seam, m.bottom))
    fade = smoothstep(corner + 0.015, corner - 0.11, p.side)
    up = np.clip((p.y - top) / np.maximum(seam - top, 1e-3), 0, 1)
    down = np.clip((p.y - seam) / np.maximum(bottom - seam, 1e-3), 0, 1)
    upper = np.where(p.y <= seam, up**0.8 * (1 - up**5) ** 0.6, 0.0)
    lower = np.where(p.y > seam, (1 - (1 - down) ** 4) ** 0.6 * (1 - down**2.2), 0.0)
    return np.asarray(fade * (0.036 * upper + 0.052 * lower), dtype=np.float32)


def nose(p: Patch, person: Person, z: Array) -> Array:
    n = person.nose
    h = n.height
    profile = graph(
        [(-0.26, 0.0), (-0.10, 0.13 * h), (0.0, 0.20 * h), (0.16, 0.48 * h), (0.30, 0.78 * h), (n.tip_y - 0.03, h),
         (n.tip_y + 0.025, 0.93 * h), (n.base_y - 0.015, 0.45 * h), (n.base_y + 0.015, 0.10 * h),
         (n.base_y + 0.05, 0.0)],
        p.y,
    )  # fmt: skip
    width = graph(
        [
            (-0.26, 0.13),
            (-0.08, n.bridge),
            (0.10, n.bridge),
            (0.30, n.tip * 0.9),
            (n.tip_y, n.tip),
            (n.base_y, n.tip * 0.8),
        ],
        p.y,
    )
    ridge = profile * np.exp(-(np.abs(p.side / (width * 1.12)) ** 2.3))
    ball = 0.016 * spot(p, (0.0, n.tip_y), (0.065, 0.05))
    dx, dy = (p.side - n.wing[0]) / n.wing_size[0], (p.y - n.wing[1]) / n.wing_size[1]
    wing = 0.100 * np.sqrt(np.clip(1 - dx * dx - dy * dy, 0, 1))
    slope = 0.050 * spot(p, (0.095, 0.39), (0.075, 0.09), mirror=True)
    built = np.maximum(ridge + ball, 0) + slope
    together = np.logaddexp(built * 38, wing * 38) / 38 - np.log(2.0) / 38
    nostril = 0.05 * spot(p, (0.078, n.base_y - 0.018), (0.026, 0.013), turn=-0.25, mirror=True)
    return np.asarray(z + np.maximum(together, 0.0) - nostril, dtype=np.float32)


def cover(p: Patch, person: Person) -> Array:
    return polygon(p, outline(person), 0.004)


def skin(p: Patch, person: Person, z: Array, rig: Rig) -> tuple[Array, Lit]:
    """The colour of the lit skin (h, w, 3)."""
    lit = illuminate(z, p, rig)
    soft = illuminate(z, p, rig, softness=0.04)
    level = 0.62 * lit.level + 0.38 * soft.level
    mottle = 0.010 * noise(p, 0.05, person.seed) + 0.006 * noise(p, 0.018, person.seed + 1)
    mottle = mottle + 0.007 * np.clip(noise(p, 0.0085, person.seed + 2), -2, 2)
    colour = ramp(person.skin, level * 0.96 + mottle + person.exposure)
    colour = flush(p, person, colour)
    oily = oil(p) * person.gloss
    colour = colour + (1 - colour) * ((0.20 * lit.broad + 0.16 * lit.tight) * oily)[..., None] * tint((255, 238, 222))
    return colour.astype(np.float32), lit


def flush(p: Patch, person: Person, colour: Array) -> Array:
    """Blood: cheeks, nose, lids, chin and ears lean to red."""
    where = (
        1.00 * spot(p, (0.47, 0.37), (0.16, 0.13), mirror=True, turn=-0.3)
        + 0.55 * spot(p, (0.0, 0.43), (0.13, 0.07))
        + 0.30 * spot(p, (0.0, 1.12), (0.14, 0.08))
        + 0.35 * spot(p, (0.33, -0.04), (0.15, 0.07), mirror=True)
        + 0.30 * spot(p, (0.16, 0.03), (0.03, 0.04), mirror=True)
    ) * person.blush_strength
    return np.asarray(colour * (1 - np.clip(where, 0, 1)[..., None] * (1 - tint(person.blush))), dtype=np.float32)


def oil(p: Patch) -> Array:
    """Where skin shines."""
    return np.asarray(
        0.35
        + 0.9 * spot(p, (0.0, 0.25), (0.06, 0.25))
        + 0.9 * spot(p, (0.0, 0.42), (0.07, 0.06))
        + 0.5 * spot(p, (0.0, -0.42), (0.35, 0.15))
        + 0.6 * spot(p, (0.47, 0.24), (0.12, 0.07), mirror=True)
        + 0.4 * spot(p, (0.0, 1.12), (0.10, 0.07)),
        dtype=np.float32,
    )


def details(p: Patch, person: Person, colour: Array) -> Array:
    """What a relief cannot say: the dark of the nostrils, the crease round the wings, the shade under the lip."""
    n = person.nose
    nostril = spot(p, (0.082, n.base_y - 0.020), (0.027, 0.0115), turn=-0.30, mirror=True)
    round_wing = trace([(n.wing[0] - 0.01, n.base_y - 0.01), (n.wing[0] + 0.052, n.wing[1] + 0.035),
                        (n.wing[0] + 0.056, n.wing[1] - 0.015), (n.wing[0] + 0.022, n.wing[1] - 0.062)],
                       40)  # fmt: skip
    crease = both(p, round_wing, 0.010)
    under = spot(p, (0.0, n.base_y + 0.012), (0.12, 0.016))
    out = colour * (1 - 0.80 * smoothstep(0.30, 0.95, nostril)[..., None] * (1 - tint((66, 22, 16))))
    out = out * (1 - 0.42 * crease[..., None] * (1 - tint((120, 50, 34))))
    out = out * (1 - 0.22 * under[..., None] * (1 - tint((130, 66, 48))))
    lip = spot(p, (0.0, person.mouth.bottom[0][1] + 0.022), (0.10, 0.020))
    return np.asarray(out * (1 - 0.25 * lip[..., None] * (1 - tint((130, 60, 44)))), dtype=np.float32)


def both(p: Patch, points: Array, softness: float) -> Array:
    """A soft line and its mirror image, 1 in the middle and tapering at its ends."""
    total = np.zeros(p.x.shape, dtype=np.float32)
    taper = np.sin(np.linspace(0, np.pi, len(points))) ** 0.6
    for (x, y), strength in zip(points, taper, strict=True):
        total = np.maximum(total, strength * spot(p, (float(x), float(y)), (softness, softness), mirror=True))
    return blur(total, 0.003 * p.unit)
