"""The person's own colours at soft edges, so that no rim of the old ground shines on a new one."""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from avatarium.engine.picture.matting.kinds import Alpha, Colours, Image

SMALL_ROUNDS, LARGE_ROUNDS = 10, 3
LARGE = 40
"""Sides up to which a level counts as small."""
COARSE, FINE = 4, 2
"""How much a frame is shrunk for the colours of the surroundings, and for those nearby."""
NEAR_PX = 6
SMOOTH = 5e-3
GRADIENT = 0.1


def pure_foreground(picture: Image, alpha: Alpha) -> Image:
    """The person's own colours, also where the ground shines through; for stills.

    Fast multi-level foreground estimation (Germer, Uelwer, Conrad and Harmeling 2020): colours of person and ground
    are solved for together from the coarsest level down. Where nobody is, the colours of the nearest of the person go
    on, so that layers may be scaled and warped. RGB ``(H, W, 3)`` in and out.
    """
    person, ground = _solve_levels(picture.astype(np.float32), np.clip(alpha, 0, 1).astype(np.float32))
    solid = (alpha > 0.995)[..., None]
    return np.clip(np.where(solid, picture, person).round(), 0, 255).astype(np.uint8)


def foreground(frame: Image, alpha: Alpha, ground: Image | None = None) -> Image:
    """As :func:`pure_foreground`, fast enough for video.

    Args:
        frame: RGB ``(H, W, 3)``.
        alpha: of the frame.
        ground: what stands behind the person, where that is known; else it is guessed from around (blur fusion,
            Forte 2021).
    """
    box = _soft_box(alpha)
    if box is None:
        return frame.copy()
    left, top, right, bottom = box
    part, share = frame[top:bottom, left:right], np.ascontiguousarray(alpha[top:bottom, left:right])
    behind = None if ground is None else ground[top:bottom, left:right]
    wide = max(3, round(max(alpha.shape) / 14 / COARSE))
    person, back = _fused(*_shrunk(part, share, behind, COARSE), wide)
    seen, small, known = _shrunk(part, share, behind, FINE)
    person, back = _resized(person, small), _resized(back, small)
    person, back = _fused(seen, small, known, NEAR_PX // FINE + 1, person, back)
    out = frame.copy()
    _explain(part, share, person, back, out[top:bottom, left:right])
    return out


def _shrunk(part: Image, alpha: Alpha, ground: Image | None, by: int) -> tuple[Colours, Alpha, Colours | None]:
    size = max(2, part.shape[1] // by), max(2, part.shape[0] // by)
    seen, share = (cv2.resize(layer, size, interpolation=cv2.INTER_AREA) for layer in (part, alpha))
    known = None if ground is None else cv2.resize(ground, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    return seen.astype(np.float32), np.asarray(share, np.float32), known


def _resized(colours: Colours, like: Alpha) -> Colours:
    size = like.shape[1], like.shape[0]
    return np.asarray(cv2.resize(colours, size, interpolation=cv2.INTER_LINEAR), np.float32)


def _soft_box(alpha: Alpha) -> tuple[int, int, int, int] | None:
    """Where the person is at all; its sides are whole numbers of the coarsest pixels, as far as the picture is."""
    left, top, width, height = cv2.boundingRect((alpha > 0.003).astype(np.uint8))
    if not width:
        return None
    left, top, right, bottom = left // COARSE, top // COARSE, -(-(left + width) // COARSE), -(-(top + height) // COARSE)
    return left * COARSE, top * COARSE, min(right * COARSE, alpha.shape[1]), min(bottom * COARSE, alpha.shape[0])


def _fused(
    picture: Colours,
    alpha: Alpha,
    known: Colours | None,
    radius: int,
    person: Colours | None = None,
    ground: Colours | None = None,
) -> tuple[Colours, Colours]:
    """One round: colours about each pixel, weighted by how much they are the person's, moved to explain the picture."""
    size = (2 * radius + 1, 2 * radius + 1)
    first, second = picture if person is None else person, picture if ground is None else ground
    mine, theirs = np.empty((2, *alpha.shape, 4), np.float32)
    _weigh(first, second, alpha, mine, theirs)
    mine = np.asarray(cv2.blur(mine, size), np.float32)
    if known is None:
        theirs = np.asarray(cv2.blur(theirs, size), np.float32)
    else:
        theirs = np.dstack([known, np.ones_like(alpha)])
    person, ground = np.empty((2, *picture.shape), np.float32)
    _unweighed(picture, alpha, mine, theirs, person, ground)
    return person, ground


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator]
def _weigh(first: Colours, second: Colours, alpha: Alpha, mine: Colours, theirs: Colours) -> None:
    """Colours by the fourth power of each side's share, and that power in a fourth channel."""
    for y in range(alpha.shape[0]):
        for x in range(alpha.shape[1]):
            a = alpha[y, x] * alpha[y, x]
            b = (1 - alpha[y, x]) * (1 - alpha[y, x])
            a, b = a * a, b * b
            for k in range(3):
                mine[y, x, k] = first[y, x, k] * a
                theirs[y, x, k] = second[y, x, k] * b
            mine[y, x, 3], theirs[y, x, 3] = a, b


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator]
def _unweighed(
    picture: Colours, alpha: Alpha, mine: Colours, theirs: Colours, person: Colours, ground: Colours
) -> None:
    """The person's colours, moved to explain the picture, and the ground's."""
    least = np.float32(1e-5)
    for y in range(alpha.shape[0]):
        for x in range(alpha.shape[1]):
            a = alpha[y, x]
            by, per = 1 / (mine[y, x, 3] + least), 1 / (theirs[y, x, 3] + least)
            for k in range(3):
                colour, behind = mine[y, x, k] * by, theirs[y, x, k] * per
                off = picture[y, x, k] - a * colour - (1 - a) * behind
                person[y, x, k] = min(max(colour + a * off, np.float32(0)), np.float32(255))
                ground[y, x, k] = behind


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator]
def _explain(picture: Image, alpha: Alpha, person: Colours, ground: Colours, out: Image) -> None:
    """Move the guessed colours, which are told smaller, so that, mixed by alpha, they give the picture."""
    height, width = alpha.shape
    rows, columns = person.shape[:2]
    down, across, half = np.float32(rows / height), np.float32(columns / width), np.float32(0.5)
    for y in range(height):
        v = min(max((y + half) * down - half, np.float32(0)), np.float32(rows - 1))
        above = int(v)
        below, sunk = min(above + 1, rows - 1), v - np.float32(int(v))
        near = min(int((y + half) * down), rows - 1)
        for x in range(width):
            a = alpha[y, x]
            if a >= 0.995:
                continue
            if a <= 0:
                beside = min(int((x + half) * across), columns - 1)
                for k in range(3):
                    out[y, x, k] = np.uint8(person[near, beside, k] + half)
                continue
            u = min(max((x + half) * across - half, np.float32(0)), np.float32(columns - 1))
            left = int(u)
            right, part = min(left + 1, columns - 1), u - np.float32(int(u))
            for k in range(3):
                one = person[above, left, k] + (person[above, right, k] - person[above, left, k]) * part
                two = person[below, left, k] + (person[below, right, k] - person[below, left, k]) * part
                colour = one + (two - one) * sunk
                one = ground[above, left, k] + (ground[above, right, k] - ground[above, left, k]) * part
                two = ground[below, left, k] + (ground[below, right, k] - ground[below, left, k]) * part
                behind = one + (two - one) * sunk
                off = picture[y, x, k] - a * colour - (1 - a) * behind
                out[y, x, k] = np.uint8(min(max(colour + a * off + half, np.float32(0)), np.float32(255)))


