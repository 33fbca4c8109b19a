"""Colours as people write them. Loads nothing, so that a request can be checked without the libraries of pictures."""

from __future__ import annotations

import math
import re

from avatarium.errors import OptionError

_RGB = re.compile(r"rgba?\(([^()]*)\)")
_HEX = re.compile(r"#?(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})")
_WHITE = 255.0


def parse_colour(text: str) -> tuple[int, int, int]:
    """A colour as CSS writes it: ``rgb(r,g,b)``, ``rgba(r,g,b,a)`` with a of 0 to 1, ``#rgb`` or ``#rrggbb``.

    Values may be percentages and separated by blanks; what is transparent lies over white.

    Raises:
        OptionError: ``colour_unknown``.
    """
    return _over_white(*_parsed(text))


def parse_clear_colour(text: str) -> tuple[int, int, int, int]:
    """As :func:`parse_colour`, with the opacity, 0 to 255, as the fourth number.

    Raises:
        OptionError: ``colour_unknown``.
    """
    levels, alpha = _parsed(text)
    red, green, blue = (round(level) for level in levels)
    return red, green, blue, round(255 * alpha)


def _parsed(text: str) -> tuple[list[float], float]:
    """Red, green and blue of 0 to 255, and opacity of 0 to 1."""
    plain = text.strip().lower()
    if _HEX.fullmatch(plain):
        return _of_hex(plain.removeprefix("#"))
    if call := _RGB.fullmatch(plain):
        parts = [part for part in re.split(r"[\s,/]+", call[1].strip()) if part]
        try:
            if len(parts) in (3, 4):
                return [_number(part, 255) for part in parts[:3]], _number((*parts, "1")[3], 1)
        except ValueError:
            pass
    raise OptionError(
        f"There is no colour {text!r}. Write it as rgb(255,255,255), rgba(255,255,255,1) or #ffffff.",
        code="colour_unknown",
    )


def _of_hex(digits: str) -> tuple[list[float], float]:
    whole = digits if len(digits) > 4 else "".join(2 * digit for digit in digits)
    values = [int(whole[i : i + 2], 16) for i in range(0, len(whole), 2)]
    return [float(v) for v in values[:3]], values[3] / 255 if len(values) > 3 else 1.0


def _number(text: str, full: float) -> float:
    value = float(text[:-1]) * full / 100 if text.endswith("%") else float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return min(max(value, 0.0), full)


def _over_white(levels: list[float], alpha: float) -> tuple[int, int, int]:
    red, green, blue = (round(level * alpha + _WHITE * (1 - alpha)) for level in levels)
    return red, green, blue
