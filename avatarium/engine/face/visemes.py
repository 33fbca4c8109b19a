"""Visemes: what the mouth aims at for each sound of speech, for every language that the voices speak.

Targets are in units of the outer-eye distance (IOD), calibrated on the percentiles of real speakers. Dominance says how
strongly a sound insists on its shape against its neighbours (Cohen and Massaro 1993): a p always closes, an h takes any
shape that comes.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum


class Viseme(StrEnum):
    """Classes of sounds that look alike."""

    SILENCE = "sil"
    P_B_M = "pbm"
    F_V = "fv"
    BILABIAL_FRICATIVE = "bh"
    TH = "th"
    T_D_N = "tdn"
    L = "l"
    S_Z = "sz"
    SH = "sh"
    RETROFLEX = "rt"
    K_G = "kg"
    GLOTTAL = "h"
    R = "r"
    TRILL = "rr"
    W = "w"
    U = "u"
    FRONT_ROUND = "y"
    MID_ROUND = "oe"
    O = "o"  # noqa: E741 - the name of the vowel
    OPEN_O = "oh"
    A = "a"
    AE = "ae"
    E = "e"
    I = "i"  # noqa: E741 - the name of the vowel
    SMALL_I = "ih"
    SCHWA = "ax"
    WEDGE = "ah"
    PALATAL = "j"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a mouth goes for a viseme; fields as in :class:`~avatarium.engine.face.pose.Mouth`."""

    open: float
    width: float
    chin: float
    up: float
    tuck: float = 0.0
    tongue: float = 0.0
    dominance: float = 1.0
    """Of all controls but the width."""
    width_dominance: float = 1.0


V = Viseme
TARGETS: dict[Viseme, Target] = {
    V.SILENCE: Target(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.6, 0.5),
    V.P_B_M: Target(-0.012, -0.005, 0.0, 0.0, 0.0, 0.0, 3.0, 0.5),
    V.F_V: Target(0.030, 0.010, -0.005, -0.020, 0.012, 0.0, 2.2, 0.7),
    V.BILABIAL_FRICATIVE: Target(0.018, -0.030, 0.004, -0.006, 0.0, 0.0, 2.2, 1.0),
    V.TH: Target(0.060, 0.015, 0.020, -0.018, 0.0, 0.9, 1.2, 0.5),
    V.T_D_N: Target(0.055, 0.012, 0.018, -0.018, 0.0, 0.7, 0.8, 0.4),
    V.L: Target(0.075, 0.010, 0.028, -0.020, 0.0, 0.8, 0.9, 0.4),
    V.S_Z: Target(0.050, 0.035, 0.004, -0.020, 0.0, 0.2, 1.4, 0.9),
    V.SH: Target(0.075, -0.055, 0.008, -0.034, 0.0, 0.2, 1.5, 1.5),
    V.RETROFLEX: Target(0.065, -0.025, 0.014, -0.022, 0.0, 0.5, 1.0, 0.9),
    V.K_G: Target(0.075, 0.0, 0.030, -0.018, 0.0, 0.1, 0.5, 0.2),
    V.GLOTTAL: Target(0.080, 0.0, 0.030, -0.020, 0.0, 0.0, 0.3, 0.1),
    V.R: Target(0.060, -0.045, 0.018, -0.020, 0.0, 0.2, 1.0, 1.1),
    V.TRILL: Target(0.070, 0.0, 0.024, -0.020, 0.0, 0.7, 0.9, 0.4),
    V.W: Target(0.030, -0.110, 0.014, -0.010, 0.0, 0.0, 1.8, 2.0),
    V.U: Target(0.048, -0.098, 0.016, -0.014, 0.0, 0.0, 1.5, 1.8),
    V.FRONT_ROUND: Target(0.042, -0.092, 0.010, -0.016, 0.0, 0.2, 1.5, 1.7),
    V.MID_ROUND: Target(0.085, -0.062, 0.034, -0.020, 0.0, 0.1, 1.4, 1.5),
    V.O: Target(0.100, -0.084, 0.042, -0.020, 0.0, 0.0, 1.5, 1.6),
    V.OPEN_O: Target(0.130, -0.050, 0.060, -0.024, 0.0, 0.0, 1.5, 1.3),
    V.A: Target(0.175, 0.015, 0.085, -0.036, 0.0, 0.0, 1.6, 0.9),
    V.AE: Target(0.145, 0.040, 0.060, -0.036, 0.0, 0.1, 1.5, 1.0),
    V.E: Target(0.105, 0.045, 0.034, -0.030, 0.0, 0.2, 1.2, 1.0),
    V.I: Target(0.068, 0.075, 0.008, -0.026, 0.0, 0.3, 1.2, 1.4),
    V.SMALL_I: Target(0.075, 0.035, 0.018, -0.024, 0.0, 0.2, 0.9, 0.8),
    V.SCHWA: Target(0.085, 0.0, 0.030, -0.022, 0.0, 0.1, 0.6, 0.4),
    V.WEDGE: Target(0.125, 0.015, 0.055, -0.030, 0.0, 0.0, 1.2, 0.8),
    V.PALATAL: Target(0.062, 0.055, 0.010, -0.024, 0.0, 0.4, 1.0, 1.0),
}

