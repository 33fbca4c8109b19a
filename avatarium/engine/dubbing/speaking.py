"""What is spoken instead, segment by segment: kept by what it was made of, so that only what changed is spoken anew."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avatarium.engine.face.video.storing import UnreadableArrays, read_arrays, write_arrays
from avatarium.engine.speech.records import Phoneme, Samples, Speech, Word
from avatarium.engine.speech.speakers import Voice
from avatarium.engine.speech.synthesis import synthesize
from avatarium.engine.video.part import PartFile

SLOWEST, FASTEST = 0.85, 1.25
_VERSION = 1
_LEAD_S, _TAIL_S = 0.02, 0.10
"""Sound that is kept before the first phoneme and after the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One text in one voice, cut to where it is heard."""

    audio: Samples
    rate: int
    """Samples a second."""
    lead_s: float
    """From the first sample to the first sound."""
    spoken_s: float
    """From the first sound to the end of the last."""
    phonemes: tuple[Phoneme, ...]
    """Times from the first sample."""
    words: tuple[Word, ...]


class Mouthpiece:
    """Speaks texts and keeps what it spoke.

    Args:
        folder: where it is kept; None keeps nothing.
        threads: of the CPU.
        seed: of all randomness.
    """

    def __init__(self, folder: Path | None, *, threads: int = 2, seed: int = 0) -> None:
        self.made = 0
        """Texts that were not there."""
        self._folder, self._threads, self._seed = folder, threads, seed
        self._digests: dict[Path, str] = {}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def say(self, text: str, voice: Voice, rate: float) -> Spoken | None:
        """A text at a speed; None where nothing in it can be spoken.

        Raises:
            TextError, OptionError, AssetError: as :func:`synthesize`.
        """
        rate = round(rate, 2)
        return self._kept(
            self._key(text, voice, rate), lambda: synthesize(text, voice, rate, seed=self._seed, threads=self._threads)
        )

    def _kept(self, key: str, make: Callable[[], Speech]) -> Spoken | None:
        path = self._folder / f"{key}.said" if self._folder else None
        if path is not None and (found := _read(path)) is not None:
            return found
        spoken = _cut(make())
        self.made += 1
        if path is not None and spoken is not None:
            _write(path, spoken)
        return spoken

    def _key(self, text: str, voice: Voice, rate: float) -> str:
        told = [_VERSION, voice.name, str(voice.engine), voice.model, voice.language, self._style(voice), text, rate]
        return hashlib.sha256(json.dumps([*told, self._seed]).encode()).hexdigest()[:32]

    def _style(self, voice: Voice) -> str:
        style = voice.style
        if style is None:
            return ""
        if style not in self._digests:
            self._digests[style] = hashlib.sha256(style.read_bytes()).hexdigest()
        return self._digests[style]


def _cut(speech: Speech) -> Spoken | None:
    if not speech.phonemes:
        return None
    first_s, last_s = speech.phonemes[0].start_s, speech.phonemes[-1].end_s
    start = round(max(0.0, first_s - _LEAD_S) * speech.rate)
    audio = speech.audio[start : round((last_s + _TAIL_S) * speech.rate)]
    by_s = start / speech.rate
    return Spoken(
        audio=audio,
        rate=speech.rate,
        lead_s=first_s - by_s,
        spoken_s=last_s - first_s,
        phonemes=tuple(
            Phoneme(ipa=p.ipa, start_s=p.start_s - by_s, end_s=p.end_s - by_s, stress=p.stress) for p in speech.phonemes
        ),
        words=tuple(Word(text=w.text, start_s=w.start_s - by_s, end_s=w.end_s - by_s) for w in speech.words),
    )


def _write(path: Path, spoken: Spoken) -> None:
    marks = {
        "phonemes": [[p.ipa, p.start_s, p.end_s, p.stress] for p in spoken.phonemes],
        "words": [[w.text, w.start_s, w.end_s] for w in spoken.words],
        "rate": spoken.rate,
        "lead_s": spoken.lead_s,
        "spoken_s": spoken.spoken_s,
    }
    part = PartFile(path)
    try:
        with part.writing(), open(part.part, "wb") as file:
            told = np.frombuffer(json.dumps(marks).encode(), np.uint8)
            write_arrays(file, {"audio": spoken.audio.astype(np.float32), "marks": told})
        with part.writing():
            part.land()
    finally:
        part.discard()


def _read(path: Path) -> Spoken | None:
    """What was kept; None where there is none, or it is damaged."""
    try:
        with path.open("rb") as file:
            arrays = read_arrays(file)
        marks = json.loads(arrays["marks"].tobytes())
        return Spoken(
            audio=arrays["audio"].astype(np.float32),
            rate=int(marks["rate"]),
            lead_s=float(marks["lead_s"]),
            spoken_s=float(marks["spoken_s"]),
            phonemes=tuple(
                Phoneme(ipa=ipa, start_s=start, end_s=end, stress=stress)
                for ipa, start, end, stress in marks["phonemes"]
            ),
            words=tuple(Word(text=text, start_s=start, end_s=end) for text, start, end in marks["words"]),
        )
    except (OSError, UnreadableArrays, zipfile.BadZipFile, KeyError, ValueError, TypeError):
        return None
