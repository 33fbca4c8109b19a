"""Katakana into the signs in which Kokoro learnt Japanese: those of misaki's Cutlet (Apache-2.0 and MIT)."""

from __future__ import annotations

_ROWS = {
    "アイウエオ": ("a", "i", "ɯ", "e", "o"),
    "カキクケコ": ("ka", "kʲi", "kɯ", "ke", "ko"),
    "ガギグゲゴ": ("ɡa", "ɡʲi", "ɡɯ", "ɡe", "ɡo"),
    "サシスセソ": ("sa", "ɕi", "sɨ", "se", "so"),
    "ザジズゼゾ": ("ʣa", "ʥi", "zɨ", "ʣe", "ʣo"),
    "タチツテト": ("ta", "ʨi", "ʦɨ", "te", "to"),
    "ダヂヅデド": ("da", "ʥi", "zɨ", "de", "do"),
    "ナニヌネノ": ("na", "ɲi", "nɯ", "ne", "no"),
    "ハヒフヘホ": ("ha", "çi", "ɸɯ", "he", "ho"),
    "バビブベボ": ("ba", "bʲi", "bɯ", "be", "bo"),
    "パピプペポ": ("pa", "pʲi", "pɯ", "pe", "po"),
    "マミムメモ": ("ma", "mʲi", "mɯ", "me", "mo"),
    "ラリルレロ": ("ɾa", "ɾʲi", "ɾɯ", "ɾe", "ɾo"),
    "ヤユヨワヲ": ("ja", "jɯ", "jo", "βa", "o"),
    "ヰヱヴヵヶ": ("i", "e", "vɯ", "ka", "ke"),
    "ァィゥェォ": ("a", "i", "ɯ", "e", "o"),
    "ャュョヮ": ("ja", "jɯ", "jo", "βa"),
}
_PALATAL = {
    **{"キ": "kʲ", "ギ": "ɡʲ", "シ": "ɕ", "ジ": "ʥ", "チ": "ʨ", "ヂ": "ʥ", "ニ": "ɲ", "ヒ": "ç"},
    **{"ビ": "bʲ", "ピ": "pʲ", "ミ": "mʲ", "リ": "ɾʲ", "テ": "tʲ", "デ": "dʲ", "フ": "ɸʲ", "ヴ": "bʲ"},
}
"""Before small ャ, ュ and ョ."""
_FOREIGN = {
    **{"ウィ": "βi", "ウェ": "βe", "ウォ": "βo", "イェ": "je", "シェ": "ɕe", "ジェ": "ʥe", "チェ": "ʨe"},
    **{"ツァ": "ʦa", "ツィ": "ʦʲi", "ツェ": "ʦe", "ツォ": "ʦo", "ティ": "tʲi", "ディ": "dʲi", "トゥ": "tɯ"},
    **{"ドゥ": "dɯ", "ファ": "ɸa", "フィ": "ɸʲi", "フェ": "ɸe", "フォ": "ɸo", "ヴァ": "va", "ヴィ": "vʲi"},
    **{"ヴェ": "ve", "ヴォ": "vo", "クァ": "kᵝa", "クィ": "kᵝi", "クェ": "kᵝe", "クォ": "kᵝo", "グァ": "ɡᵝa"},
    **{"スィ": "sʲi", "ズィ": "zʲi", "ニェ": "ɲe", "ヒェ": "çe", "キェ": "kʲe"},
}

SIGNS = {
    **{kana: sign for row, signs in _ROWS.items() for kana, sign in zip(row, signs, strict=True)},
    **{
        f"{kana}{small}": f"{sign}{vowel}"
        for kana, sign in _PALATAL.items()
        for small, vowel in zip("ャュョ", ("a", "ɨ" if sign[-1] in "ʲɲçɕʥʨ" else "ɯ", "o"), strict=True)
    },
    **_FOREIGN,
    "ー": "ː",
    "ッ": "ʔ",
}
"""Of one kana, or of two that are one sound."""

_NASALS = (("mpb", "m"), ("kɡ", "ŋ"), ("ɲʨʥ", "ɲ"), ("ntdɾzʣ", "n"))
_HIRAGANA, _KATAKANA = 0x3041, 0x30A1
_KANA_COUNT = 0x56


def katakana(text: str) -> str:
    """Hiragana as katakana; everything else as it is."""
    shift = _KATAKANA - _HIRAGANA
    return "".join(chr(ord(c) + shift) if 0 <= ord(c) - _HIRAGANA < _KANA_COUNT else c for c in text)


def signs_of_kana(kana: str) -> str:
    """Signs of a word in katakana as it is pronounced (キョー, not キョウ); what is no kana is left out."""
    sounds = list(_sounds(katakana(kana)))
    return "".join(
        _nasal(sounds[i + 1] if i + 1 < len(sounds) else "") if sound == "ン" else SIGNS[sound]
        for i, sound in enumerate(sounds)
    )


def _sounds(kana: str) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(kana):
        size = 2 if kana[at : at + 2] in SIGNS and len(kana) > at + 1 else 1
        if kana[at : at + size] in SIGNS or kana[at] == "ン":
            found.append(kana[at : at + size])
        at += size
    return found


def _nasal(following: str) -> str:
    """The syllabic n before another sound."""
    first = SIGNS.get(following, " ")[0]
    return next((nasal for sounds, nasal in _NASALS if first in sounds), "ɴ")
