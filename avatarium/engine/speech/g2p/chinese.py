"""Mandarin into phonemes: words by jieba's dictionary, tones by pypinyin, syllables in misaki's IPA (Apache-2.0, MIT).

Simplified and traditional characters are read. Kokoro learnt each word's own tones and sounds their sandhi by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from avatarium.engine.speech.g2p.foreign import english_signs, is_latin
from avatarium.engine.speech.g2p.transcript import Transcript, transcript
from avatarium.engine.speech.g2p.unspaced import Line, line_of
from avatarium.engine.speech.text.prepare import Token

_INITIALS = {
    **{"b": "p", "p": "pʰ", "m": "m", "f": "f", "d": "t", "t": "tʰ", "n": "n", "l": "l", "g": "k", "k": "kʰ"},
    **{"h": "x", "j": "ʨ", "q": "ʨʰ", "x": "ɕ", "zh": "ꭧ", "ch": "ꭧʰ", "sh": "ʂ", "r": "ɻ", "z": "ʦ", "c": "ʦʰ"},
    **{"s": "s", "": ""},
}
_FINALS = {
    **{"a": "a0", "ai": "ai0", "an": "a0n", "ang": "a0ŋ", "ao": "au0", "e": "ɤ0", "ei": "ei0", "en": "ə0n"},
    **{"eng": "ə0ŋ", "i": "i0", "ia": "ja0", "ian": "jɛ0n", "iang": "ja0ŋ", "iao": "jau0", "ie": "je0"},
    **{"in": "i0n", "iou": "jou0", "ing": "i0ŋ", "iong": "jʊ0ŋ", "ong": "ʊ0ŋ", "ou": "ou0", "u": "u0"},
    **{"uei": "wei0", "ua": "wa0", "uai": "wai0", "uan": "wa0n", "uen": "wə0n", "uang": "wa0ŋ", "ueng": "wə0ŋ"},
    **{"uo": "wo0", "o": "wo0", "io": "jɔ0", "ü": "y0", "üe": "ɥe0", "üan": "ɥɛ0n", "ün": "y0n"},
}
_WHOLE = {"er": "ɚ0", "o": "ɔ0", "io": "jɔ0", "ê": "ɛ0", "m": "m0", "n": "n0", "ng": "ŋ0", "hm": "hm0", "hng": "hŋ0"}
"""Syllables that are no initial and final."""
_TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}
_BUZZED = {**dict.fromkeys(("zh", "ch", "sh", "r"), "ɨ0"), **dict.fromkeys(("z", "c", "s"), "ɨ0")}
"""What is written as i after them is their own sound held on."""
_SYLLABLE = re.compile(r"(zh|ch|sh|[bpmfdtnlgkhjqxrzcs]?)([a-zü]+)([1-5])")
_SPELLINGS = (
    (re.compile(r"^yu"), "ü"), (re.compile(r"^yi?(?=[aeoiun\d])"), "i"), (re.compile(r"^wu?"), "u"),
    (re.compile(r"(?<=[jqx])u"), "ü"), (re.compile(r"v"), "ü"), (re.compile(r"iu(?=\d)"), "iou"),
    (re.compile(r"ui(?=\d)"), "uei"), (re.compile(r"(?<=[^ü])un(?=\d)"), "uen"),
)  # fmt: skip
_MARKS = {
    **{mark: f"{mark} " for mark in ",.!?:;…—)”"},
    **{mark: f" {mark}" for mark in "(“"},
}


def chinese_words(line: str) -> list[str]:
    """A line in words, which put together are the line."""
    import rjieba

    return [str(word) for word in rjieba.cut(line)]


def transcribe_chinese(tokens: Sequence[Token]) -> Transcript:
    """Phonemes of a sentence."""
    line = line_of(tokens)
    pairs: list[tuple[str, int | None]] = []
    at = 0
    for word in chinese_words(line.text):
        pairs += _spoken(word, at, line)
        at += len(word)
    return transcript(pairs)


def _spoken(word: str, at: int, line: Line) -> Iterator[tuple[str, int | None]]:
    if not any(c.isalnum() for c in word):
        yield "".join(_MARKS.get(c, "") for c in word), None
        return
    if is_latin(word):
        yield english_signs(word), line.owners[at]
    else:
        for i, syllable in enumerate(_pinyin(word)):
            yield signs_of_pinyin(syllable), line.owners[at + i]
    yield " ", None


def _pinyin(word: str) -> list[str]:
    """A syllable with its tone for each character; empty for what is no Chinese character."""
    from pypinyin import Style, pinyin

    syllables = [
        found[0]
        for found in pinyin(word, style=Style.TONE3, neutral_tone_with_five=True, errors=lambda rest: [""] * len(rest))  # type: ignore[arg-type, return-value]
    ]
    return syllables if len(syllables) == len(word) else [""] * len(word)


def signs_of_pinyin(syllable: str) -> str:
    """Signs of a syllable such as ``zhong1``; empty for what is none."""
    if syllable[:-1] in _WHOLE:
        return _WHOLE[syllable[:-1]].replace("0", _TONES.get(syllable[-1], ""))
    for written, plain in _SPELLINGS:
        syllable = written.sub(plain, syllable)
    found = _SYLLABLE.fullmatch(syllable)
    if found is None:
        return ""
    initial, final, tone = found.groups()
    signs = _BUZZED.get(initial, "i0") if final == "i" else _FINALS.get(final, "")
    return _INITIALS[initial] + signs.replace("0", _TONES[tone])
