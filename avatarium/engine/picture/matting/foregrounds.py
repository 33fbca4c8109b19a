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
SOLID = 4
"""Power of alpha that weighs colours: mixed pixels tell little of either side."""
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
    target = np.array(part, np.uint8, order="C")
    _explain(part, share, _resized(person, share), _resized(back, share), target)
    out[top:bottom, left:right] = target
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
    """Where the person is at all."""
    there = alpha > 0.003
    rows, columns = np.nonzero(there.any(1))[0], np.nonzero(there.any(0))[0]
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


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
    share = alpha[..., None]
    mine, theirs = alpha**SOLID, (1 - alpha) ** SOLID
    first, second = picture if person is None else person, picture if ground is None else ground
    colours = cv2.blur(first * mine[..., None], size) / (cv2.blur(mine, size)[..., None] + 1e-5)
    behind = (
        known
        if known is not None
        else cv2.blur(second * theirs[..., None], size) / (cv2.blur(theirs, size)[..., None] + 1e-5)
    )
    off = picture - share * colours - (1 - share) * behind
    return np.clip(colours + share * off, 0, 255).astype(np.float32), np.asarray(behind, np.float32)


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator]
def _explain(picture: Image, alpha: Alpha, person: Colours, ground: Colours, out: Image) -> None:
    """Move the guessed colours so that, mixed by alpha, they give the picture."""
    height, width = alpha.shape
    for y in range(height):
        for x in range(width):
            a = alpha[y, x]
            if a >= 0.995:
                continue
            for k in range(3):
                off = picture[y, x, k] - a * person[y, x, k] - (1 - a) * ground[y, x, k]
                out[y, x, k] = np.uint8(min(max(person[y, x, k] + a * off + 0.5, 0.0), 255.0))


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
