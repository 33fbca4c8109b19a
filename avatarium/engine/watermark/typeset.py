"""Setting lines of text into a mask: wrapped and made smaller until they fit."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from avatarium.engine.watermark import fonts
from avatarium.engine.watermark.fonts import Run
from avatarium.errors import TextError

Mask = NDArray[np.uint8]
"""How much of each pixel is covered, ``(height, width)``, 0 to 255."""

REACH = 0.24
"""Of the font size: what is kept free on every side of the text, for its outline and shadow."""
_LINE_HEIGHT = 1.25
_SMALLEST = 6
"""Below, letters cannot be read."""
_RATHER_SHRINK = 0.75
"""A line that fits at this much of its size is not wrapped."""
_STEP = 0.93


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """Text that was set."""

    mask: Mask
    fontsize: int
    lines: tuple[str, ...]


def set_text(lines: tuple[str, ...], fontsize: int, *, width: int, height: int, align: str) -> Block:
    """Set lines at a size, or the largest smaller one at which they fit into ``width`` by ``height`` with ``REACH``.

    Args:
        align: "left", "center" or "right".

    Raises:
        TextError: ``text_glyphs``, ``text_shaping``, or ``text_no_room``: it does not fit at six pixels either.
        AssetError: a font cannot be fetched.
    """
    if any(fonts.needs_shaping(line) for line in lines):
        fonts.check_shaping()
    size = min(fontsize, max(_SMALLEST, height))
    one_line_each = _size_for(lines, size, width)
    if one_line_each >= _RATHER_SHRINK * size and _fits(lines, one_line_each, height):
        return _drawn(lines, one_line_each, align)
    while size >= min(_SMALLEST, fontsize):
        room = width - 2 * REACH * size
        wrapped = tuple(part for line in lines for part in _wrapped(line, size, room))
        if _fits(wrapped, size, height) and max(_width(line, size) for line in wrapped) <= room:
            return _drawn(wrapped, size, align)
        size = min(size - 1, round(size * _STEP))
    raise TextError(
        f"The text does not fit into {width} x {height} pixels in letters that can be read. Shorten it.",
        code="text_no_room",
    )


def _size_for(lines: tuple[str, ...], size: int, width: int) -> int:
    """The largest size, up to ``size``, at which no line is too wide."""
    widest = max(_width(line, size) for line in lines) + 2 * REACH * size
    return size if widest <= width else int(size * width / widest)


def _fits(lines: tuple[str, ...], size: int, height: int) -> bool:
    return size >= 1 and (len(lines) * _LINE_HEIGHT + 2 * REACH) * size <= height


def _width(line: str, size: int) -> float:
    return sum(_font(run, size).getlength(run.text) for run in fonts.runs(line))


def _font(run: Run, size: int) -> ImageFont.FreeTypeFont:
    return fonts.load(run.face, size, fonts.needs_shaping(run.text))


def _wrapped(line: str, size: int, width: float) -> list[str]:
    """Break at spaces and between ideographs; inside a word only where it alone is too wide."""
    made = [""]
    for unit in _units(line):
        if _width_of(made[-1] + unit, size) <= width or not made[-1].strip():
            made[-1] += unit
        else:
            made.append(unit.lstrip())
        made[-1:] = _broken(made[-1], size, width)
    return [part.strip() for part in made if part.strip()]


def _width_of(text: str, size: int) -> float:
    return _width(text.rstrip(), size) if text.strip() else 0.0


def _units(line: str) -> list[str]:
    """Words with the space after them; ideographs one by one."""
    units: list[str] = []
    for cluster in fonts.clusters(line):
        joins = units and not units[-1][-1].isspace() and not (fonts.is_cjk(cluster) or fonts.is_cjk(units[-1][-1]))
        if units and (joins or cluster.isspace()):
            units[-1] += cluster
        else:
            units.append(cluster)
    return units


def _broken(word: str, size: int, width: float) -> list[str]:
    if _width_of(word, size) <= width:
        return [word]
    parts = [""]
    for cluster in fonts.clusters(word):
        if parts[-1] and _width_of(parts[-1] + cluster, size) > width:
            parts.append("")
        parts[-1] += cluster
    return parts


def _drawn(lines: tuple[str, ...], size: int, align: str) -> Block:
    """Every line on its baseline, with room around for what letters reach beyond their line."""
    widths = [_width(line, size) for line in lines]
    step, room = round(size * _LINE_HEIGHT), size
    image = Image.new("L", (int(max(widths)) + 2 * room, step * len(lines) + 2 * room))
    draw = ImageDraw.Draw(image)
    share = {"left": 0.0, "center": 0.5, "right": 1.0}[align]
    for number, (line, width) in enumerate(zip(lines, widths, strict=True)):
        x = room + (max(widths) - width) * share
        for run in _in_visual_order(line):
            font = _font(run, size)
            draw.text((x, room + number * step + size), run.text, fill=255, font=font, anchor="ls")
            x += font.getlength(run.text)
    return Block(mask=_trimmed(np.asarray(image)), fontsize=size, lines=lines)


def _in_visual_order(line: str) -> list[Run]:
    """From left to right. Inside a run HarfBuzz and FriBiDi do it; here runs of different fonts are put in order."""
    made = list(fonts.runs(line))
    if len(made) == 1 or not fonts.runs_right_to_left(line):
        return made
    groups = [list(group) for _, group in groupby(made, lambda run: fonts.runs_right_to_left(run.text))]
    return [run for group in reversed(groups) for run in (group[::-1] if _backward(group) else group)]


def _backward(group: list[Run]) -> bool:
    return fonts.runs_right_to_left(group[0].text)


def _trimmed(mask: Mask) -> Mask:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        raise TextError("Nothing of the text can be seen. Give at least one letter.", code="text_empty")
    return np.ascontiguousarray(mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
