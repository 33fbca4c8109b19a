"""Where an utterance begins and ends: a state machine over the probabilities of speech in frames of 32 ms."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

import numpy as np

from avatarium.engine.speech import Samples
from avatarium.engine.speech.activity import FRAME_S
from avatarium.streaming.ears.echo import ALIKE, UNLIKE, WINDOW

SURE = 0.6
"""Probability of a frame that counts as speech."""
SURE_OVER_VOICE = 0.8
"""The same while the avatar itself can be heard."""
LEAST_OVER_VOICE = 0.008
"""And its least loudness (root mean square), -42 dB: a voice at its own microphone has more, what echo cancellation
leaves over has less."""
DOUBT = 0.3
"""Probability below which a frame is silence."""
START_S = 0.2
"""Speech after which somebody surely speaks; a cough or a knock is shorter."""
START_OVER_VOICE_S = 0.32
"""The same while the avatar can be heard, where it is unlike what the avatar says; see :meth:`Turns._is_echo`."""
LONGEST_DOUBT_S = 2.0
"""Sound that is kept while it is not clear whether somebody speaks."""
GAP_S = 0.15
"""Silence that may lie between syllables before speech is sure."""
END_S = 0.6
"""Silence that ends an utterance."""
PRE_ROLL_S = 0.4
"""Sound before the first sure frame that belongs to the utterance."""
LONGEST_S = 29.0
"""After which an utterance is cut; Whisper hears 30 s."""


Echo = Callable[[int], float]


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
    _since: int = 0
    """Frames since the first sure one."""
    _speaks: bool = False
    _echoes: bool = False

    @property
    def speaks(self) -> bool:
        """Whether somebody is within an utterance."""
        return self._speaks

    def feed(self, frame: Samples, probability: float, *, echo: Echo | None) -> Turn | None:
        """One frame of 512 samples.

        Args:
            frame: at 16 kHz.
            probability: of speech in it.
            echo: how much the last frames, so many, are like what the avatar says; None where it is silent.
        """
        if self._speaks:
            return self._within(frame, probability)
        return self._outside(frame, probability, echo)

    def take(self) -> Samples:
        """The sound of the utterance that ended last, without the silence at its end but for a moment; once."""
        sound, self._ended = self._ended, np.zeros(0, np.float32)
        return sound

    def _outside(self, frame: Samples, probability: float, echo: Echo | None) -> Turn | None:
        sure = probability >= SURE if echo is None else probability >= SURE_OVER_VOICE and _loud(frame)
        if sure and not self._frames:
            self._frames = list(self._before)
            self._before.clear()
            self._since = 0
        (self._frames if self._frames or sure else self._before).append(frame)
        self._since += 1
        self._sure_s += FRAME_S if sure else 0.0
        self._silent_s = 0.0 if sure else self._silent_s + FRAME_S
        if self._silent_s > GAP_S:
            self._forget()
        del self._frames[: -round(LONGEST_DOUBT_S / FRAME_S)]
        if not sure or self._sure_s < (START_S if echo is None else START_OVER_VOICE_S):
            return None
        if echo is not None and self._is_echo(echo):
            return None
        self._speaks, self._silent_s, self._echoes = True, 0.0, False
        return Turn.STARTED

    def _is_echo(self, echo: Echo) -> bool:
        """Half a second tells, or less where there is hardly a likeness; what was an echo has to lose it."""
        count = min(self._since, WINDOW)
        limit = ALIKE if count == WINDOW and not self._echoes else UNLIKE
        found = echo(count) >= limit
        self._echoes = self._echoes or (found and count == WINDOW)
        return found

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
        self._frames, self._sure_s, self._silent_s, self._echoes = [], 0.0, 0.0, False


def _loud(frame: Samples) -> bool:
    return float(np.square(frame).mean()) >= LEAST_OVER_VOICE**2
