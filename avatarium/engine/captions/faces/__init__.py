"""The fonts of captions: which file is meant by a name."""

from __future__ import annotations

import re

from avatarium.engine.watermark.fonts import DEJAVU, Face

ARIMO = Face("", "captions/faces/Arimo-Bold.ttf")
"""Ships with the engine, so that captions need nothing fetched; its letters are as wide as Arial's."""
NOTO = Face("noto", "Sans.ttf")
SERIF = Face("dejavu-serif")
MONO = Face("dejavu-mono")

_NAMED = {
    "dejavusans": DEJAVU,
    "verdana": DEJAVU,
    "bitstreamverasans": DEJAVU,
    "tahoma": DEJAVU,
    "notosans": NOTO,
    "opensans": NOTO,
    "segoeui": NOTO,
}
_SERIF = re.compile(r"serif|times|georgia|garamond|palatino|cambria|roman|baskerville|bodoni|song|ming|mincho")
_SANS_SERIF = re.compile(r"sans")
_MONO = re.compile(r"mono|courier|consol|code|typewriter|menlo|fixed")


def face_of(name: str) -> Face:
    """The font that a name means; of one that there is not, the nearest that there is, and Arial's like for none."""
    plain = re.sub(r"[^a-z]", "", name.lower())
    if plain in _NAMED:
        return _NAMED[plain]
    if _MONO.search(plain):
        return MONO
    return SERIF if _SERIF.search(plain) and not _SANS_SERIF.search(plain) else ARIMO
