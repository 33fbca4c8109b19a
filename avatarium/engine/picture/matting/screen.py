"""Green and blue screens: found by themselves, keyed by colour difference, their light taken off the person.

The key is Vlahos's colour difference: how far the screen's channel stands above the two others tells how much of the
screen is in a pixel. What the screen looks like is estimated for every place of every frame, since no screen is lit
evenly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.picture.matting.foregrounds import foreground
from avatarium.engine.picture.matting.kinds import Alpha, Colour, Colours, Image
from avatarium.engine.picture.matting.unmixing import spread, unmix

GREEN, BLUE = 1, 2
LOOK_SIDE = 160
MIN_EXCESS = 34.0
"""Levels by which a screen's channel stands above the others."""
MIN_SATURATION = 0.30
MIN_COVER = 0.22
"""Share of the frame that the screen fills."""
MIN_BORDER = 0.5
"""Share of the upper and side edges that it fills."""
MAX_SPREAD = 0.11
"""Spread of its colour (share of each channel) over the frame; walls and sky vary more in colour or are paler."""
HIGHEST = 0.96
"""Above it is nothing but the person."""
OWN = 0.4
"""Share of the screen's excess that a person's clothes may have."""
KEY_SIDE = 480
"""Longer side at which the screen's own colour is estimated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """A screen of one colour behind a person."""

    channel: int
    """1 for green, 2 for blue."""
    colour: Colour
    """Its colour in the middle of its range."""

    @classmethod
    def of_colour(cls, colour: Colour) -> Self | None:
        """The screen of a colour that a caller names; None for one that is no screen's colour."""
        for channel in (GREEN, BLUE):
            excess = colour[channel] - max(value for n, value in enumerate(colour) if n != channel)
            if excess > MIN_EXCESS and excess > MIN_SATURATION * colour[channel]:
                return cls(channel=channel, colour=colour)
        return None


def find_screen(frames: Sequence[Image]) -> Screen | None:
    """The green or blue screen that fills the ground of all of these frames, or None."""
    found = [_screen_of(frame) for frame in frames]
    channels = {screen.channel for screen in found if screen is not None}
    if not found or None in found or len(channels) != 1:
        return None
    middle = np.median([screen.colour for screen in found if screen is not None], axis=0)
    red, green, blue = (int(value) for value in middle.round())
    return Screen(channel=channels.pop(), colour=(red, green, blue))


def key_screen(frame: Image, screen: Screen, *, shape: Alpha | None = None) -> tuple[Alpha, Image]:
    """Alpha and the person's own colours, free of the screen and of its light.

    Args:
        frame: RGB, ``(H, W, 3)``.
        screen: as found.
        shape: a rough mask of the person, where there is one: it closes holes inside and drops what stands about
            outside, such as lamps and the screen's edge.

    Returns:
        Alpha ``(H, W)``, 0..1, and RGB ``(H, W, 3)``.
    """
    picture = frame.astype(np.float32)
    excess = _excess(picture, screen.channel)
    ground, depth = _screen_here(picture, excess, screen)
    person, own = _deep_inside(picture, excess, depth, shape)
    raw = 1 - (_calmed(excess, frame) - own) / np.maximum(depth - own, 12)
    low = _lowest(raw, excess, depth)
    alpha = np.clip((raw - low) / (HIGHEST - low), 0, 1).astype(np.float32)
    alpha = _unmixed(picture, alpha, person, ground)
    if shape is not None:
        alpha = _guarded(alpha, shape)
    return alpha, _without_screen(frame, alpha, ground, own, screen.channel)


