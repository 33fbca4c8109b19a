"""What a voice can do with a character: speak it, hear it as punctuation, or leave it out."""

from __future__ import annotations

import functools
import unicodedata

from avatarium.engine.speech.tongues import ROBOTIC, TONGUES

SCRIPTS = {code: tongue.read for code, tongue in TONGUES.items()}
"""Scripts that the voices of each language read."""

PUNCTUATION = frozenset(".,!?;:—…\"“”()'-/।॥")
"""What the front ends understand; everything else that is no letter or digit is left out."""

_LOOKALIKES = str.maketrans(
    {
        **{
            "’": "'",
            "‘": "'",
            "ʼ": "'",
            "`": "'",
            "´": "'",
            "«": "“",
            "»": "”",
            "„": "“",
            "‟": "“",
            "‹": "“",
            "›": "”",
        },
        **{"–": "—", "―": "—", "‒": "-", "‐": "-", "‑": "-", "−": "-", "[": "(", "]": ")", "{": "(", "}": ")"},
        **{"‥": "…", "‼": "!", "⁉": "?", "؟": "?", "،": ",", "؛": ";", "·": " ", "•": " ", "|": ",", "／": "/"},
        **{"。": ".", "、": ",", "，": ",", "！": "!", "？": "?", "：": ":", "；": ";", "（": "(", "）": ")"},
        **{"「": "“", "」": "”", "『": "“", "』": "”"},
    }
)
_LATIN_FOLDS = str.maketrans(
    {"ƀ": "b", "ƒ": "f", "ǝ": "e", "ə": "e", "ɛ": "e", "ɔ": "o", "ɪ": "i", "ʊ": "u", "ŋ": "ng", "ʃ": "sh", "ʒ": "zh"}
)
_PLAIN_LATIN = 0x180
"""Below it lie ASCII, Latin-1 and Latin Extended-A, whose letters the front ends know."""


@functools.lru_cache(maxsize=65536)
def script_of(character: str) -> str:
    """First word of the character's Unicode name for a letter, such as ``LATIN``; empty for anything else."""
    if unicodedata.category(character)[0] not in "LM":
        return ""
    return unicodedata.name(character, "").split(" ")[0]


@functools.lru_cache(maxsize=65536)
def spoken_form(character: str, language: str) -> str:
    """The character as the front end of a language takes it: itself, a plainer one, a blank or nothing."""
    character = character.translate(_LOOKALIKES)
    if character in PUNCTUATION or character.isspace():
        return character
    if unicodedata.category(character) == "Nd":
        return str(unicodedata.decimal(character))
    script = script_of(character)
    if script == "LATIN":
        return character if ord(character) < _PLAIN_LATIN or language in ROBOTIC else _folded(character)
    if script in SCRIPTS[language]:
        return character
    if script == "GREEK":
        return f" {_greek(character)} "
    if unicodedata.category(character)[0] in "NL":
        return _compatible(character, language)
    return "" if unicodedata.category(character)[0] in "MC" else " "


def _folded(character: str) -> str:
    """A rare Latin letter as the plain ones that it is built on or named after."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", character) if ord(c) < _PLAIN_LATIN and c.isalpha())
    if plain:
        return plain
    folded = character.translate(_LATIN_FOLDS)
    if folded != character:
        return folded
    words = unicodedata.name(character).split(" LETTER ")[-1].split(" WITH ")[0].split(" ")
    return min(words, key=len).lower()


def _greek(character: str) -> str:
    words = unicodedata.name(character).split(" LETTER ")[-1].split(" WITH ")[0].split(" ")
    return words[-1].lower() if len(words[-1]) > 1 else ""


def _compatible(character: str, language: str) -> str:
    """Full-width, circled, superscript and other forms of a letter or digit that the language does read."""
    plain = unicodedata.normalize("NFKC", character)
    if plain == character:
        return ""
    return "".join(c if c.isdigit() or script_of(c) in SCRIPTS[language] else "" for c in plain)
