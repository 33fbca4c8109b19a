"""Sizes of videos, and fitting a picture of any shape into one: cropped around the face, padded or over a blur."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.errors import OptionError

SHORTEST_SIDE = 480
TALLEST_SHORT_SIDE = 2160
LONGEST_SIDE = 3840
DEFAULT_SHORT_SIDE = 720

_ADVICE = 'Write it as "720p", "1280x720", "square", "9:16" or "9:16@1080p".'
_NAMES = {
    "landscape": "16:9",
    "wide": "16:9",
    "portrait": "9:16",
    "vertical": "9:16",
    "square": "1:1",
    "hd": "16:9@720p",
    "fullhd": "16:9@1080p",
    "4k": "16:9@2160p",
}
_PIXELS = re.compile(r"(\d{1,5})\s*[x×*]\s*(\d{1,5})")
_RATIO = re.compile(r"(?:(\d{1,2}):(\d{1,2}))?@?(?:(\d{3,4})p)?")


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height of a video in pixels, both even."""

    width: int
    height: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a size as people write it.

        ``"1280x720"`` is taken as it is. ``"720p"`` is 16:9 of that height. ``"9:16"``, ``"4:5"``, ``"1:1"``,
        ``"16:9"``, "square", "portrait" and "landscape" have a short side of 720, or what follows an @:
        ``"9:16@1080p"``.

        Raises:
            OptionError: ``size_unknown``, ``size_odd`` or ``size_range``.
        """
        plain = text.strip().lower()
        plain = _NAMES.get(plain, plain)
        if pixels := _PIXELS.fullmatch(plain):
            return cls._checked(int(pixels[1]), int(pixels[2]))
        ratio = _RATIO.fullmatch(plain)
        if not plain or ratio is None or "0" in (ratio[1], ratio[2]):
            raise OptionError(f"There is no size {text!r}. {_ADVICE}", code="size_unknown")
        shape = Fraction(int(ratio[1] or 16), int(ratio[2] or 9))
        short = int(ratio[3] or DEFAULT_SHORT_SIDE)
        long = round(short * max(shape, 1 / shape) / 2) * 2
        return cls._checked(*((long, short) if shape >= 1 else (short, long)))

    @classmethod
    def _checked(cls, width: int, height: int) -> Self:
        short, long = sorted((width, height))
        if not (short >= SHORTEST_SIDE and short <= TALLEST_SHORT_SIDE and long <= LONGEST_SIDE):
            raise OptionError(
                f"A video of {width}x{height} is not offered: the shorter side must have {SHORTEST_SIDE} to "
                f"{TALLEST_SHORT_SIDE} pixels and the longer at most {LONGEST_SIDE}.",
                code="size_range",
            )
        if width % 2 or height % 2:
            even = f"{width + width % 2}x{height + height % 2}"
            raise OptionError(f"A video of {width}x{height} has odd sides. Use {even}.", code="size_odd")
        return cls(width, height)

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


class Fit(Enum):
    """What to do with a picture whose shape is not the video's."""

    CROP = "crop"
    """Fill the video and cut what does not fit, keeping the face."""
    PAD = "pad"
    """Show all of it, the rest in a colour or over a picture."""
    BLUR = "blur"
    """Show all of it, the rest filled with the picture itself, enlarged and blurred."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A part of a picture in pixels; right and bottom are outside it."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a part of the picture lies in the video: ``out = (point - source) * scale + target``."""

    source_x: int
    source_y: int
    source_width: int
    source_height: int
    target_x: int
    target_y: int
    target_width: int
    target_height: int

    @property
    def scale(self) -> tuple[float, float]:
        """Pixels of the video for a pixel of the picture, across and down; equal but for rounding."""
        return self.target_width / self.source_width, self.target_height / self.source_height

    def to_video(self, points: NDArray[np.float32] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Points of the picture, shape ``(..., 2)``, as they lie in the video."""
        moved = (np.asarray(points, np.float64) - (self.source_x, self.source_y)) * self.scale
        return np.asarray(moved + (self.target_x, self.target_y), np.float64)

    def seen(self, size: Size) -> tuple[int, int, int, int]:
        """What of the video it covers: left, top, right and bottom."""
        right, bottom = self.target_x + self.target_width, self.target_y + self.target_height
        return max(self.target_x, 0), max(self.target_y, 0), min(right, size.width), min(bottom, size.height)

    def covers(self, size: Size) -> bool:
        """Whether nothing of the ground is seen."""
        return (self.target_width, self.target_height) == (size.width, size.height)


_HEADROOM = 0.55
"""Above the face box, in its heights: forehead to crown is about a third of it, then some air."""
_BELOW = 0.5
_FACE_AT = 0.44
"""Where the middle of the face lies from the top of a cropped picture; eyes then sit near the upper third."""
_MARGIN = 0.06
"""A face that fits is shown whole, with this share of its height around it."""
_BROWS_TO_CHIN = 0.62
"""Middle between brows and chin from the top of the face box: what a window that is too low for the face shows."""
_UPPER = 0.3
"""Without a face: how much of what is cut is cut at the top."""


def place(width: int, height: int, size: Size, fit: Fit, *, face: Box | None = None) -> Placement:
    """Where a picture of ``width`` by ``height`` goes in a video of ``size``.

    ``Fit.CROP`` keeps ``face`` inside with room above the hair and shoulders below, as far as the picture reaches.
    """
    if fit is Fit.CROP:
        return _cropped(width, height, size, face)
    scale = min(size.width / width, size.height / height)
    inner_width = min(size.width, max(2, round(width * scale / 2) * 2))
    inner_height = min(size.height, max(2, round(height * scale / 2) * 2))
    return Placement(
        source_x=0,
        source_y=0,
        source_width=width,
        source_height=height,
        target_x=(size.width - inner_width) // 2,
        target_y=(size.height - inner_height) // 2,
        target_width=inner_width,
        target_height=inner_height,
    )


def _cropped(width: int, height: int, size: Size, face: Box | None) -> Placement:
    scale = max(size.width / width, size.height / height)
    window_width = min(width, max(1, round(size.width / scale)))
    window_height = min(height, max(1, round(size.height / scale)))
    left, top = (width - window_width) / 2, (height - window_height) * _UPPER
    if face is not None:
        tall = face.bottom - face.top
        left = (face.left + face.right - window_width) / 2
        top = (face.top + face.bottom) / 2 - _FACE_AT * window_height
        # The chin and neck first, then the hair: where both cannot be had, a face without a chin is the worse loss.
        top = min(top, face.top - _HEADROOM * tall)
        top = max(top, min(face.bottom + _BELOW * tall, height) - window_height)
        if tall <= window_height:
            margin = min(_MARGIN * tall, (window_height - tall) / 2)
            top = max(min(top, face.top - margin), face.bottom + margin - window_height)
        else:
            top = face.top + _BROWS_TO_CHIN * tall - window_height / 2
    return Placement(
        source_x=round(min(max(left, 0), width - window_width)),
        source_y=round(min(max(top, 0), height - window_height)),
        source_width=window_width,
        source_height=window_height,
        target_x=0,
        target_y=0,
        target_width=size.width,
        target_height=size.height,
    )


Ground = tuple[int, int, int] | NDArray[np.uint8]
"""A plain RGB colour, or a picture ``uint8`` RGB ``(H, W, 3)`` of any size, which is cropped to fill."""
_BLUR_SHARE = 0.035
_BLUR_REDUCTION = 8
_BLUR_LIGHT = 0.65
"""The blurred ground is darkened, so that the picture stands out; television does the same."""


def fit_picture(
    rgb: NDArray[np.uint8], size: Size, fit: Fit, *, face: Box | None = None, ground: Ground = (0, 0, 0)
) -> NDArray[np.uint8]:
    """A picture ``uint8`` RGB ``(H, W, 3)`` in the size of the video; ``ground`` is seen with ``Fit.PAD`` only."""
    height, width = rgb.shape[:2]
    placement = place(width, height, size, fit, face=face)
    part = rgb[
        placement.source_y : placement.source_y + placement.source_height,
        placement.source_x : placement.source_x + placement.source_width,
    ]
    inner = _resized(part, placement.target_width, placement.target_height)
    if placement.covers(size):
        return inner
    made = blurred_ground(rgb, size) if fit is Fit.BLUR else make_ground(ground, size)
    bottom, right = placement.target_y + placement.target_height, placement.target_x + placement.target_width
    made[placement.target_y : bottom, placement.target_x : right] = inner
    return made


def make_ground(ground: Ground, size: Size) -> NDArray[np.uint8]:
    """A plain or pictured ground in the size of the video; a new array."""
    if isinstance(ground, tuple):
        return np.full((size.height, size.width, 3), ground, np.uint8)
    return fit_picture(ground, size, Fit.CROP)


def blurred_ground(rgb: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """The picture filling the video, blurred and darkened."""
    small = Size(max(2, size.width // _BLUR_REDUCTION), max(2, size.height // _BLUR_REDUCTION))
    filled = fit_picture(rgb, small, Fit.CROP)
    sigma = _BLUR_SHARE * min(small.width, small.height)
    soft = cv2.GaussianBlur(filled, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    # Resampled as float and rounded last: in eight bits the slow gradients of a blur show steps.
    large = cv2.resize(soft.astype(np.float32), (size.width, size.height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(np.rint(large * _BLUR_LIGHT), 0, 255), np.uint8)


def _resized(rgb: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    if rgb.shape[:2] == (height, width):
        return rgb.copy()
    smaller = width < rgb.shape[1]
    made = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)
    return np.asarray(made, np.uint8)
