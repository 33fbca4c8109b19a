"""What a mouth is expected to do for a sound: from IPA to a class, and from a class to an opening.

The table is the instrument's own and shares nothing with the renderer's.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.speech.records import Phoneme


class Mouth(StrEnum):
    """Classes of sounds that look alike."""

    SILENCE = "sil"
    PBM = "pbm"
    FV = "fv"
    TH = "th"
    TDN = "tdn"
    L = "l"
    SZ = "sz"
    SH = "sh"
    KG = "kg"
    H = "h"
    R = "r"
    W = "w"
    U = "u"
    CLOSE_O = "o"
    OPEN_O = "O"
    A = "a"
    AE = "ae"
    E = "e"
    CLOSE_I = "i"
    LAX_I = "I"
    SCHWA = "@"
    CENTRAL_A = "A"


OPENING = {
    Mouth.SILENCE: 0.0,
    Mouth.PBM: 0.0,
    Mouth.FV: 0.1,
    Mouth.W: 0.15,
    Mouth.U: 0.25,
    Mouth.SZ: 0.25,
    Mouth.SH: 0.3,
    Mouth.TDN: 0.3,
    Mouth.TH: 0.3,
    Mouth.R: 0.3,
    Mouth.L: 0.4,
    Mouth.KG: 0.4,
    Mouth.CLOSE_I: 0.4,
    Mouth.LAX_I: 0.45,
    Mouth.H: 0.5,
    Mouth.SCHWA: 0.5,
    Mouth.CLOSE_O: 0.6,
    Mouth.E: 0.65,
    Mouth.CENTRAL_A: 0.75,
    Mouth.OPEN_O: 0.8,
    Mouth.AE: 0.9,
    Mouth.A: 1.0,
}
"""Expected gap between the lips, 0 shut to 1 widest."""

ROUND = frozenset({Mouth.U, Mouth.W, Mouth.CLOSE_O})
SPREAD = frozenset({Mouth.CLOSE_I, Mouth.LAX_I, Mouth.E, Mouth.SZ})

_LETTERS = {
    Mouth.PBM: "pbmʙɓ",
    Mouth.FV: "fvɱʋⱱ",
    Mouth.TH: "θð",
    Mouth.TDN: "tdnɾʈɖɳɲɗ",
    Mouth.L: "lɫɭʎɬɮɺɽʟ",
    Mouth.SZ: "sz",
    Mouth.SH: "ʃʒʂʐɕʑçɧ",
    Mouth.KG: "kgɡŋqɢɴxɣχʁʀħʕcɟʄɠ",
    Mouth.H: "hɦ",
    Mouth.R: "rɹɻɜɚɝɞ",
    Mouth.W: "wʍɥɸβ",
    Mouth.U: "uʊyʉʏ",
    Mouth.CLOSE_O: "oøœɵɶ",
    Mouth.OPEN_O: "ɔɒ",
    Mouth.A: "aɑ",
    Mouth.AE: "æ",
    Mouth.E: "eɛ",
    Mouth.CLOSE_I: "ij",
    Mouth.LAX_I: "ɪɨᵻ",
    Mouth.SCHWA: "əɘᵊʔɰɯɤ",
    Mouth.CENTRAL_A: "ʌɐ",
}
_CLASS = {letter: mouth for mouth, letters in _LETTERS.items() for letter in letters}
_LIGATURES = str.maketrans({"ʧ": "tʃ", "ʤ": "dʒ", "ʦ": "ts", "ʣ": "dz", "ʨ": "tɕ", "ʥ": "dʑ"})


def classes(ipa: str) -> tuple[Mouth, ...]:
    """Classes of one phoneme in order: a diphthong or an affricate has two; no known letter means silence.

    Stress, length, tone, ties and diacritics do not count; a syllabic l has a schwa before it.
    """
    letters = unicodedata.normalize("NFD", ipa).translate(_LIGATURES)
    # NFD takes the cedilla off ç, which is a letter of its own in IPA.
    letters = letters.replace("c\u0327", "ç")
    found = tuple(_CLASS[letter] for letter in letters if letter in _CLASS)
    if "l\u0329" in letters:
        return tuple(part for mouth in found for part in ((Mouth.SCHWA, mouth) if mouth is Mouth.L else (mouth,)))
    return found or (Mouth.SILENCE,)


@dataclass(frozen=True, slots=True)
class Segment:
    """One class and when it sounds."""

    mouth: Mouth
    start_s: float
    end_s: float


def segments(phonemes: Sequence[Phoneme]) -> Iterator[Segment]:
    """Phonemes as classes; those with two classes are split in equal parts."""
    for phoneme in phonemes:
        parts = classes(phoneme.ipa)
        edges = np.linspace(phoneme.start_s, phoneme.end_s, len(parts) + 1)
        for mouth, start, end in zip(parts, edges[:-1], edges[1:], strict=True):
            yield Segment(mouth, float(start), float(end))


def expected_opening(phonemes: Sequence[Phoneme], times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Opening that the sounds call for at ``times_s``: the table per phoneme, smoothed by a Hann window of 100 ms."""
    rate, window_s = 500, 0.1
    if not len(times_s):
        return np.zeros(0)
    start = float(times_s[0]) - 2 * window_s
    fine = start + np.arange(round((float(times_s[-1]) + 2 * window_s - start) * rate)) / rate
    steps = np.zeros(len(fine))
    for segment in segments(phonemes):
        steps[(fine >= segment.start_s) & (fine < segment.end_s)] = OPENING[segment.mouth]
    hann = np.hanning(round(window_s * rate) + 3)[1:-1]
    return np.interp(times_s, fine, np.convolve(steps, hann / hann.sum(), "same"))


def speaking(phonemes: Sequence[Phoneme], times_s: NDArray[np.float64], margin_s: float = 0.0) -> NDArray[np.bool_]:
    """Whether a sound covers each time, grown by ``margin_s`` on both sides."""
    covered = np.zeros(len(times_s), bool)
    for segment in segments(phonemes):
        if segment.mouth is not Mouth.SILENCE:
            covered |= (times_s >= segment.start_s - margin_s) & (times_s < segment.end_s + margin_s)
    return covered
