"""When the sounds of a real recording are said, by PocketSphinx and the English model inside its package.

Needed only for real clips: the product's own videos come with their phonemes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from pocketsphinx import Decoder, get_model_path

from avatarium.engine.speech.records import Phoneme, Samples
from avatarium.errors import AudioError

RATE = 16000

ARPABET = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "aʊ", "AY": "aɪ", "B": "b", "CH": "tʃ", "D": "d", "DH": "ð",
    "EH": "ɛ", "ER": "ɝ", "EY": "eɪ", "F": "f", "G": "ɡ", "HH": "h", "IH": "ɪ", "IY": "i", "JH": "dʒ", "K": "k",
    "L": "l", "M": "m", "N": "n", "NG": "ŋ", "OW": "oʊ", "OY": "ɔɪ", "P": "p", "R": "ɹ", "S": "s", "SH": "ʃ",
    "T": "t", "TH": "θ", "UH": "ʊ", "UW": "u", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip


def align_words(sound: Samples, text: str) -> tuple[Phoneme, ...]:
    """Phonemes of known words with marks of 10 ms.

    Args:
        sound: mono at 16,000 samples a second.
        text: the words as they are said, lower case, all in the CMU dictionary.

    Raises:
        AudioError: the words cannot be found in the sound.
    """
    decoder = Decoder(samprate=RATE, loglevel="FATAL")
    decoder.set_align_text(text)
    _decode(decoder, sound)
    try:
        decoder.set_alignment()
        _decode(decoder, sound)
        found = decoder.get_alignment()
    except RuntimeError as error:
        raise AudioError(f"The words {text!r} cannot be found in the sound.", code="words_not_found") from error
    return _phonemes((part.name, part.start, part.start + part.duration) for word in found for part in word)


def guess_phonemes(sound: Samples) -> tuple[Phoneme, ...]:
    """Phonemes of unknown English speech: often wrong in kind, mostly right in time; vowels and closures are of use."""
    decoder = Decoder(
        hmm=get_model_path("en-us/en-us"),
        allphone=get_model_path("en-us/en-us-phone.lm.bin"),
        lw=2.0,
        beam=1e-20,
        pbeam=1e-20,
        samprate=RATE,
        loglevel="FATAL",
    )
    _decode(decoder, sound)
    return _phonemes((part.word, part.start_frame, part.end_frame + 1) for part in decoder.seg() or ())


def _decode(decoder: Any, sound: Samples) -> None:
    decoder.start_utt()
    decoder.process_raw((np.clip(sound, -1, 1) * 32767).astype(np.int16).tobytes(), full_utt=True)
    decoder.end_utt()


def _phonemes(parts: Iterable[tuple[str, int, int]]) -> tuple[Phoneme, ...]:
    return tuple(
        Phoneme(ipa=ARPABET[name], start_s=start / 100, end_s=end / 100)
        for name, start, end in parts
        if name in ARPABET
    )
