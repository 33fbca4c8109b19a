"""Lines of a cue as masks of their letters, with the place of each word: shaped by HarfBuzz, ordered by FriBiDi."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, features

from avatarium.engine.captions.bidi import in_visual_order
from avatarium.engine.watermark import fonts
from avatarium.engine.watermark.fonts import Face
from avatarium.errors import TextError

Mask = NDArray[np.uint8]
"""How much of each pixel is covered, ``(height, width)``, 0 to 255."""

PITCH = 1.28
"""Of the font size: from one baseline to the next."""
_BASELINE = 0.36
"""Of the font size: how far the baseline lies below the middle of the line, half of what capitals are high."""
_SMALLEST = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Lettering:
    """In which letters a text is set."""

    face: Face
    size: int
    """Of the font, in pixels."""
    language: str = ""
    backward: bool = False
    """Whether the text runs from right to left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Letters of one font, and where they begin."""

    text: str
    start: int
    """Where in the line it begins."""
    x: float
    font: ImageFont.FreeTypeFont
    direction: str | None
    """``rtl`` or ``ltr``; None where the text needs no ordering."""

    def width_to(self, end: int) -> float:
        """How far its first ``end`` letters reach, along the way in which it runs."""
        return self.font.getlength(self.text[:end], direction=self.direction) if end > 0 else 0.0

    @property
    def width(self) -> float:
        """Of all its letters."""
        return self.width_to(len(self.text))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SetLine:
    """A line whose letters have their places; x counts from its left end."""

    text: str
    pieces: tuple[Piece, ...]
    width: float

    def reach_of(self, start: int, end: int) -> tuple[float, float]:
        """From where to where the characters ``start`` to ``end`` lie, left to right."""
        edges = [edge for piece in self.pieces for edge in _edges(piece, start, end)]
        return (min(edges), max(edges)) if edges else (0.0, 0.0)


def _edges(piece: Piece, start: int, end: int) -> tuple[float, ...]:
    first, last = max(start - piece.start, 0), min(end - piece.start, len(piece.text))
    if first >= last:
        return ()
    near, far = piece.width_to(first), piece.width_to(last)
    if piece.direction == "rtl":
        return piece.x + piece.width - far, piece.x + piece.width - near
    return piece.x + near, piece.x + far


def set_line(text: str, lettering: Lettering) -> SetLine:
    """Give the letters of a line their places.

    Raises:
        TextError: ``text_shaping``, or ``text_glyphs``: no font has a letter of it (see :func:`settable`).
        AssetError: a font cannot be fetched.
    """
    check_shaping(text)
    if lettering.backward or any(fonts.runs_right_to_left(character) for character in text):
        return _set_both_ways(text, lettering)
    pieces: list[Piece] = []
    x, at = 0.0, 0
    for run in fonts.runs(text, lettering.face, lettering.language):
        piece = Piece(text=run.text, start=at, x=x, font=_font(run.face, lettering.size), direction=None)
        pieces.append(piece)
        x, at = x + piece.width, at + len(run.text)
    return SetLine(text=text, pieces=tuple(pieces), width=x)


def check_shaping(text: str) -> None:
    """Refuse letters that join or change places where the library that arranges them is missing.

    Raises:
        TextError: ``text_shaping``.
    """
    if fonts.needs_shaping(text) and not features.check("raqm"):
        raise TextError(
            "Letters of these captions join or run from right to left, and this machine lacks the library FriBiDi that "
            "arranges them. Install it (the package libfribidi0), or leave the captions out of the picture.",
            code="text_shaping",
        )


def _set_both_ways(text: str, lettering: Lettering) -> SetLine:
    pieces: list[Piece] = []
    x, arabic = 0.0, fonts.arabic_face(text, lettering.language)
    for part in in_visual_order(text, backward=lettering.backward):
        direction = "rtl" if part.backward else "ltr"
        x += _blank(lettering) if part.spaced else 0.0
        face = arabic if fonts.is_arabic(part.text) else lettering.face
        made, at = list(fonts.runs(part.text, face, lettering.language)), part.start
        starts = [at + sum(len(run.text) for run in made[:i]) for i in range(len(made))]
        placed = list(zip(made, starts, strict=True))
        for run, start in reversed(placed) if part.backward else placed:
            piece = Piece(text=run.text, start=start, x=x, font=_font(run.face, lettering.size), direction=direction)
            pieces.append(piece)
            x += piece.width
    return SetLine(text=text, pieces=tuple(pieces), width=x)


def _blank(lettering: Lettering) -> float:
    return _font(lettering.face, lettering.size).getlength(" ")


def _font(face: Face, size: int) -> ImageFont.FreeTypeFont:
    return fonts.load(face, size, features.check("raqm"))


def settable(text: str, language: str = "") -> str:
    """A text without what no font can draw, and without control characters.

    Raises:
        AssetError: a font cannot be fetched.
    """
    kept = (cluster for cluster in fonts.clusters(text) if cluster.isspace() or _drawable(cluster, text))
    return " ".join("".join(kept).split())


def _drawable(cluster: str, text: str) -> bool:
    return cluster.isprintable() and fonts.can_set(cluster, text)


def fitting_size(lines: Sequence[str], lettering: Lettering, width: float, height: float) -> int:
    """The size at which lines fit into ``width`` by ``height`` pixels, at most the wanted one."""
    widest = max(set_line(line, lettering).width for line in lines)
    scale = min(1.0, width / max(widest, 1.0), height / (len(lines) * PITCH * lettering.size))
    return max(_SMALLEST, math.floor(lettering.size * scale))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawn:
    """A line's letters as masks of one size, room around them included."""

    letters: Mask
    thick: Mask
    """The same letters, thicker by the outline."""


def draw_line(line: SetLine, *, room: int, rows: int, baseline: float, rim: float) -> Drawn:
    """The masks of a line, ``rows`` high, its left end at column ``room``.

    Args:
        baseline: row on which the letters stand.
        rim: how far the outline reaches, in pixels; 0 for none.
    """
    size = (math.ceil(line.width) + 2 * room, rows)
    letters = _mask(line, size, room, baseline, 0.0)
    return Drawn(letters=letters, thick=_mask(line, size, room, baseline, rim) if rim > 0 else letters)


def _mask(line: SetLine, size: tuple[int, int], left: float, baseline: float, stroke: float) -> Mask:
    image = Image.new("L", size)
    draw = ImageDraw.Draw(image)
    for piece in line.pieces:
        draw.text(
            (left + piece.x, baseline),
            piece.text,
            fill=255,
            font=piece.font,
            anchor="ls",
            direction=piece.direction,
            stroke_width=stroke,
        )
    return np.asarray(image)


def baseline_of(middle: float, size: int) -> float:
    """The row on which letters stand in a line whose middle is given; whole, so that edges are crisp."""
    return round(middle + _BASELINE * size)
