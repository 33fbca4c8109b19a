"""Which vertices of MediaPipe's 468-point face mesh are which part of a face.

Names say left and right as seen in the picture. Rows run from the left to the right of the picture, upper and lower
rows in step, so that ``zip(upper, lower)`` pairs the points that meet when a mouth or an eye shuts.
"""

from __future__ import annotations

from dataclasses import dataclass

VERTICES = 468
"""Vertices of the mesh proper; a refined detection appends ten iris points."""

EYE_OUTER_LEFT, EYE_OUTER_RIGHT = 33, 263
FOREHEAD, CHIN = 10, 152
LIP_UPPER_INNER, LIP_LOWER_INNER = 13, 14
MOUTH_LEFT, MOUTH_RIGHT = 61, 291
NOSE_BASE = (2, 97, 326)
NOSE_TIP = 1
IRIS_LEFT, IRIS_RIGHT = 468, 473

OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""Outline of the face, clockwise from the top."""

STABLE = (33, 263, 133, 362, 168, 6, 197, 195, 10, 151, 9, 8, 127, 356, 234, 454, 70, 300, 107, 336)
"""Points that speech does not move: what a head is aligned on."""

LIP_INNER_UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
LIP_INNER_LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
LIP_RINGS_UPPER = (
    (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291),
    (76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306),
    (62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292),
)
"""Rows of the upper lip from the skin to the mouth."""
LIP_RINGS_LOWER = (
    (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291),
    (76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306),
    (62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292),
)

BROWS = (
    (70, 63, 105, 66, 107, 46, 53, 52, 65, 55),
    (300, 293, 334, 296, 336, 276, 283, 282, 295, 285),
)
CHEEKS = (50, 280, 205, 425)
"""Flat skin whose brightness stands for the light on the face."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eye:
    """Rows of one eye from its outer to its inner corner."""

    upper: tuple[int, ...]
    lower: tuple[int, ...]
    crease: tuple[int, ...]
    """The seven points above the lid, without the corners."""
    socket: tuple[int, ...]
    """The seven points between crease and brow."""


EYES = (
    Eye(
        upper=(33, 246, 161, 160, 159, 158, 157, 173, 133),
        lower=(33, 7, 163, 144, 145, 153, 154, 155, 133),
        crease=(247, 30, 29, 27, 28, 56, 190),
        socket=(113, 225, 224, 223, 222, 221, 189),
    ),
    Eye(
        upper=(263, 466, 388, 387, 386, 385, 384, 398, 362),
        lower=(263, 249, 390, 373, 374, 380, 381, 382, 362),
        crease=(467, 260, 259, 257, 258, 286, 414),
        socket=(342, 445, 444, 443, 442, 441, 413),
    ),
)


def strip(upper: tuple[int, ...], lower: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Triangles of the hole between two rows; where the rows share a corner the empty triangle is left out."""
    quads = zip(upper[:-1], upper[1:], lower[:-1], lower[1:], strict=True)
    triangles = [t for a, b, c, d in quads for t in ((a, b, c), (b, d, c))]
    return [t for t in triangles if len(set(t)) == 3]
