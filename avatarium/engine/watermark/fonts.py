"""Which font draws which letter, and what of Unicode needs more than one glyph after the other.

The same text is set in the same fonts on every machine: fonts come from the manifest of the assets, never from the
system. The fonts beyond DejaVu are fetched when a text first wants them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path

from PIL import ImageFont, features

from avatarium.engine.assets import default_store
from avatarium.engine.assets.fonts import NOTO_SCRIPTS
from avatarium.errors import TextError

_ENGINE = Path(__file__).parents[1]
_BOLD = 700
_JOINER = "\u200d"
_NON_JOINER = "\u200c"
_KEYCAP = "\u20e3"
_CJK_FACES = {"ja": 0, "ko": 1, "zh": 2, "zh-tw": 3, "zh-hant": 3, "zh-hk": 4, "yue": 4}
"""The same Han letters as they are written in each language, by its number in the collection."""
_RTL = ("R", "AL", "AN")

# First and last code points of scripts whose letters change shape or order beside each other (Unicode 15, chapters
# 9, 12, 13 and 16). Thai and Lao marks are placed by the font.
_SHAPED = (
    (0x0590, 0x08FF),
    (0x0900, 0x0DFF),
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0xFB1D, 0xFDFF),
    (0xFE70, 0xFEFC),
)
_CJK = (
    (0x1100, 0x11FF),
    (0x2E80, 0x303F),
    (0x3040, 0x9FFF),
    (0xA960, 0xA97F),
    (0xAC00, 0xD7FF),
    (0xF900, 0xFAFF),
    (0xFE30, 0xFE4F),
    (0xFF00, 0xFFEF),
    (0x20000, 0x3FFFF),
)
_ARABIC = ((0x0600, 0x06FF), (0x0750, 0x077F), (0x08A0, 0x08FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC))
_EMOJI = ((0x1F1E6, 0x1F1FF), (0x1F300, 0x1FAFF))
_SKIN = (0x1F3FB, 0x1F3FF)
_FLAG = (0x1F1E6, 0x1F1FF)


@dataclass(frozen=True, slots=True)
class Face:
    """One font file, or one of the fonts in a collection."""

    asset: str
    """Empty where the file ships with the engine."""
    member: str = ""
    """File in the asset's folder; empty where the asset is the file. Of one that ships, its path in the engine."""
    index: int = 0

    def path(self) -> Path:
        """Where it lies; fetched first where it is missing."""
        if not self.asset:
            return _ENGINE / self.member
        path = default_store().path(self.asset)
        return path / self.member if self.member else path

    @property
    def variable(self) -> bool:
        """Whether it comes in every weight, and has to be told which."""
        return self.asset in ("noto", "noto-cjk")


DEJAVU = Face("dejavu")
ARABIC = Face("noto-arabic")
"""For the letters of Urdu and others that DejaVu lacks."""
EMOJI = Face("noto", "Emoji.ttf")
_NOTO = tuple(Face("noto", f"{script}.ttf") for script in ("Sans", *NOTO_SCRIPTS))


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of a line that one font draws."""

    text: str
    face: Face


def clusters(text: str) -> Iterator[str]:
    """What is never taken apart: a letter with its marks, an emoji with all that is joined to it."""
    held = ""
    for character in text:
        if held and not _continues(held, character):
            yield held
            held = ""
        held += character
    if held:
        yield held


def _continues(held: str, character: str) -> bool:
    if character in (_JOINER, _NON_JOINER, _KEYCAP) or held[-1] == _JOINER:
        return True
    if unicodedata.category(character) in ("Mn", "Mc", "Me") or _within(character, (_SKIN,)):
        return True
    return len(held) == 1 and _within(held, (_FLAG,)) and _within(character, (_FLAG,))


def needs_shaping(text: str) -> bool:
    """Whether letters join, change places, run from right to left or carry marks."""
    return any(
        _within(character, (*_SHAPED, _SKIN, _FLAG))
        or character in (_JOINER, _KEYCAP)
        or unicodedata.combining(character)
        or unicodedata.bidirectional(character) in _RTL
        for character in text
    )


def is_cjk(character: str) -> bool:
    """Whether a line may be broken before and after it without a space (roughly UAX 14, class ID)."""
    return _within(character[0], _CJK)


def runs_right_to_left(text: str) -> bool:
    """The direction of a line: that of its first letter that has one (UAX 9, rules P2 and P3)."""
    strong = (unicodedata.bidirectional(character) for character in text)
    return next((kind != "L" for kind in strong if kind in ("L", "R", "AL")), False)


def check_shaping() -> None:
    """Refuse where the library that arranges such letters is missing.

    Raises:
        TextError: ``text_shaping``.
    """
    if not features.check("raqm"):
        raise TextError(
            "Letters of this text join or run from right to left, and this machine lacks the library FriBiDi that "
            "arranges them. Install it (the package libfribidi0), or use a logo picture.",
            code="text_shaping",
        )


def runs(line: str, preferred: Face = DEJAVU, language: str = "") -> tuple[Run, ...]:
    """Split a line by the fonts that it needs; one font takes it all where one has everything.

    Args:
        preferred: the font that is asked first.
        language: BCP 47 tag; it decides how Han letters look, which the line's other letters do where it is empty.

    Raises:
        TextError: ``text_glyphs``: no font has a letter of it.
        AssetError: a font cannot be fetched.
    """
    pieces = [(cluster, _face_of(cluster, line, preferred, language)) for cluster in clusters(line)]
    for face in dict.fromkeys(face for _, face in pieces if face not in (preferred, DEJAVU, EMOJI)):
        if _covers(face, line):
            return (Run(line, face),)
    joined: list[Run] = []
    for cluster, face in pieces:
        blank = cluster.isspace() and joined and joined[-1].face != EMOJI  # whose space is wide
        if joined and (blank or joined[-1].face == face):
            joined[-1] = Run(joined[-1].text + cluster, joined[-1].face)
        else:
            joined.append(Run(cluster, face))
    return tuple(joined)


def is_arabic(text: str) -> bool:
    """Whether there are letters of the Arabic script, of any language, in it."""
    return any(_within(character, _ARABIC) for character in text)


def arabic_face(line: str, language: str = "") -> Face:
    """The one font for all of a line's Arabic letters, so that words look alike and their letters join."""
    letters = "".join(character for character in line if is_arabic(character))
    return ARABIC if language.split("-")[0] == "ur" or not _covers(DEJAVU, letters) else DEJAVU


