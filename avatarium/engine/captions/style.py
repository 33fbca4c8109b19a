"""How captions look, in the words of SubStation Alpha that A2E's ``captionAlign`` uses. Loads nothing heavy."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Self

from avatarium.engine.colours import parse_clear_colour
from avatarium.errors import OptionError

Rgba = tuple[int, int, int, int]
"""Red, green, blue and opacity, 0 to 255."""

SMALLEST, LARGEST = 12, 240
"""Font sizes, of a picture whose short side has :data:`OF_LINES` pixels."""
OF_LINES = 1080
_BLACK = (0, 0, 0, 255)
_CLEAR = (0, 0, 0, 0)
_SHADE = (0, 0, 0, 150)
_ASS = re.compile(r"&h([0-9a-f]{2})?([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})&?")
_TAG = re.compile(r"[a-z]{2,3}(?:[-_][a-z0-9]{2,8})*")
_NUMBER = re.compile(r"([+-]?[0-9]*\.?[0-9]+)(?:px|pt)?")
_YES, _NO = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


class Border(IntEnum):
    """What sets the letters off from the picture, by the numbers of ``BorderStyle``."""

    OUTLINE = 1
    """An outline and a shadow."""
    LINES = 3
    """A box behind each line."""
    BLOCK = 4
    """One box behind all lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionStyle:
    """How captions look.

    Raises:
        OptionError: ``caption_fontsize`` or ``caption_position``.
    """

    language: str = ""
    """BCP 47 tag of what is said; empty where it is to be found out."""
    letters: Rgba = (255, 255, 255, 255)
    outline: Rgba | None = None
    """Round the letters; with :attr:`Border.LINES` the boxes' colour. None is black, and none at all in a box."""
    back: Rgba | None = None
    """Of the shadow, or of the box of :attr:`Border.BLOCK`. None is black that lets the picture through."""
    border: Border = Border.BLOCK
    font: str = ""
    """Name of a font; of one that there is not, the nearest that there is."""
    size: float = 42
    """Of a picture whose short side has 1080 pixels; smaller where the words would not fit."""
    position: float = 0.85
    """Where the lines are, 0 at the top and 1 at the bottom: the last line in the lower half, the first in the
    upper; never nearer to the edge than a twentieth."""
    karaoke: bool = False
    """Whether each word lights up while it is said."""
    highlight: Rgba = (255, 214, 10, 255)
    """In which colour."""

    def __post_init__(self) -> None:
        if not SMALLEST <= self.size <= LARGEST:
            raise OptionError(
                f"Captions of Fontsize {self.size:g} are not offered. Use {SMALLEST} to {LARGEST}; 42 is usual.",
                code="caption_fontsize",
            )
        if not 0 <= self.position <= 1:
            raise OptionError(
                f"There is no subtitle_position {self.position:g}. Use 0, the top, to 1, the bottom; 0.85 is usual.",
                code="caption_position",
            )

    @property
    def box(self) -> Rgba:
        """The colour of the box or boxes; clear where there is none."""
        if self.border is Border.BLOCK:
            return _SHADE if self.back is None else self.back
        if self.border is Border.LINES:
            return _SHADE if self.outline is None else self.outline
        return _CLEAR

    @property
    def rim(self) -> Rgba:
        """The colour of the letters' outline."""
        if self.border is Border.LINES:
            return _CLEAR
        if self.outline is None:
            return _BLACK if self.border is Border.OUTLINE else _CLEAR
        return self.outline

    @property
    def shadow(self) -> Rgba:
        """The colour of the letters' shadow."""
        if self.border is not Border.OUTLINE:
            return _CLEAR
        return _SHADE if self.back is None else self.back

    @classmethod
    def given(cls, fields: Mapping[str, Any]) -> Self:
        """Of the fields of a ``captionAlign``: their names in any spelling, numbers as texts too; what is empty or
        unknown is left out.

        Raises:
            OptionError: ``caption_colour``, ``caption_border``, ``caption_fontsize``, ``caption_position``,
                ``caption_language``, ``caption_karaoke``.
        """
        told: dict[str, Any] = {}
        for name, value in fields.items():
            field = _FIELDS.get(_plain(name))
            if field is None or value is None or (isinstance(value, str) and not value.strip()):
                continue
            told[field] = _READERS[field](name, value)
        return cls(**told)


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-]", "", name).lower().replace("color", "colour")


def _colour(name: str, value: Any) -> Rgba:
    """As CSS writes it, or ``&HAABBGGRR`` with 00 for opaque, as SubStation Alpha does."""
    text = str(value).strip()
    if found := _ASS.fullmatch(text.lower()):
        clear, blue, green, red = (int(part or "0", 16) for part in found.groups())
        return red, green, blue, 255 - clear
    try:
        return parse_clear_colour(text)
    except OptionError as problem:
        raise OptionError(
            f"`{name}`: there is no colour {text[:40]!r}. Write it as rgba(255,255,255,1), #ffffff or &H00FFFFFF.",
            code="caption_colour",
        ) from problem


def _number(name: str, value: Any, code: str) -> float:
    found = None if isinstance(value, bool) else _NUMBER.fullmatch(str(value).strip().lower())
    if found is None or not math.isfinite(float(found[1])):
        raise OptionError(f"`{name}`: {str(value)[:40]!r} is no number. Give one, or leave it out.", code=code)
    return float(found[1])


def _size(name: str, value: Any) -> float:
    return _number(name, value, "caption_fontsize")


def _position(name: str, value: Any) -> float:
    return _number(name, value, "caption_position")


def _border(name: str, value: Any) -> Border:
    try:
        number = float(str(value).strip())
        return Border(int(number) if number.is_integer() else -1)
    except ValueError:
        raise OptionError(
            f"`{name}`: there is no border {str(value)[:40]!r}. Choose 1, an outline; 3, a box behind each line; or 4, "
            "one box behind them all.",
            code="caption_border",
        ) from None


def _language(name: str, value: Any) -> str:
    text = str(value).strip()
    if text.lower() == "auto":
        return ""
    if not _TAG.fullmatch(text.lower()):
        raise OptionError(
            f"`{name}`: {text[:40]!r} is no language. Write it as en-US or el-GR, or leave it out.",
            code="caption_language",
        )
    return text.replace("_", "-")


def _font(name: str, value: Any) -> str:
    return str(value).strip()[:80]


def _flag(name: str, value: Any) -> bool:
    word = str(value).strip().lower()
    if word not in _YES + _NO:
        raise OptionError(f"`{name}` is either true or false, not {str(value)[:40]!r}.", code="caption_karaoke")
    return word in _YES


_FIELDS = {
    "language": "language",
    "primarycolour": "letters",
    "outlinecolour": "outline",
    "backcolour": "back",
    "borderstyle": "border",
    "fontname": "font",
    "fontsize": "size",
    "subtitleposition": "position",
    "karaoke": "karaoke",
    "highlightcolour": "highlight",
}
_READERS = {
    "language": _language,
    "letters": _colour,
    "outline": _colour,
    "back": _colour,
    "highlight": _colour,
    "border": _border,
    "font": _font,
    "size": _size,
    "position": _position,
    "karaoke": _flag,
}