_SOUNDS: dict[Viseme, str] = {
    V.P_B_M: "p b m ɓ ʘ ɱ ᵐ",
    V.F_V: "f v ʋ ⱱ",
    V.BILABIAL_FRICATIVE: "ɸ β",
    V.TH: "θ ð",
    V.T_D_N: "t d n ɾ ɗ ǀ ǃ",
    V.L: "l ɫ ɬ ɮ ɺ",
    V.S_Z: "s z ʦ ʣ",
    V.SH: "ʃ ʒ ɕ ʑ ç ɧ ʧ ʤ ʨ ʥ",
    V.RETROFLEX: "ʈ ɖ ɳ ɭ ɽ ʂ ʐ ɻ ꭧ",
    V.K_G: "k ɡ g ŋ x ɣ q ɢ ɴ χ ʁ ɰ ʀ",
    V.GLOTTAL: "h ɦ ʔ ħ ʕ",
    V.R: "ɹ ɚ ɝ ɜ",
    V.TRILL: "r",
    V.W: "w ʍ ɥ",
    V.U: "u ʊ ʉ ᵘ",
    V.FRONT_ROUND: "y ʏ",
    V.MID_ROUND: "ø œ ɵ ɞ ɶ",
    V.O: "o",
    V.OPEN_O: "ɔ ɒ",
    V.A: "a ɑ",
    V.AE: "æ",
    V.E: "ɛ e",
    V.I: "i",
    V.SMALL_I: "ɪ ɨ ᵻ",
    V.SCHWA: "ə ɯ ɤ ɘ ᵊ",
    V.WEDGE: "ʌ ɐ",
    V.PALATAL: "j ɲ ʎ ʝ ɟ c",
}
_BY_SOUND = {sound: viseme for viseme, sounds in _SOUNDS.items() for sound in sounds.split()}

_COMPOUND: dict[str, tuple[Viseme, ...]] = {
    "eɪ": (V.E, V.SMALL_I), "aɪ": (V.A, V.SMALL_I), "ɔɪ": (V.OPEN_O, V.SMALL_I),
    "aʊ": (V.A, V.U), "oʊ": (V.O, V.U), "əʊ": (V.O, V.U),
    "ɪə": (V.SMALL_I, V.SCHWA), "iə": (V.I, V.SCHWA), "eə": (V.E, V.SCHWA), "ɛə": (V.E, V.SCHWA), "ʊə": (V.U, V.SCHWA),
    "əl": (V.SCHWA, V.L), "tʃ": (V.T_D_N, V.SH), "dʒ": (V.T_D_N, V.SH), "ʧ": (V.T_D_N, V.SH), "ʤ": (V.T_D_N, V.SH),
    "ts": (V.T_D_N, V.S_Z), "dz": (V.T_D_N, V.S_Z), "tɕ": (V.T_D_N, V.SH), "dʑ": (V.T_D_N, V.SH),
    "tʂ": (V.T_D_N, V.RETROFLEX), "pf": (V.P_B_M, V.F_V),
}  # fmt: skip

_MARKS = "ˈˌːˑ̩̯̃ʰʲˠˤ̪̺͜͡-ˀ‿↓↑→↗↘ʼ˞"


def visemes_of(ipa: str) -> tuple[Viseme, ...]:
    """The visemes of one phoneme in order: one for a plain sound, two or three for a diphthong or an affricate.

    Marks of stress, length, nasality and the like are passed over. An unknown sound looks like a schwa, none like
    silence.
    """
    plain = "".join(c for c in ipa if c not in _MARKS)
    if plain in _COMPOUND:
        return _COMPOUND[plain]
    return tuple(_viseme(c) for c in plain) or (V.SILENCE,)


def _viseme(sound: str) -> Viseme:
    """By the letter itself (c and ç are two sounds), else without its tilde or accent."""
    return _BY_SOUND.get(sound) or _BY_SOUND.get(unicodedata.normalize("NFD", sound)[0], V.SCHWA)
