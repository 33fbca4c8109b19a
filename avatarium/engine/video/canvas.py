"""A canvas: where a person stands before a ground, laid out in units of the caller's own, as editors send it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.video.framing import LONGEST_SIDE, Fit, Ground, Size, fit_picture, make_ground
from avatarium.errors import OptionError

LOWEST_RESOLUTION, HIGHEST_RESOLUTION = 240, 2160
MOST_OBLONG = 8.0
"""A canvas or picture whose one side is longer than the other by more cannot be a video."""
SAME_SHAPE = 0.03
"""Layout units are whole numbers: a rectangle whose shape is the picture's within this share is the picture's."""
LARGEST_ENLARGEMENT = 3.0
"""Of the person's rectangle against the canvas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """A rectangle in layout units, its corner counted from the canvas's left top; it may hang over the edges."""

    x: float
    y: float
    width: float
    height: float

    @classmethod
    def given(cls, x: float, y: float, width: float, height: float) -> Self | None:
        """The rectangle, or None where a side of 0 or less says that there is none."""
        return cls(x=x, y=y, width=width, height=height) if width > 0 and height > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelBox:
    """A rectangle in whole pixels; right and bottom are outside it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top

    def meeting(self, other: PixelBox) -> PixelBox:
        """What both have in common; nothing where its width or height is not above 0."""
        return PixelBox(
            left=max(self.left, other.left),
            top=max(self.top, other.top),
            right=min(self.right, other.right),
            bottom=min(self.bottom, other.bottom),
        )

    def around(self, other: PixelBox) -> PixelBox:
        """The smallest that holds both."""
        return PixelBox(
            left=min(self.left, other.left),
            top=min(self.top, other.top),
            right=max(self.right, other.right),
            bottom=max(self.bottom, other.bottom),
        )

    def moved(self, x: int, y: int) -> PixelBox:
        """The same, by so many pixels to the right and down."""
        return PixelBox(left=self.left + x, top=self.top + y, right=self.right + x, bottom=self.bottom + y)

    @property
    def rows(self) -> slice:
        """To index an array with."""
        return slice(self.top, self.bottom)

    @property
    def columns(self) -> slice:
        """To index an array with."""
        return slice(self.left, self.right)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canvas:
    """How high a video is, and where in it the person and the ground lie.

    Without a ground the person's own picture fills the frame in its own shape, and only ``resolution`` counts. With
    one, or on a clear one, the person is cut out and drawn over it, the whole picture filling the rectangle ``person``.

    Raises:
        OptionError: ``resolution_range``, ``canvas_shape`` or ``canvas_rectangle``.
    """

    resolution: int = 1080
    """Height of the video in pixels, 240 to 2160, also of an upright one; the width follows. Where the longer side
    would have more than 3840 pixels, both are made smaller."""
    width: float = 0.0
    height: float = 0.0
    """Of the canvas in layout units; 0 gives it the shape of the person's picture."""
    person: Rectangle | None = None
    """Where the picture of the person lies. A rectangle of another shape is not filled: the picture keeps its own,
    stands on the rectangle's lower edge, in the middle. None: as large as the canvas allows, in the same way."""
    ground: Ground | None = None
    ground_at: Rectangle | None = None
    """Which part of the canvas a pictured ground fills, what is beside it being black. None: all of it."""

    def __post_init__(self) -> None:
        if not LOWEST_RESOLUTION <= self.resolution <= HIGHEST_RESOLUTION:
            raise OptionError(
                f"A resolution of {self.resolution} is not offered. Give the height of the video in pixels, "
                f"{LOWEST_RESOLUTION} to {HIGHEST_RESOLUTION}, such as 720 or 1080.",
                code="resolution_range",
            )
        sides = (self.width, self.height)
        if not all(math.isfinite(side) and side >= 0 for side in sides) or (min(sides) == 0 < max(sides)):
            raise OptionError(
                f"A canvas of {self.width:g} by {self.height:g} has no shape. Give both sides, or 0 for both.",
                code="canvas_shape",
            )
        for place in (self.person, self.ground_at):
            if place is not None:
                _check_rectangle(place)

    def size(self, picture_width: int, picture_height: int, *, clear: bool = False) -> Size:
        """Of the video, in pixels.

        Args:
            picture_width, picture_height: of the person's picture.
            clear: whether the person stands on the canvas though there is no ground.

        Raises:
            OptionError: ``canvas_shape``: it is too oblong.
        """
        width, height = self._layout(picture_width, picture_height, clear=clear)
        if max(width / height, height / width) > MOST_OBLONG:
            raise OptionError(
                f"A canvas of {width:g} by {height:g} is too long and narrow for a video. Use a squarer one.",
                code="canvas_shape",
            )
        pixels = min(self.resolution, LONGEST_SIDE * height / max(width, height))
        return Size(_even(pixels * width / height), _even(pixels))

    def person_box(self, size: Size, picture_width: int, picture_height: int, *, clear: bool = False) -> PixelBox:
        """Where the whole picture lies in a video of the size that :meth:`size` told, its edges at whole pixels.

        The arguments are those of :meth:`size`.

        Raises:
            OptionError: ``person_outside`` or ``person_too_large``.
        """
        width, height = self._layout(picture_width, picture_height, clear=clear)
        place = self.person or Rectangle(x=0, y=0, width=width, height=height)
        place = _fitted(place, picture_width / picture_height)
        box = _in_pixels(place, size, width, height)
        seen = box.meeting(frame_box(size))
        if min(seen.width, seen.height) <= 0:
            raise OptionError(
                "The avatar's rectangle lies outside the canvas. Move it so that the avatar is seen.",
                code="person_outside",
            )
        if box.width > LARGEST_ENLARGEMENT * size.width or box.height > LARGEST_ENLARGEMENT * size.height:
            raise OptionError(
                f"The avatar's rectangle is more than {LARGEST_ENLARGEMENT:g} times as large as the canvas. Make it "
                "smaller.",
                code="person_too_large",
            )
        return box

    def ground_picture(self, size: Size, picture_width: int, picture_height: int) -> NDArray[np.uint8]:
        """The ground in the size of the video, RGB ``(height, width, 3)``; black where there is none."""
        ground = (0, 0, 0) if self.ground is None else self.ground
        if isinstance(ground, tuple) or self.ground_at is None:
            return make_ground(ground, size)
        layout = self._layout(picture_width, picture_height)
        box = _in_pixels(self.ground_at, size, *layout)
        return _laid(ground, box, size)

    def _layout(self, picture_width: int, picture_height: int, *, clear: bool = False) -> tuple[float, float]:
        own = not self.width or (self.ground is None and not clear)
        return (float(picture_width), float(picture_height)) if own else (self.width, self.height)


