"""The voices' alphabet in plain IPA."""

from __future__ import annotations

PHONEMES = {
    **{"A": "eɪ", "I": "aɪ", "O": "oʊ", "Q": "əʊ", "W": "aʊ", "Y": "ɔɪ"},
    **{"ʤ": "dʒ", "ʧ": "tʃ", "ʦ": "ts", "ʣ": "dz", "ʨ": "tɕ", "ʥ": "dʑ", "ꭧ": "ʈʂ", "S": "s"},
    **{"T": "ɾ", "ᵊ": "ə", "ᵻ": "ɨ", "g": "ɡ"},
}
"""Signs that stand for another or for two signs of IPA; every other letter is its own."""

LENGTHENERS = frozenset("ː\u0303ʰʲᵝ↓→↗↘")
"""Signs that change the phoneme before them and add their time to it."""
_WRITTEN_LENGTHENERS = frozenset("ː\u0303ʰʲ")

VOWELS = frozenset("AIOQWYaeiouyæøœɑɐɒɔəɚɛɜɤɨɪɯʊʌᵊᵻ")
STOPS = frozenset("pbtdkɡgqcɟʈɖʧʤʦʣʨʥꭧT")


def ipa_of(sign: str) -> str:
    """IPA of one sign of the alphabet."""
    return PHONEMES.get(sign, sign)


def lengthened(ipa: str, sign: str) -> str:
    """A phoneme with the sign that follows it; Kokoro's marks of tone and of Japanese lips have no IPA here."""
    return ipa + sign if sign in _WRITTEN_LENGTHENERS else ipa
