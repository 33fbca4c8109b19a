"""Sound that is pushed in while somebody else speaks it: heard in small pieces, which can be performed as they come."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import soxr

from avatarium.engine.live.clock import RATE, TICK_SAMPLES, Sound
from avatarium.engine.speech.recognition import phonemes_from_audio
from avatarium.engine.speech.records import Phoneme, Speech
from avatarium.errors import AudioError

LOWEST_RATE, HIGHEST_RATE = 8_000, 192_000
PIECE_S, LONGEST_PIECE_S = 0.4, 4.0
"""As short as sound that comes as it is spoken; longer where more of it is there."""
BEFORE_S, AFTER_S = 1.2, 0.28
"""Sound heard around a piece, so that its outermost phonemes are right."""
_KEPT_S = 0.6
"""Phonemes around a piece that its mouth takes into account."""
_SAME_S = 0.08
"""A phoneme heard twice at a joint stands at most so far apart."""


class HeardSound:
    """Turns a stream of sound into pieces of speech with phonemes; together they are the very same sound at 48 kHz.

    The first piece comes after 0.7 s of sound. Hearing costs about a quarter of a second of CPU for a second of sound
    that comes as it is spoken, less where it comes faster. What is no speech has no phonemes. Pieces also carry the
    phonemes shortly before and after them, at times outside of their sound. For one thread at a time.

    Args:
        language: BCP 47 tag, only passed on.
    """

    def __init__(self, language: str = "") -> None:
        self._language = language
        self._resampler: soxr.ResampleStream | None = None
        self._rate = 0
        self._sound: Sound = np.zeros(0, np.float32)
        self._done = 0
        """Samples of the buffer that were given out; they stay as context."""
        self._past: list[Phoneme] = []
        """Phonemes given out, as of the end of what was given out."""

    def feed(self, pcm: Sound, rate: int) -> list[Speech]:
        """Hear more.

        Args:
            pcm: mono, -1..1, of any length.
            rate: 8,000 to 192,000 samples a second; it may change.

        Raises:
            AudioError: ``bad_rate`` or ``bad_sound``.
        """
        if not LOWEST_RATE <= rate <= HIGHEST_RATE:
            raise AudioError(
                f"Sound of {rate} samples a second cannot be used. Send {LOWEST_RATE} to {HIGHEST_RATE}, best 48000.",
                code="bad_rate",
            )
        if pcm.ndim != 1:
            raise AudioError("The sound has several channels. Send one.", code="bad_sound")
        if rate != self._rate:
            self._flush()
            self._resampler, self._rate = soxr.ResampleStream(rate, RATE, 1, dtype="float32"), rate
        assert self._resampler is not None
        self._take(self._resampler.resample_chunk(np.nan_to_num(np.asarray(pcm, np.float32))))
        return self._pieces()

    def finish(self) -> list[Speech]:
        """What is left. Something else may be fed afterwards."""
        self._flush()
        pieces = self._pieces()
        if len(self._sound) > self._done:
            pieces.append(self._piece(len(self._sound) - self._done))
        self._sound, self._done, self._past = self._sound[:0], 0, []
        return pieces

    def _flush(self) -> None:
        if self._resampler is not None:
            self._take(self._resampler.resample_chunk(np.zeros(0, np.float32), last=True))
        self._resampler, self._rate = None, 0

    def _take(self, sound: Sound) -> None:
        self._sound = np.concatenate([self._sound, np.clip(sound.reshape(-1), -1, 1)])

    def _pieces(self) -> list[Speech]:
        pieces: list[Speech] = []
        while (ready := len(self._sound) - self._done - round(AFTER_S * RATE)) >= round(PIECE_S * RATE):
            pieces.append(self._piece(min(ready, round(LONGEST_PIECE_S * RATE)) // TICK_SAMPLES * TICK_SAMPLES))
        return pieces

    def _piece(self, samples: int) -> Speech:
        start, end = self._done, self._done + samples
        heard = self._hear(self._sound[: end + round(AFTER_S * RATE)], start / RATE)
        length_s = samples / RATE
        around = [*self._past, *heard]
        piece = Speech(
            audio=self._sound[start:end].copy(),
            rate=RATE,
            phonemes=tuple(p for p in around if p.start_s < length_s + _KEPT_S),
            words=(),
            language=self._language,
        )
        given = [_moved(p, -length_s) for p in around if p.start_s < length_s]
        self._past = [p for p in given if p.end_s > -_KEPT_S]
        kept = max(0, end - round(BEFORE_S * RATE))
        self._sound, self._done = self._sound[kept:], end - kept
        return piece

    def _hear(self, sound: Sound, from_s: float) -> list[Phoneme]:
        """Phonemes from the start of a piece on, as of its start, without those that the piece before had."""
        try:
            heard = phonemes_from_audio(sound, RATE).phonemes
        except AudioError as problem:
            if problem.code != "no_speech":
                raise
            return []
        moved = [_moved(p, -from_s) for p in heard]
        return [p for p in moved if p.start_s >= 0 or (p.start_s > -_SAME_S and not self._given(p))]

    def _given(self, phoneme: Phoneme) -> bool:
        return any(p.ipa == phoneme.ipa and abs(p.start_s - phoneme.start_s) < _SAME_S for p in self._past)


def _moved(phoneme: Phoneme, by_s: float) -> Phoneme:
    return replace(phoneme, start_s=phoneme.start_s + by_s, end_s=phoneme.end_s + by_s)