def frame_box(size: Size) -> PixelBox:
    """All of a frame."""
    return PixelBox(left=0, top=0, right=size.width, bottom=size.height)


def _even(pixels: float) -> int:
    return max(2, round(pixels / 2) * 2)


def _check_rectangle(place: Rectangle) -> None:
    numbers = (place.x, place.y, place.width, place.height)
    if not all(math.isfinite(number) for number in numbers) or min(place.width, place.height) <= 0:
        raise OptionError(
            f"A rectangle of {place.width:g} by {place.height:g} at {place.x:g}, {place.y:g} holds nothing. Give "
            "a width and a height above 0.",
            code="canvas_rectangle",
        )


def _fitted(place: Rectangle, shape: float) -> Rectangle:
    """The largest part of a rectangle that has a shape, in the middle of its lower edge."""
    off = place.width / place.height / shape
    if abs(math.log(off)) <= SAME_SHAPE:
        return place
    width, height = min(place.width, place.height * shape), min(place.height, place.width / shape)
    return Rectangle(
        x=place.x + (place.width - width) / 2, y=place.y + place.height - height, width=width, height=height
    )


def _in_pixels(place: Rectangle, size: Size, width: float, height: float) -> PixelBox:
    """Each edge at the nearest pixel; never empty."""
    across, down = size.width / width, size.height / height
    left, top = _rounded(place.x * across), _rounded(place.y * down)
    right, bottom = _rounded((place.x + place.width) * across), _rounded((place.y + place.height) * down)
    return PixelBox(left=left, top=top, right=max(right, left + 1), bottom=max(bottom, top + 1))


def _rounded(pixels: float) -> int:
    """Halves upwards, so that rectangles that touch in the layout touch in the video."""
    return math.floor(pixels + 0.5)


def _laid(ground: NDArray[np.uint8], box: PixelBox, size: Size) -> NDArray[np.uint8]:
    """A picture filling a box, cropped to its shape, on black."""
    frame = np.zeros((size.height, size.width, 3), np.uint8)
    seen = box.meeting(frame_box(size))
    if min(seen.width, seen.height) > 0:
        part = seen.moved(-box.left, -box.top)
        frame[seen.rows, seen.columns] = fitting_part(ground, box, part)
    return frame


def fitting_part(ground: NDArray[np.uint8], box: PixelBox, part: PixelBox) -> NDArray[np.uint8]:
    """A part of what a picture looks like when it fills a box; the whole is never made if it is larger than needed."""
    small = Size(min(box.width, LONGEST_SIDE), min(box.height, LONGEST_SIDE))
    scale = min(small.width / box.width, small.height / box.height)
    small = Size(max(1, round(box.width * scale)), max(1, round(box.height * scale)))
    filled = fit_picture(ground, small, Fit.CROP)
    if scale == 1:
        return filled[part.rows, part.columns]
    matrix = np.array([[1 / scale, 0, 0.5 / scale - 0.5 - part.left], [0, 1 / scale, 0.5 / scale - 0.5 - part.top]])
    made = cv2.warpAffine(
        filled, matrix, (part.width, part.height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(made, np.uint8)
