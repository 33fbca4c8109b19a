"""Where an utterance begins and ends: a state machine over the probabilities of speech in frames of 32 ms."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto

import numpy as np

from avatarium.engine.speech import Samples
from avatarium.engine.speech.activity import FRAME_S

SURE = 0.6
"""Probability of a frame that counts as speech."""
SURE_OVER_VOICE = 0.8
"""The same while the avatar itself can be heard."""
DOUBT = 0.3
"""Probability below which a frame is silence."""
START_S = 0.2
"""Speech after which somebody surely speaks; a cough or a knock is shorter."""
START_OVER_VOICE_S = 0.32
GAP_S = 0.15
"""Silence that may lie between syllables before speech is sure."""
END_S = 0.6
"""Silence that ends an utterance."""
PRE_ROLL_S = 0.4
"""Sound before the first sure frame that belongs to the utterance."""
LONGEST_S = 29.0
"""After which an utterance is cut; Whisper hears 30 s."""


class Turn(Enum):
    """What a frame brought about."""

    STARTED = auto()
    ENDED = auto()


@dataclass(slots=True)
class Turns:
    """The utterances of one microphone. One thread at a time."""

    _before: deque[Samples] = field(default_factory=lambda: deque(maxlen=round(PRE_ROLL_S / FRAME_S)))
    _frames: list[Samples] = field(default_factory=list)
    _ended: Samples = field(default_factory=lambda: np.zeros(0, np.float32))
    _sure_s: float = 0.0
    _silent_s: float = 0.0
    _speaks: bool = False

    @property
    def speaks(self) -> bool:
        """Whether somebody is within an utterance."""
        return self._speaks

    @property
    def ready(self) -> bool:
        """Whether the next sure frame could start an utterance, so that it is worth to look for an echo."""
        return not self._speaks and self._sure_s > 0

    def feed(self, frame: Samples, probability: float, *, over_voice: bool, is_echo: bool) -> Turn | None:
        """One frame of 512 samples.

        Args:
            frame: at 16 kHz.
            probability: of speech in it.
            over_voice: the avatar can be heard at the same time.
            is_echo: what is heard now is the avatar.
        """
        if self._speaks:
            return self._within(frame, probability)
        return self._outside(frame, probability, over_voice, is_echo)

    def take(self) -> Samples:
        """The sound of the utterance that ended last, without the silence at its end but for a moment; once."""
        sound, self._ended = self._ended, np.zeros(0, np.float32)
        return sound

    def _outside(self, frame: Samples, probability: float, over_voice: bool, is_echo: bool) -> Turn | None:
        sure = probability >= (SURE_OVER_VOICE if over_voice else SURE) and not is_echo
        if sure:
            if not self._frames:
                self._frames = list(self._before)
                self._before.clear()
            self._sure_s += FRAME_S
            self._silent_s = 0.0
        elif self._frames:
            self._silent_s += FRAME_S
        (self._frames if self._frames else self._before).append(frame)
        if is_echo or self._silent_s > GAP_S:
            self._forget()
        if self._sure_s < (START_OVER_VOICE_S if over_voice else START_S):
            return None
        self._speaks, self._silent_s = True, 0.0
        return Turn.STARTED

    def _within(self, frame: Samples, probability: float) -> Turn | None:
        self._frames.append(frame)
        self._silent_s = self._silent_s + FRAME_S if probability < DOUBT else 0.0
        if self._silent_s < END_S and len(self._frames) * FRAME_S < LONGEST_S:
            return None
        self._speaks = False
        keep = max(0, round((self._silent_s - GAP_S) / FRAME_S))
        self._ended = np.concatenate(self._frames[: len(self._frames) - keep])
        self._frames, self._sure_s, self._silent_s = [], 0.0, 0.0
        return Turn.ENDED

    def _forget(self) -> None:
        self._before.extend(self._frames)
        self._frames, self._sure_s, self._silent_s = [], 0.0, 0.0
