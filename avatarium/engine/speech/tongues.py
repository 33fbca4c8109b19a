"""The languages that voices speak: what they are called, where they are at home, and which letters they are read in.

Light: whoever only asks what there is loads nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_HAN = ("CJK", "IDEOGRAPHIC")
_KANA = ("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tongue:
    """A language."""

    name: str
    """In English."""
    region: str
    """ISO 3166, where most readers live."""
    scripts: tuple[str, ...]
    """First words of the Unicode names of its own letters."""
    espeak: str = ""
    """What eSpeak NG calls it, where its voices read it."""

    @property
    def read(self) -> frozenset[str]:
        """Scripts that its voices read: its own, and Latin letters, in which names are written everywhere."""
        return frozenset({*self.scripts, "LATIN"})


def _tongue(name: str, region: str, espeak: str = "", *scripts: str) -> Tongue:
    return Tongue(name=name, region=region, scripts=scripts or ("LATIN",), espeak=espeak)


NEURAL: Mapping[str, Tongue] = {
    "en": _tongue("English", "US"),
    "es": _tongue("Spanish", "ES"),
    "fr": _tongue("French", "FR"),
    "it": _tongue("Italian", "IT"),
    "pt": _tongue("Portuguese", "BR"),
    "hi": _tongue("Hindi", "IN", "", "DEVANAGARI"),
    "ja": _tongue("Japanese", "JP", "", *_HAN, *_KANA),
    "zh": _tongue("Chinese", "CN", "", *_HAN),
}
"""Languages of natural voices."""

ROBOTIC: Mapping[str, Tongue] = {
    "de": _tongue("German", "DE", "de"),
    "nl": _tongue("Dutch", "NL", "nl"),
    "pl": _tongue("Polish", "PL", "pl"),
    "ru": _tongue("Russian", "RU", "ru", "CYRILLIC"),
    "tr": _tongue("Turkish", "TR", "tr"),
    "ar": _tongue("Arabic", "SA", "ar", "ARABIC"),
    "ko": _tongue("Korean", "KR", "ko", "HANGUL"),
    "sv": _tongue("Swedish", "SE", "sv"),
    "da": _tongue("Danish", "DK", "da"),
    "nb": _tongue("Norwegian", "NO", "nb"),
    "fi": _tongue("Finnish", "FI", "fi"),
    "cs": _tongue("Czech", "CZ", "cs"),
    "hu": _tongue("Hungarian", "HU", "hu"),
    "ro": _tongue("Romanian", "RO", "ro"),
    "el": _tongue("Greek", "GR", "el", "GREEK"),
    "uk": _tongue("Ukrainian", "UA", "uk", "CYRILLIC"),
    "vi": _tongue("Vietnamese", "VN", "vi"),
    "id": _tongue("Indonesian", "ID", "id"),
    "ca": _tongue("Catalan", "ES", "ca"),
    "bg": _tongue("Bulgarian", "BG", "bg", "CYRILLIC"),
    "hr": _tongue("Croatian", "HR", "hr"),
    "sk": _tongue("Slovak", "SK", "sk"),
    "sl": _tongue("Slovenian", "SI", "sl"),
    "sr": _tongue("Serbian", "RS", "sr", "CYRILLIC"),
    "et": _tongue("Estonian", "EE", "et"),
    "lv": _tongue("Latvian", "LV", "lv"),
    "lt": _tongue("Lithuanian", "LT", "lt"),
    "fa": _tongue("Persian", "IR", "fa", "ARABIC"),
    "ur": _tongue("Urdu", "PK", "ur", "ARABIC"),
    "bn": _tongue("Bengali", "BD", "bn", "BENGALI"),
    "ta": _tongue("Tamil", "IN", "ta", "TAMIL"),
    "te": _tongue("Telugu", "IN", "te", "TELUGU"),
    "mr": _tongue("Marathi", "IN", "mr", "DEVANAGARI"),
    "gu": _tongue("Gujarati", "IN", "gu", "GUJARATI"),
    "kn": _tongue("Kannada", "IN", "kn", "KANNADA"),
    "ml": _tongue("Malayalam", "IN", "ml", "MALAYALAM"),
    "ms": _tongue("Malay", "MY", "ms"),
    "sw": _tongue("Swahili", "KE", "sw"),
    "af": _tongue("Afrikaans", "ZA", "af"),
    "is": _tongue("Icelandic", "IS", "is"),
    "sq": _tongue("Albanian", "AL", "sq"),
    "mk": _tongue("Macedonian", "MK", "mk", "CYRILLIC"),
    "ka": _tongue("Georgian", "GE", "ka", "GEORGIAN"),
    "hy": _tongue("Armenian", "AM", "hy", "ARMENIAN"),
    "kk": _tongue("Kazakh", "KZ", "kk", "CYRILLIC"),
    "cy": _tongue("Welsh", "GB", "cy"),
}
"""Languages that only eSpeak NG speaks here."""

TONGUES: Mapping[str, Tongue] = {**NEURAL, **ROBOTIC}
"""By ISO 639-1 code, natural ones first."""

UNSPACED = frozenset({"ja", "zh"})
"""Languages that are written without blanks between words."""


def tongue_of(tag: str) -> Tongue | None:
    """The language of a BCP 47 tag such as ``pt-BR``; None where no voice speaks it."""
    return TONGUES.get(code_of(tag))


_OTHER_CODES = {"no": "nb", "nn": "nb", "cmn": "zh", "in": "id", "sh": "hr", "bs": "hr", "jp": "ja", "cn": "zh"}


def code_of(tag: str) -> str:
    """The language of a tag by the code that it has here: ``nb`` of ``no-NO``."""
    code = tag.replace("_", "-").partition("-")[0].lower()
    return _OTHER_CODES.get(code, code)