def _mean_of(picture: Colours, where: NDArray[np.bool_]) -> Colours:
    return np.asarray((picture[where] if where.any() else picture.reshape(-1, 3)).mean(0)[None, None], np.float32)


def _solve_levels(picture: Colours, alpha: Alpha) -> tuple[Colours, Colours]:
    height, width = alpha.shape
    levels = max(1, int(np.ceil(np.log2(max(height, width)))))
    person, ground = _mean_of(picture, alpha > 0.9), _mean_of(picture, alpha < 0.1)
    for level in range(1, levels + 1):
        size = max(1, round(width ** (level / levels))), max(1, round(height ** (level / levels)))
        seen = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST), np.float32)
        share = np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_NEAREST), np.float32)
        person = np.ascontiguousarray(cv2.resize(person, size, interpolation=cv2.INTER_NEAREST), np.float32)
        ground = np.ascontiguousarray(cv2.resize(ground, size, interpolation=cv2.INTER_NEAREST), np.float32)
        rounds = SMALL_ROUNDS if max(size) <= LARGE else LARGE_ROUNDS
        for _ in range(rounds):
            _relax(seen, share, person.reshape(size[1], size[0], 3), ground.reshape(size[1], size[0], 3))
    return person, ground


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator]
def _relax(picture: Colours, alpha: Alpha, person: Colours, ground: Colours) -> None:
    """One round of Gauss and Seidel: colours agree with the picture and with their neighbours, most across edges."""
    height, width = alpha.shape
    for y in range(height):
        for x in range(width):
            a = alpha[y, x]
            total = np.float32(0)
            weights = np.zeros(4, np.float32)
            for n in range(4):
                v = min(max(y + (n == 0) - (n == 1), 0), height - 1)
                u = min(max(x + (n == 2) - (n == 3), 0), width - 1)
                weights[n] = SMOOTH + GRADIENT * abs(a - alpha[v, u])
                total += weights[n]
            f, g = a * a + total, (1 - a) * (1 - a) + total
            cross = a * (1 - a)
            scale = 1 / (f * g - cross * cross)
            for k in range(3):
                to_f, to_g = a * picture[y, x, k], (1 - a) * picture[y, x, k]
                for n in range(4):
                    v = min(max(y + (n == 0) - (n == 1), 0), height - 1)
                    u = min(max(x + (n == 2) - (n == 3), 0), width - 1)
                    to_f += weights[n] * person[v, u, k]
                    to_g += weights[n] * ground[v, u, k]
                person[y, x, k] = min(max((g * to_f - cross * to_g) * scale, 0.0), 255.0)
                ground[y, x, k] = min(max((f * to_g - cross * to_f) * scale, 0.0), 255.0)