def can_set(cluster: str, line: str) -> bool:
    """Whether there is a font for a cluster of a line.

    Raises:
        AssetError: a font cannot be fetched.
    """
    return any(_covers(face, cluster) for face in _candidates(cluster, line))


def _face_of(cluster: str, line: str, preferred: Face, language: str) -> Face:
    for face in chain((preferred,), _candidates(cluster, line, language)):
        if _covers(face, cluster):
            return face
    missing = next((c for c in cluster if not unicodedata.combining(c)), cluster[0])
    name = unicodedata.name(missing, f"U+{ord(missing):04X}")
    raise TextError(
        f"There is no font here for {missing!r} ({name}). Leave it out, or use a logo picture.", code="text_glyphs"
    )


def _candidates(cluster: str, line: str, language: str = "") -> Iterator[Face]:
    if any(_within(character, _EMOJI) for character in cluster):
        yield EMOJI
    yield DEJAVU
    if is_arabic(cluster):
        yield ARABIC
        return
    if is_cjk(cluster):
        yield _cjk_face(line, language)
        return
    yield from _NOTO
    yield EMOJI
    yield _cjk_face(line, language)


def _cjk_face(line: str, language: str) -> Face:
    """Han letters look different by language: the other letters of the line tell which is meant, if nobody else."""
    tag = language.lower()
    known = _CJK_FACES.get(tag, _CJK_FACES.get(tag.split("-")[0]))
    kana = any(0x3040 <= ord(character) <= 0x30FF for character in line)
    hangul = any(0xAC00 <= ord(character) <= 0xD7FF or 0x1100 <= ord(character) <= 0x11FF for character in line)
    index = known if known is not None else _CJK_FACES["ja" if kana else "ko" if hangul else "zh"]
    return Face("noto-cjk", index=index)


def _covers(face: Face, text: str) -> bool:
    known = _letters(face)
    return all(ord(character) in known or character in (_JOINER, _NON_JOINER) for character in text)


@lru_cache(maxsize=32)
def _letters(face: Face) -> frozenset[int]:
    from fontTools.ttLib import TTFont

    with TTFont(face.path(), fontNumber=face.index, lazy=True) as font:
        return frozenset(font.getBestCmap() or ())


@lru_cache(maxsize=64)
def load(face: Face, size: int, shaped: bool) -> ImageFont.FreeTypeFont:
    """A face at a size in pixels, bold; ``shaped`` sets it by HarfBuzz."""
    engine = ImageFont.Layout.RAQM if shaped else ImageFont.Layout.BASIC
    font = ImageFont.truetype(face.path(), size, index=face.index, layout_engine=engine)
    if face.variable:
        font.set_variation_by_axes([_BOLD, *(axis["default"] or 0 for axis in font.get_variation_axes()[1:])])
    return font


def _within(character: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= ord(character[0]) <= last for first, last in ranges)
