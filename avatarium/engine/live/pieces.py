"""A piece of speech made ready to be performed: whole ticks of sound at 48 kHz, and what the face does in each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import soxr

from avatarium.engine.face.coarticulation import segments
from avatarium.engine.face.life import GOING_ON, Life
from avatarium.engine.face.pose import Floats
from avatarium.engine.face.visemes import Viseme
from avatarium.engine.live.bearing import Bearing, bearings
from avatarium.engine.live.clock import FPS, RATE, TICK_S, TICK_SAMPLES, Sound
from avatarium.engine.live.gestures import Gesture
from avatarium.engine.live.marks import Mark, MarkKind
from avatarium.engine.live.sounding import QUIET, end_softly
from avatarium.engine.recording import LONGEST_PIECE_S, in_pieces
from avatarium.engine.speech.records import Speech, Word


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Piece:
    """One piece, ready."""

    sound: Sound
    """At 48 kHz, whole ticks."""
    mouth: Floats
    """Controls by tick, the very ones that a video of this piece shows."""
    bearing: Bearing
    marks: tuple[Mark, ...]
    """Words and visemes in order of time, as of the start of the utterance."""
    words: tuple[Word, ...]
    """As of the start of the utterance."""
    sound_s: float
    """Without what fills the last tick."""
    gesture: Gesture | None = None

    @property
    def ticks(self) -> int:
        """How many."""
        return len(self.mouth)

    def heard(self, tick: int) -> Sound:
        """The sound of one of its ticks."""
        return self.sound[tick * TICK_SAMPLES : (tick + 1) * TICK_SAMPLES]


def short_pieces(speech: Speech) -> list[Speech]:
    """The speech, cut in its pauses where it is so long that its curves would take much memory."""
    if speech.duration_s <= LONGEST_PIECE_S:
        return [speech]
    even = speech if speech.rate % FPS == 0 else replace(speech, audio=_resampled(speech), rate=RATE)
    return list(in_pieces(even, FPS))


def prepare_piece(
    speech: Speech, *, tag: str, life: Life, scene_s: float, before_ticks: int, gesture: Gesture | None
) -> Piece:
    """Make a piece ready; takes some milliseconds.

    Args:
        speech: the piece, of any rate.
        tag: of the utterance.
        life: temperament and emotion.
        scene_s: where in the life's noise the utterance begins.
        before_ticks: how long the utterance is before this piece.
        gesture: begins with the piece.
    """
    filled = _filled(speech)
    ticks = len(filled.audio) * FPS // filled.rate
    start_s = before_ticks * TICK_S
    edges = (GOING_ON if before_ticks else 0.0, GOING_ON)
    performance = life.perform(filled, ticks, start_s=scene_s + start_s, edges=edges)
    return Piece(
        sound=_sound(speech, ticks),
        mouth=performance.mouth,
        bearing=bearings(performance),
        marks=_marks(speech, tag, start_s),
        words=tuple(replace(w, start_s=w.start_s + start_s, end_s=w.end_s + start_s) for w in speech.words),
        sound_s=speech.duration_s,
        gesture=gesture,
    )


def _filled(speech: Speech) -> Speech:
    """Filled with silence to whole ticks, as the pieces of a video are."""
    ticks = -(-len(speech.audio) * FPS // speech.rate)
    # A rate that 25 does not divide ends within the last tick.
    samples = -(-ticks * speech.rate // FPS)
    return replace(speech, audio=np.pad(speech.audio, (0, samples - len(speech.audio))))


def _sound(speech: Speech, ticks: int) -> Sound:
    sound = np.zeros(ticks * TICK_SAMPLES, np.float32)
    made = np.clip(np.nan_to_num(_resampled(speech)[: len(sound)]), -1, 1)
    sound[: len(made)] = made
    if len(made) and abs(float(made[-1])) > QUIET:
        end_softly(sound, len(made), float(made[-1]))
    return sound


def _resampled(speech: Speech) -> Sound:
    if speech.rate == RATE:
        return np.asarray(speech.audio, np.float32)
    return np.asarray(soxr.resample(speech.audio, speech.rate, RATE), np.float32)


def _marks(speech: Speech, tag: str, start_s: float) -> tuple[Mark, ...]:
    words = [(w.start_s, w.end_s, MarkKind.WORD, w.text) for w in speech.words]
    shapes = [
        (s.start_s, s.end_s, MarkKind.VISEME, s.viseme.value)
        for s in segments(speech.phonemes)
        if s.viseme is not Viseme.SILENCE and 0 <= s.start_s < speech.duration_s
    ]
    return tuple(
        Mark(kind=kind, tag=tag, at_s=start_s + at_s, end_s=start_s + end_s, text=text)
        for at_s, end_s, kind, text in sorted(words + shapes, key=lambda mark: mark[0])
    )
