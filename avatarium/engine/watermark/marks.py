"""What is put into a picture or a video, and where: the records, checked when they are made."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from avatarium.errors import OptionError, TextError

MAX_CHARACTERS = 500
MIN_FONT_SIZE, MAX_FONT_SIZE = 4, 2000
MIN_SCALE, MAX_SCALE = 0.05, 20.0
_KEPT_FORMATS = ("\u200c", "\u200d")


class Position(StrEnum):
    """Where the mark lies; ``Position("Top-Left")`` is understood too."""

    TOP_LEFT = "top_left"
    TOP = "top"
    TOP_RIGHT = "top_right"
    LEFT = "left"
    CENTER = "center"
    RIGHT = "right"
    BOTTOM_LEFT = "bottom_left"
    BOTTOM = "bottom"
    BOTTOM_RIGHT = "bottom_right"
    TILE = "tile"
    """Slanted and repeated over the whole picture."""

    @classmethod
    def parse(cls, text: str) -> Position:
        """The position that a word names, in any common spelling.

        Raises:
            OptionError: ``position_unknown``.
        """
        word = re.sub(r"(?<=[a-z])(?=[A-Z])|[\s\-]+", "_", text.strip()).lower()
        word = re.sub(r"_(center|centre|middle)$|^(center|centre|middle)_", "", word)
        word = "center" if word in ("centre", "middle") else word
        try:
            return cls(word)
        except ValueError:
            known = ", ".join(cls)
            raise OptionError(
                f"There is no position {text!r}. Choose one of {known}.", code="position_unknown"
            ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMark:
    """Words over the picture.

    Raises:
        TextError: ``text_empty`` (nothing that can be seen) or ``text_too_long`` (over 500 characters).
        OptionError: ``fontsize_range`` or ``fontcolor_range``.
    """

    text: str
    """In any script; line breaks are kept."""
    fontsize: int = 48
    """Height of the letters' line in pixels of the result; less where the text would not fit."""
    fontcolor: tuple[int, int, int, int] = (255, 255, 255, 200)
    """Red, green, blue and opacity, 0 to 255."""
    position: Position = Position.BOTTOM_RIGHT

    def __post_init__(self) -> None:
        if not self.lines:
            raise TextError("The watermark has no text. Give at least one letter.", code="text_empty")
        if len(self.text) > MAX_CHARACTERS:
            raise TextError(
                f"The watermark has {len(self.text)} characters; at most {MAX_CHARACTERS} are taken. Shorten it.",
                code="text_too_long",
            )
        if not MIN_FONT_SIZE <= self.fontsize <= MAX_FONT_SIZE:
            raise OptionError(
                f"A font size of {self.fontsize} is not offered. Use {MIN_FONT_SIZE} to {MAX_FONT_SIZE} pixels.",
                code="fontsize_range",
            )
        if len(self.fontcolor) != 4 or not all(0 <= part <= 255 for part in self.fontcolor) or not self.fontcolor[3]:
            raise OptionError(
                "The font colour must be four numbers of 0 to 255, red, green, blue and opacity, the opacity not 0.",
                code="fontcolor_range",
            )

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines that are seen, in composed letters (NFC) and without control characters."""
        found = (_visible(line) for line in self.text.splitlines())
        return tuple(line for line in found if line)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoMark:
    """A picture over the picture, its clear parts kept.

    Raises:
        OptionError: ``scale_range`` or ``opacity_range``.
    """

    path: Path
    position: Position = Position.BOTTOM_RIGHT
    scale_ratio: float = 1.0
    """At 1 the logo fits into a box of 0.35 by 0.18 of the picture's short side; never larger than the picture."""
    opacity: float = 1.0

    def __post_init__(self) -> None:
        if not MIN_SCALE <= self.scale_ratio <= MAX_SCALE:
            raise OptionError(
                f"A scale of {self.scale_ratio:g} is not offered. Use {MIN_SCALE:g} to {MAX_SCALE:g}; "
                "1 is the usual size.",
                code="scale_range",
            )
        if not 0 < self.opacity <= 1:
            raise OptionError("The opacity must be more than 0 and at most 1.", code="opacity_range")


Mark = TextMark | LogoMark


def _visible(line: str) -> str:
    spaced = " ".join(unicodedata.normalize("NFC", line).split())
    kept = "".join(
        c for c in spaced if c in _KEPT_FORMATS or not (unicodedata.category(c)[0] == "C" or "\ufe00" <= c <= "\ufe0f")
    )
    return kept.strip().strip("".join(_KEPT_FORMATS))