def _screen_of(frame: Image) -> Screen | None:
    shrink = min(1.0, LOOK_SIDE / max(frame.shape[:2]))
    small = cv2.resize(frame, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA).astype(np.float32)
    for channel in (GREEN, BLUE):
        excess = _excess(small, channel)
        there = (excess > MIN_EXCESS) & (excess > MIN_SATURATION * small[..., channel])
        if there.mean() < MIN_COVER or _along_edges(there) < MIN_BORDER:
            continue
        inside = cv2.erode(there.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        colours = small[inside] if inside.any() else small[there]
        share = colours / colours.sum(1, keepdims=True)
        if float(share.std(0).max()) < MAX_SPREAD * float(share.mean(0)[channel]) * 1.5:
            red, green, blue = (int(value) for value in np.median(colours, axis=0).round())
            return Screen(channel=channel, colour=(red, green, blue))
    return None


def _along_edges(there: NDArray[np.bool_]) -> float:
    rows = there.shape[0] * 2 // 3
    return float(np.concatenate([there[:2].ravel(), there[:rows, :2].ravel(), there[:rows, -2:].ravel()]).mean())


def _excess(picture: Colours, channel: int) -> NDArray[np.float32]:
    """How far the channel stands above the larger of the others."""
    others = [n for n in range(3) if n != channel]
    return np.asarray(picture[..., channel] - np.maximum(picture[..., others[0]], picture[..., others[1]]), np.float32)


def _screen_here(picture: Colours, excess: NDArray[np.float32], screen: Screen) -> tuple[Colours, NDArray[np.float32]]:
    """The screen's colour and excess at every place, also behind the person."""
    height, width = excess.shape
    shrink = min(1.0, KEY_SIDE / max(height, width))
    size = max(8, round(width * shrink)), max(8, round(height * shrink))
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)
    over = _excess(small, screen.channel)
    plain = over[over > MIN_EXCESS / 2]
    usual = max(MIN_EXCESS, float(np.percentile(plain, 60)) if plain.size else 0.0)
    pure = (over > 0.6 * usual).astype(np.uint8)
    inner = cv2.erode(pure, np.ones((5, 5), np.uint8)).astype(np.float32)
    weight = cv2.GaussianBlur(inner, (0, 0), 1.2) * inner
    if weight.sum() < 20:
        flat = np.broadcast_to(np.asarray(screen.colour, np.float32), picture.shape)
        return np.asarray(flat), np.full_like(excess, float(_excess(flat[:1, :1], screen.channel)[0, 0]))
    known = cv2.GaussianBlur(spread(small, np.asarray(weight, np.float32)), (0, 0), 2.0)
    ground = np.asarray(cv2.resize(known, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    return ground, _excess(ground, screen.channel)


def _calmed(excess: NDArray[np.float32], frame: Image) -> NDArray[np.float32]:
    """Excess without the blocks and rings of coded chroma, its edges kept where the brightness has them."""
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    calm = cv2.ximgproc.guidedFilter(grey, excess, 2, 40.0)
    return np.asarray(0.5 * excess + 0.5 * calm, np.float32)


def _deep_inside(
    picture: Colours, excess: NDArray[np.float32], depth: NDArray[np.float32], shape: Alpha | None
) -> tuple[Colours, NDArray[np.float32]]:
    """The person's colours, and what of the screen's colour is their own, as in a navy jacket: carried to the edge."""
    person = (excess < OWN * depth).astype(np.float32) if shape is None else (shape > 0.9).astype(np.float32)
    size = max(2, person.shape[1] // 4), max(2, person.shape[0] // 4)
    small = np.asarray(cv2.resize(person, size, interpolation=cv2.INTER_AREA), np.float32)
    reach = max(2, round(0.02 * max(size)))
    deep = np.asarray(cv2.erode(small, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)), np.float32)
    seen = spread(np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32), deep)
    own = cv2.resize(np.clip(excess, 0, OWN * depth), size, interpolation=cv2.INTER_AREA).astype(np.float32)
    known = spread(np.repeat(own[..., None], 3, axis=2), deep)[..., 0]
    full = excess.shape[1], excess.shape[0]
    colours = np.asarray(cv2.resize(seen, full, interpolation=cv2.INTER_LINEAR), np.float32)
    return colours, np.asarray(cv2.resize(known, full, interpolation=cv2.INTER_LINEAR), np.float32)


def _unmixed(picture: Colours, alpha: Alpha, person: Colours, ground: Colours) -> Alpha:
    """Skin has less of the screen's colour than grey has, so the difference alone takes its edges for too solid."""
    out = np.empty_like(alpha)
    band = ((alpha > 0.02) & (alpha < HIGHEST)).astype(np.float32)
    reach = np.asarray(cv2.dilate(band, np.ones((5, 5), np.uint8)), np.float32) * (alpha > 0.02)
    unmix(picture, person, ground, ground, np.zeros_like(alpha), alpha, reach.astype(np.float32), out)
    return np.asarray(np.clip(out / HIGHEST, 0, 1), np.float32)


def _lowest(raw: NDArray[np.float32], excess: NDArray[np.float32], depth: NDArray[np.float32]) -> float:
    """Below it is nothing but screen with its noise."""
    screen = raw[::3, ::3][(excess > 0.75 * depth)[::3, ::3]]
    low = float(np.percentile(screen, 99)) if screen.size > 50 else 0.1
    return min(max(low, 0.04), 0.30)


def _guarded(alpha: Alpha, shape: Alpha) -> Alpha:
    """No holes deep inside the person, no lamps far outside."""
    reach = max(3, round(0.02 * max(alpha.shape)))
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    core = cv2.blur(np.asarray(cv2.erode(np.clip((shape - 0.9) / 0.08, 0, 1), kernel)), (reach, reach))
    far = cv2.blur(np.asarray(cv2.dilate(np.clip(shape / 0.15, 0, 1), np.ones((4 * reach + 1,) * 2, np.uint8))), (9, 9))
    return np.asarray(np.maximum(alpha, core) * np.clip(far, 0, 1), np.float32)


def _without_screen(frame: Image, alpha: Alpha, ground: Colours, own: NDArray[np.float32], channel: int) -> Image:
    """The person's share of each pixel, and of that what the screen's light did not add.

    The screen's channel is held to the larger of the others and the person's own excess: skin and fair hair, whose red
    is above their green, stay as they are, and nothing turns magenta. A part of the light is given back as grey.
    """
    behind = np.clip(ground.round(), 0, 255).astype(np.uint8)
    pure = foreground(frame, alpha, behind).astype(np.float32)
    others = [n for n in range(3) if n != channel]
    spill = np.maximum(pure[..., channel] - np.maximum(pure[..., others[0]], pure[..., others[1]]) - own, 0)
    pure[..., channel] -= spill
    pure += (spill * 0.15)[..., None]
    return np.asarray(np.clip(pure.round(), 0, 255), np.uint8)
