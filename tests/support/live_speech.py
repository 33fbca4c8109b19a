"""Speech made up for tests of live rooms: every phoneme and word is where the test says, and can be heard there."""

from __future__ import annotations

import numpy as np

from avatarium.engine.speech.records import Phoneme, Speech, Word

RATE = 24_000
LEAD_S, PAUSE_S, WORD_S = 0.04, 0.3, 0.32
SOUNDS = ("b", "a", "l", "uː", "m", "iː", "p", "ɔ")


def said(*words: str, rate: int = RATE, pause_s: float = PAUSE_S, pitch_hz: float = 140.0) -> Speech:
    """Words of four phonemes of 80 ms each, one after the other, a short silence before and a pause after."""
    phonemes, spoken, at_s = [], [], LEAD_S
    for number, word in enumerate(words):
        spoken.append(Word(text=word, start_s=at_s, end_s=at_s + WORD_S))
        for k in range(4):
            ipa = SOUNDS[(4 * number + k) % len(SOUNDS)]
            start_s = at_s + k * WORD_S / 4
            phonemes.append(Phoneme(ipa=ipa, start_s=start_s, end_s=start_s + WORD_S / 4, stress=int(k == 1)))
        at_s += WORD_S
    t = np.arange(round((at_s + pause_s) * rate)) / rate
    loud = (t >= LEAD_S) & (t < at_s)
    audio = 0.4 * np.sin(2 * np.pi * pitch_hz * (t - LEAD_S)) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * t)) * loud
    return Speech(audio=audio.astype(np.float32), rate=rate, phonemes=tuple(phonemes), words=tuple(spoken))
