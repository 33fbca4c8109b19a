"""Print the figures of docs/speech.md, "Recognition"."""

from __future__ import annotations

import sys
import time
from functools import cache
from pathlib import Path

import numpy as np

from avatarium.engine.speech import synthesize
from avatarium.engine.speech.records import Samples
from avatarium.engine.speech.transcripts import Said, transcribe
from avatarium.engine.speech.turns import FRAME_S, find_turns
from avatarium.engine.video.sound import read_sound
from avatarium.engine.video.sound_tape import taped
from bench.recognition.mixtures import CASES, RATE, STEP_S, composed, diarisation_error
from bench.speech import word_errors

JFK = "And so, my fellow Americans, ask not what your country can do for you, ask what you can do for your country."
TEXT = (
    "The bakery on the corner opens early in the morning. Fresh bread, warm rolls and small cakes wait behind the "
    "glass. My neighbour walks there every day with her old brown dog, and she always buys the same two things."
)


def main(media: Path) -> None:
    """All figures; some three minutes."""

    @cache
    def read(name: str) -> Samples:
        return read_sound(media / "speech" / name, RATE).samples

    print("words")
    _words("JFK 1961, 11 s", read("en-jfk.flac"), JFK)
    noise = np.random.default_rng(1).normal(0.0, 1.0, len(read("en-jfk.flac"))).astype(np.float32)
    level = float(np.sqrt(np.mean(np.square(read("en-jfk.flac"))))) * 10 ** (-10 / 20)
    _words("the same in white noise, 10 dB", read("en-jfk.flac") + noise * np.float32(level), JFK)
    for voice in ("kokoro-michael", "hibari-ava"):
        spoken = synthesize(TEXT, voice)
        told = _words(f"{voice}, {spoken.duration_s:.0f} s", spoken.audio, TEXT, spoken.rate)
        starts = np.array([word.start_s for said in told for word in said.words])
        known = np.array([word.start_s for word in spoken.words])
        if len(starts) == len(known):
            late = starts - known
            print(f"  words begin {np.median(late) * 1000:+.0f} ms (median), 90 % within {_within(late):.0f} ms")
    print("turns")
    for name, parts in CASES.items():
        mixture = composed(parts, read)
        begun_s = time.process_time()
        with taped(mixture.sound, RATE, max_s=7200) as tape:
            turns = find_turns(tape, threads=1)
        cost = (time.process_time() - begun_s) / (len(mixture.sound) / RATE)
        at = (np.arange(len(mixture.truth)) * STEP_S / FRAME_S).astype(int)
        activity = turns.activity[at]
        told_who = np.where(activity.max(axis=1) >= 0.5, activity.argmax(axis=1), -1)
        error = diarisation_error(mixture.truth, told_who)
        print(f"  {name}: {turns.people} of {mixture.people} people, error {error:.1%}, cpu {cost:.2f}")


def _words(name: str, sound: Samples, text: str, rate: int = RATE) -> tuple[Said, ...]:
    begun_s = time.process_time()
    found = transcribe(sound, rate, speakers=1, threads=1)
    cost = (time.process_time() - begun_s) / found.duration_s
    wrong = word_errors([found.text], [text], "en")
    print(f"  {name}: {wrong:.1%} of the words wrong, language {found.language}, cpu {cost:.2f}")
    return found.segments


def _within(late: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    return float(np.quantile(np.abs(late), 0.9)) * 1000


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/media"))
