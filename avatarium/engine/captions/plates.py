"""A cue as it is laid over the picture: box, shadow, outline and letters in one piece of premultiplied colour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.captions import typesetting
from avatarium.engine.captions.bidi import runs_backward
from avatarium.engine.captions.faces import face_of
from avatarium.engine.captions.style import OF_LINES, Border, CaptionStyle, Rgba
from avatarium.engine.captions.typesetting import PITCH, Drawn, Lettering, SetLine
from avatarium.engine.video.framing import Size

Image = NDArray[np.uint8]
Share = NDArray[np.float32]

MARGIN = 0.05
"""Of width and height: what is kept free at the edges (EBU R 95, graphics safe area)."""
_TALLEST = 0.5
"""Of the height: what a cue may take."""
_RIM, _RIM_IN_BOX = 0.07, 0.045
"""Of the font size: how far outlines reach."""
_SHADOW_OFF, _SHADOW_SPREAD = 0.05, 0.045
_BESIDE, _ABOVE, _ROUND = 0.42, 0.16, 0.22
"""Of the font size: what a box keeps free beside and above the letters, and how round its corners are."""
_REACH = 0.3
"""Of the font size: room for what letters, outline and shadow reach beyond their line."""

Mark = tuple[int, int, int]
"""Number of a line, and from which to which of its characters."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plate:
    """Pixels and where their upper left corner goes."""

    x: int
    y: int
    colours: Image
    """RGB, multiplied by the opacity."""
    kept: Image
    """How much of what is behind is kept, 0 to 255, once for each of the three colours."""

    def lay_over(self, frame: Image) -> None:
        """Lay it over an RGB frame, or an RGBA one of straight alpha, in place."""
        rows, columns = self.colours.shape[:2]
        behind = frame[self.y : self.y + rows, self.x : self.x + columns]
        if frame.shape[2] == 3:
            dimmed = cv2.multiply(behind, self.kept, scale=1 / 255)
            cv2.add(dimmed, self.colours, dst=dimmed)
            behind[:] = dimmed
            return
        kept = self.kept[..., :1].astype(np.float32) / 255
        cover = behind[..., 3:].astype(np.float32) / 255 * kept
        whole = cover + 1 - kept
        mixed = (self.colours + behind[..., :3] * cover) / np.maximum(whole, 1e-6)
        touched = self.kept[..., 0] < 255
        behind[touched] = np.rint(np.concatenate((mixed, whole * 255), axis=2))[touched]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """A cue whose letters have their places in a frame of one size."""

    style: CaptionStyle
    frame: Size
    lettering: Lettering
    lines: tuple[SetLine, ...]

    @classmethod
    def of(cls, lines: Sequence[str], style: CaptionStyle, frame: Size) -> Layout | None:
        """Lay a cue out, smaller where it would not fit; None where it has no lines.

        Args:
            lines: of letters that there are fonts for (see :func:`typesetting.settable`).

        Raises:
            TextError: ``text_shaping``.
            AssetError: a font cannot be fetched.
        """
        if not lines:
            return None
        size = max(1, round(style.size * min(frame.width, frame.height) / OF_LINES))
        lettering = Lettering(
            face=face_of(style.font), size=size, language=style.language, backward=runs_backward(" ".join(lines))
        )
        fitting = typesetting.fitting_size(lines, lettering, *room_in(frame, size))
        lettering = replace(lettering, size=fitting)
        made = tuple(typesetting.set_line(line, lettering) for line in lines)
        return cls(style=style, frame=frame, lettering=lettering, lines=made)

    def draw(self, lit: Sequence[Mark] = ()) -> Plate:
        """The cue's picture, with some of its characters in the colour of the highlight."""
        size, count = self.lettering.size, len(self.lines)
        room, pitch = math.ceil(_REACH * size + _BESIDE * size), round(PITCH * size)
        over = math.ceil(_REACH * size)
        width = math.ceil(max(line.width for line in self.lines)) + 2 * room
        canvas = _Canvas(width, count * pitch + 2 * over)
        rim = max(0.75, (_RIM if self.style.border is Border.OUTLINE else _RIM_IN_BOX) * size)
        drawn = [self._line(number, canvas, pitch, over, room, rim) for number in range(count)]
        self._boxes(canvas, drawn, pitch, over)
        for place, masks in drawn:
            canvas.shade(place, masks.thick, self.style.shadow, size)
        for place, masks in drawn:
            canvas.cover(place, masks.thick, self.style.rim)
        for number, (place, masks) in enumerate(drawn):
            # Letters that are lit are laid once, in one colour: laid over others, their edges would be thicker.
            shining = self._shining(number, masks.letters, lit, room)
            canvas.cover(place, np.where(shining, 0, masks.letters), self.style.letters)
            canvas.cover(place, np.where(shining, masks.letters, 0), self.style.highlight)
        x, y = (self.frame.width - width) // 2, self._top(count, pitch, over)
        return canvas.plate(x, y, self.frame)

    def _line(
        self, number: int, canvas: _Canvas, pitch: int, over: int, room: int, rim: float
    ) -> tuple[tuple[int, int], Drawn]:
        """A line's masks and the corner at which they go onto the canvas."""
        line, rows = self.lines[number], pitch + 2 * over
        baseline = typesetting.baseline_of(over + pitch / 2, self.lettering.size)
        stroke = rim if self.style.rim[3] else 0.0
        masks = typesetting.draw_line(line, room=room, rows=rows, baseline=baseline, rim=stroke)
        return ((canvas.width - masks.letters.shape[1]) // 2, number * pitch), masks

    def _boxes(self, canvas: _Canvas, drawn: Sequence[tuple[tuple[int, int], Drawn]], pitch: int, over: int) -> None:
        size, colour = self.lettering.size, self.style.box
        if not colour[3]:
            return
        beside, above, radius = _BESIDE * size, min(_ABOVE * size, over), _ROUND * size
        middle = canvas.width / 2
        if self.style.border is Border.BLOCK:
            half = max(line.width for line in self.lines) / 2 + beside
            canvas.box(middle - half, over - above, middle + half, over + len(drawn) * pitch + above, radius, colour)
            return
        shares = [np.zeros((canvas.height, canvas.width), np.float32)]
        for number, line in enumerate(self.lines):
            half, top = line.width / 2 + beside, over + number * pitch
            shares.append(
                canvas.rounded(middle - half, top - above / 2, middle + half, top + pitch + above / 2, radius)
            )
        canvas.lay(np.maximum.reduce(shares), colour)  # where two boxes meet, the picture is dimmed once

    def _shining(self, number: int, letters: Image, lit: Sequence[Mark], room: int) -> NDArray[np.bool_]:
        """Which columns of a line are lit."""
        columns = np.zeros(letters.shape[1], np.bool_)
        for line, start, end in lit:
            if line == number:
                left, right = self.lines[number].reach_of(start, end)
                columns[max(room + math.floor(left), 0) : room + math.ceil(right)] = True
        return columns

    def _top(self, count: int, pitch: int, over: int) -> int:
        """The row of the canvas: the line next to the edge stays at its place, however many lines there are."""
        height, wanted = self.frame.height, self.style.position * self.frame.height
        tall = count * pitch
        top = wanted + pitch / 2 - tall if self.style.position >= 0.5 else wanted - pitch / 2
        edge = MARGIN * height + _ABOVE * self.lettering.size
        return round(min(max(top, edge), height - edge - tall)) - over


def room_in(frame: Size, size: int) -> tuple[float, float]:
    """Width and height that the letters of a cue may take in a frame, at a font size."""
    return frame.width * (1 - 2 * MARGIN) - 2 * _BESIDE * size, frame.height * _TALLEST


class _Canvas:
    """Layers laid over each other, colours multiplied by their opacity."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._colours: Share = np.zeros((height, width, 3), np.float32)
        self._opacity: Share = np.zeros((height, width, 1), np.float32)

    def lay(self, share: Share, colour: Rgba) -> None:
        """Lay a colour over everything, as far as it covers each pixel, 0 to 1."""
        own = share[..., None] * np.float32(colour[3] / 255)
        self._colours *= 1 - own
        self._colours += own * np.array(colour[:3], np.float32)
        self._opacity *= 1 - own
        self._opacity += own

    def cover(self, place: tuple[int, int], mask: Image, colour: Rgba) -> None:
        """Lay a mask in a colour, its corner at ``place``."""
        if colour[3]:
            self.lay(self._placed(place, mask), colour)

    def shade(self, place: tuple[int, int], mask: Image, colour: Rgba, size: int) -> None:
        """Lay the shadow that a mask casts to the lower right."""
        if colour[3]:
            off = max(1, round(_SHADOW_OFF * size))
            share = self._placed((place[0] + off, place[1] + off), mask)
            self.lay(cv2.GaussianBlur(share, (0, 0), max(0.6, _SHADOW_SPREAD * size)).astype(np.float32), colour)

    def box(self, left: float, top: float, right: float, bottom: float, radius: float, colour: Rgba) -> None:
        """Lay a box with round corners."""
        self.lay(self.rounded(left, top, right, bottom, radius), colour)

    def rounded(self, left: float, top: float, right: float, bottom: float, radius: float) -> Share:
        """How much of each pixel a box with round corners covers, by its distance from the box's edge."""
        x = np.arange(self.width, dtype=np.float32) + 0.5
        y = np.arange(self.height, dtype=np.float32)[:, None] + 0.5
        across = np.abs(x - (left + right) / 2) - ((right - left) / 2 - radius)
        down = np.abs(y - (top + bottom) / 2) - ((bottom - top) / 2 - radius)
        outside = np.hypot(np.maximum(across, 0), np.maximum(down, 0)) + np.minimum(np.maximum(across, down), 0)
        share: Share = np.clip(0.5 + radius - outside, 0, 1)
        return share

    def plate(self, x: int, y: int, frame: Size) -> Plate:
        """What there is, cut to what covers anything and lies in the frame."""
        seen = self._opacity[..., 0] > 0.5 / 255
        rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
        if not len(rows):
            rows = columns = np.zeros(1, np.intp)
        top, bottom = max(int(rows[0]), -y), min(int(rows[-1]) + 1, frame.height - y)
        left, right = max(int(columns[0]), -x), min(int(columns[-1]) + 1, frame.width - x)
        part = (slice(top, bottom), slice(left, right))
        kept = np.rint(255 * (1 - self._opacity[part])).astype(np.uint8)
        return Plate(
            x=x + left,
            y=y + top,
            colours=np.rint(np.minimum(self._colours[part], 255)).astype(np.uint8),
            kept=np.ascontiguousarray(np.repeat(kept, 3, axis=2)),
        )

    def _placed(self, place: tuple[int, int], mask: Image) -> Share:
        share = np.zeros((self.height, self.width), np.float32)
        rows, columns = min(mask.shape[0], self.height - place[1]), min(mask.shape[1], self.width - place[0])
        part = mask[:rows, :columns]
        share[place[1] : place[1] + rows, place[0] : place[0] + columns] = part * np.float32(1 / 255)
        return share
