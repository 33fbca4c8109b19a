"""One microphone: sound of any rate in, beginnings and ends of utterances out. No transcription yet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr

from avatarium.engine.speech import Samples
from avatarium.engine.speech.activity import FRAME, FRAME_S, ActivityStream
from avatarium.errors import AudioError
from avatarium.streaming.ears.echo import EchoGuard
from avatarium.streaming.ears.turns import Turn, Turns

RATE = 16_000
LOWEST_RATE, HIGHEST_RATE = 8_000, 192_000
PLAYED_RATE = 48_000
TAIL_S = 0.8
"""The avatar can still be heard so long after its last sound: the way to the viewer and back."""
_AUDIBLE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A turn, and at its end the sound of the utterance."""

    turn: Turn
    at_s: float
    sound: Samples | None = None


class Ears:
    """Listens to one microphone. One thread at a time; 3 % of a core while the avatar speaks."""

    def __init__(self) -> None:
        self._activity = ActivityStream()
        self._turns = Turns()
        self._echo = EchoGuard()
        self._rate = 0
        self._resampler: soxr.ResampleStream | None = None
        self._played = soxr.ResampleStream(PLAYED_RATE, RATE, 1, dtype="float32", quality="MQ")
        self._rest = np.zeros(0, np.float32)
        self._voice_s = 0.0
        self._frames = 0

    @property
    def at_s(self) -> float:
        """Seconds heard so far."""
        return self._frames * FRAME_S

    @property
    def speaks(self) -> bool:
        """Whether somebody is within an utterance."""
        return self._turns.speaks

    def played(self, sound: Samples) -> None:
        """What the avatar says at the same time, at 48 kHz, silence too."""
        if len(sound) and float(np.abs(sound).max()) > _AUDIBLE:
            self._voice_s = TAIL_S
        self._echo.played(self._played.resample_chunk(np.ascontiguousarray(sound, np.float32)).reshape(-1))

    def feed(self, pcm: Samples, rate: int) -> list[Heard]:
        """Sound of the microphone: ``float32`` mono, any length.

        Raises:
            AudioError: ``bad_rate``.
        """
        samples = np.concatenate([self._rest, self._at_16k(pcm, rate)])
        count = len(samples) // FRAME
        self._rest = samples[count * FRAME :]
        if not count:
            return []
        sound = samples[: count * FRAME]
        found = (
            self._frame(frame, float(probability))
            for frame, probability in zip(sound.reshape(count, FRAME), self._activity.feed(sound), strict=True)
        )
        return [heard for heard in found if heard is not None]

    def _frame(self, frame: Samples, probability: float) -> Heard | None:
        self._frames += 1
        self._echo.heard(frame)
        over_voice = self._voice_s > 0
        self._voice_s = max(0.0, self._voice_s - FRAME_S)
        turn = self._turns.feed(frame, probability, echo=self._echo.likeness if over_voice else None)
        if turn is None:
            return None
        return Heard(turn=turn, at_s=self.at_s, sound=self._turns.take() if turn is Turn.ENDED else None)

    def _at_16k(self, pcm: Samples, rate: int) -> Samples:
        if not LOWEST_RATE <= rate <= HIGHEST_RATE:
            raise AudioError(
                f"A microphone cannot have {rate} samples a second; send 8,000 to 192,000.", code="bad_rate"
            )
        sound = np.nan_to_num(np.ascontiguousarray(pcm, np.float32), posinf=0.0, neginf=0.0).clip(-1.0, 1.0)
        if rate != self._rate:
            self._resampler = (
                None if rate == RATE else soxr.ResampleStream(rate, RATE, 1, dtype="float32", quality="MQ")
            )
            self._rate = rate
        if self._resampler is None:
            return sound
        resampled: Samples = self._resampler.resample_chunk(sound).reshape(-1)
        return resampled
