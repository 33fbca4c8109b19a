"""Alpha of one pixel from its colour, when the colours of the person and of the ground about it are known.

A pixel on an edge is a mixture ``alpha * person + (1 - alpha) * ground``; its alpha is where its colour lies on the way
from one to the other. How far to believe it follows from how different the two are and how near to that way it lies.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from avatarium.engine.picture.matting.kinds import Alpha, Colours

APART = 45.0**2
"""Distance squared of person and ground at which the colour decides half; levels of 255."""
APART_KNOWN = 22.0**2
"""The same where the ground is known, not guessed from around."""
ASIDE = 2 * 20.0**2
"""How far from the way between both a mixture may lie, squared and doubled."""
NOISE = 2 * 9.0**2
"""How far from the known ground a pixel of it may lie."""
DARKEST, LIGHTEST = 0.62, 1.08
"""A shadow leaves this much of the ground's light, a reflection adds this much."""
SHADOW_COST = 0.22
STRANGE = 20.0
"""Levels from the known ground, its shadows allowed for, at which a pixel by the outline begins to be the person's."""


def spread(colours: Colours, weight: Alpha) -> Colours:
    """Colours where ``weight`` knows them, drawn out smoothly over everything else (push-pull pyramid)."""
    layers = np.dstack([colours * weight[..., None], weight])
    return _spread_level(layers)[..., :3]


def _spread_level(layers: NDArray[np.float32]) -> NDArray[np.float32]:
    """``layers`` are premultiplied RGB and weight; what comes back is RGB at full weight."""
    height, width = layers.shape[:2]
    out = np.empty_like(layers)
    if min(height, width) <= 2 or float(layers[..., 3].min()) > 0.999:
        _filled_up(layers, layers, np.float32(1), out)
        return out
    below = _spread_level(np.asarray(cv2.pyrDown(layers), np.float32))
    coarse = np.asarray(cv2.pyrUp(below, dstsize=(width, height)), np.float32)
    _filled_up(layers, coarse, np.float32(0), out)
    return out


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator]
def _filled_up(
    layers: NDArray[np.float32], coarse: NDArray[np.float32], least: np.float32, out: NDArray[np.float32]
) -> None:
    """What is known by its weight, ``least`` at least, over what is known of a coarser level."""
    tiny, none, whole = np.float32(1e-4), np.float32(0), np.float32(1)
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            share = min(max(layers[y, x, 3], none), whole)
            share, per = max(share, least), whole / max(layers[y, x, 3], tiny)
            for k in range(4):
                out[y, x, k] = coarse[y, x, k] + (layers[y, x, k] * per - coarse[y, x, k]) * share


@njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator]
def unmix(
    picture: Colours,
    person: Colours,
    around: Colours,
    plate: Colours,
    trust: Alpha,
    prior: Alpha,
    band: Alpha,
    out: Alpha,
) -> None:
    """Write alpha for every pixel.

    Args:
        picture: what is seen, RGB 0..255.
        person: the person's colours nearby.
        around: the ground's colours nearby.
        plate: the ground's own colours, as far as they are known.
        trust: 1 where ``plate`` was seen uncovered at this very place, 0 where it was not.
        prior: alpha by shape.
        band: how far colour may overrule shape, 0..1.
        out: filled.
    """
    height, width = prior.shape
    for y in range(height):
        for x in range(width):
            p, w, known = prior[y, x], band[y, x], trust[y, x]
            out[y, x] = p
            if w <= 0.0 and (known <= 0.0 or p <= 0.0 or p >= 0.99):
                continue
            apart, along, light, own = np.float32(0), np.float32(0), np.float32(0), np.float32(1)
            for k in range(3):
                ground = around[y, x, k] + known * (plate[y, x, k] - around[y, x, k])
                d = person[y, x, k] - ground
                apart += d * d
                along += (picture[y, x, k] - ground) * d
                light += picture[y, x, k] * ground
                own += ground * ground
            share = min(max(float(along / (apart + 1.0)), 0.0), 1.0)
            shade = min(max(float(light / own), DARKEST), LIGHTEST)
            aside, off = np.float32(0), np.float32(0)
            for k in range(3):
                ground = around[y, x, k] + known * (plate[y, x, k] - around[y, x, k])
                r = picture[y, x, k] - ground - share * (person[y, x, k] - ground)
                aside += r * r
                q = picture[y, x, k] - shade * ground
                off += q * q
            off += (SHADOW_COST * (1.0 - shade)) ** 2 * own
            told = apart / (apart + APART + known * (APART_KNOWN - APART))
            believed = told * math.exp(-aside / ASIDE)
            if share > p:  # what is to be added to the person must show plainly
                share = max(p, min((share - 0.3) / 0.6, 1.0))
                believed *= told
            a = p + w * believed * (share - p)
            other = min(max((math.sqrt(float(off)) - STRANGE) / STRANGE, 0.0), 1.0)
            a += known * w * other * (1.0 - believed) * (1.0 - a)
            core = min(max(float(p - 0.90) / 0.09, 0.0), 1.0)
            bare = known * apart / (apart + APART_KNOWN) * math.exp(-off / NOISE) * (1.0 - core)
            out[y, x] = a * (1.0 - bare)
