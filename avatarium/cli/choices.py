"""Options as people write them, turned into what the engine takes."""

from __future__ import annotations

import codecs
import re
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from avatarium.errors import OptionError, TextError

if TYPE_CHECKING:
    from avatarium.engine.video.framing import Ground

Choice = TypeVar("Choice", bound=Enum)

COLOURS = {
    **{"black": (0, 0, 0), "white": (255, 255, 255), "grey": (128, 128, 128), "gray": (128, 128, 128)},
    **{"green": (0, 177, 64), "blue": (0, 71, 187), "navy": (16, 32, 64), "red": (178, 34, 34)},
    **{"beige": (235, 225, 205), "teal": (0, 110, 110), "lightgrey": (211, 211, 211), "lightgray": (211, 211, 211)},
}
"""Green and blue are those of chroma-key screens."""
_HEX = re.compile(r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})")
_LONGEST_TEXT_BYTES = 4 * 100_000 + 1024
"""More than this holds more characters than are spoken, whatever they are; the engine then says so."""


def choice(kind: type[Choice], written: str, noun: str) -> Choice:
    """A member of an enum by its value.

    Raises:
        OptionError: ``unknown_`` and the noun.
    """
    for member in kind:
        if member.value == written.strip().lower():
            return member
    known = ", ".join(str(member.value) for member in kind)
    raise OptionError(f"There is no {noun} {written!r}. Choose one of {known}.", code=f"unknown_{noun}")


def ground(written: str) -> Ground:
    """A background: ``#rrggbb``, the name of a colour, or the path of a picture.

    Raises:
        OptionError: ``unknown_background``, it is none of these.
        PictureError: it is a picture that cannot be read.
    """
    from avatarium.engine.picture import read_picture

    plain = written.strip().lower()
    if plain in COLOURS:
        return COLOURS[plain]
    if (digits := _HEX.fullmatch(plain)) and (plain.startswith("#") or not Path(written).exists()):
        value = digits[1] if len(digits[1]) == 6 else "".join(2 * digit for digit in digits[1])
        return int(value[:2], 16), int(value[2:4], 16), int(value[4:], 16)
    if not Path(written).suffix and not Path(written).exists():
        raise OptionError(
            f"There is no background {written!r}. Write a colour as #rrggbb or as one of {', '.join(COLOURS)}, "
            "give the path of a picture or video, or write blur.",
            code="unknown_background",
        )
    return read_picture(written).over()


BLUR, BLURRED = "blur", 0.5
"""The word for the own ground out of focus, and how far it is."""


def behind(written: str | None) -> dict[str, Any]:
    """What stands behind somebody, as ``SpeakOptions`` take it: ``blur``, a video, or what :func:`ground` takes.

    Raises:
        OptionError, PictureError: as :func:`ground`.
    """
    from avatarium.engine.filmed import is_clip

    if written is None:
        return {}
    if written.strip().lower() == BLUR:
        return {"blur": BLURRED}
    return {"film": Path(written)} if is_clip(written) else {"background": ground(written)}


def text_of(text: str | None, file: str | None) -> str:
    """The text given directly or in a file, ``-`` for standard input; UTF-8, or UTF-16 with its mark.

    Raises:
        TextError: ``text_missing``, ``text_unreadable`` or ``text_encoding``.
    """
    if text is not None:
        return text
    data, name = _bytes_of(file or "")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        # What is too long was cut off, maybe inside a character.
        decoded = decoder.decode(data, final=len(data) < _LONGEST_TEXT_BYTES)
    except UnicodeDecodeError as problem:
        raise TextError(f"{name} is no text in UTF-8. Save it as UTF-8 plain text.", code="text_encoding") from problem
    if "\0" in decoded:
        raise TextError(f"{name} is no text. Save it as UTF-8 plain text.", code="text_encoding")
    return decoded


def _bytes_of(file: str) -> tuple[bytes, str]:
    from avatarium.engine.files import open_regular

    if file == "-":
        return sys.stdin.buffer.read(_LONGEST_TEXT_BYTES), "What came in"
    with open_regular(file, error=TextError, noun="text") as opened:
        return opened.read(_LONGEST_TEXT_BYTES), Path(file).name


def exactly_one(**given: object) -> None:
    """Refuse none and more than one of these options.

    Raises:
        OptionError: ``text_or_audio``.
    """
    names = ["--" + name.replace("_", "-") for name in given]
    if sum(value is not None for value in given.values()) != 1:
        listed = f"{', '.join(names[:-1])} or {names[-1]}"
        raise OptionError(f"Give exactly one of {listed}.", code="text_or_audio")


def human_size(count: int) -> str:
    """Bytes for people."""
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"
