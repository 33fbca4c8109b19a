from __future__ import annotations

import numpy as np
import pytest

from avatarium.engine.speech import Samples
from avatarium.engine.speech.activity import FRAME, FRAME_S
from avatarium.streaming.ears.turns import END_S, LONGEST_S, PRE_ROLL_S, Turn, Turns


def frames(seconds: float) -> int:
    return round(seconds / FRAME_S)


def feed(turns: Turns, seconds: float, probability: float, *, echo: float | None = None) -> list[Turn]:
    """Frames that are as loud as they are probable; ``echo``: their likeness to what the avatar says meanwhile."""
    frame = np.full(FRAME, probability, np.float32)
    like = None if echo is None else lambda count: echo
    found = (turns.feed(frame, probability, echo=like) for _ in range(frames(seconds)))
    return [turn for turn in found if turn is not None]


def test_an_utterance_begins_and_ends() -> None:
    turns = Turns()
    assert feed(turns, 1, 0.05) == []
    assert feed(turns, 1, 0.9) == [Turn.STARTED]
    assert turns.speaks
    assert feed(turns, 1, 0.05) == [Turn.ENDED]
    assert not turns.speaks


def test_its_sound_has_what_came_just_before_and_little_silence_behind() -> None:
    turns = Turns()
    feed(turns, 2, 0.05)
    feed(turns, 1, 0.9)
    feed(turns, 1, 0.05)
    sound: Samples = turns.take()
    spoken = np.flatnonzero(sound > 0.5)
    assert len(spoken) == frames(1) * FRAME
    assert spoken[0] / 16000 == pytest.approx(PRE_ROLL_S, abs=0.05)
    assert (len(sound) - spoken[-1]) / 16000 < 0.25
    assert len(turns.take()) == 0


@pytest.mark.parametrize("seconds", [0.03, 0.1, 0.16])
def test_a_knock_is_no_speech(seconds: float) -> None:
    turns = Turns()
    for _ in range(5):
        assert feed(turns, seconds, 0.95) == []
        assert feed(turns, 0.5, 0.05) == []


def test_a_pause_within_a_sentence_does_not_end_it() -> None:
    turns = Turns()
    feed(turns, 1, 0.9)
    assert feed(turns, END_S - 0.1, 0.05) == []
    assert feed(turns, 1, 0.9) == []
    assert feed(turns, 1, 0.05) == [Turn.ENDED]


def test_over_the_avatars_voice_it_takes_longer_and_surer_speech() -> None:
    turns = Turns()
    assert feed(turns, 2, 0.7, echo=0.1) == []
    assert feed(turns, 0.25, 0.9, echo=0.1) == []
    assert feed(turns, 0.15, 0.9, echo=0.1) == [Turn.STARTED]


def test_what_might_be_an_echo_is_listened_to_for_half_a_second() -> None:
    turns = Turns()
    assert feed(turns, 0.45, 0.9, echo=0.5) == []
    assert feed(turns, 0.15, 0.9, echo=0.5) == [Turn.STARTED]


def test_an_echo_never_starts_anything() -> None:
    turns = Turns()
    assert feed(turns, 20, 0.99, echo=0.8) == []
    assert feed(turns, 5, 0.99, echo=0.5) == [], "what was an echo is one still where it is a little less alike"
    assert feed(turns, 0.5, 0.99, echo=0.2) == [Turn.STARTED]
    feed(turns, 1, 0.0)
    assert len(turns.take()) / 16000 < 4, "the echo before is not part of the utterance"


def test_the_faint_rest_of_an_echo_never_starts_anything() -> None:
    turns = Turns()
    faint = np.full(FRAME, 0.004, np.float32)
    assert not [turn for _ in range(300) if (turn := turns.feed(faint, 0.99, echo=lambda count: 0.1))]
    assert [turn for _ in range(300) if (turn := turns.feed(faint, 0.99, echo=None))]


def test_an_endless_utterance_is_cut() -> None:
    turns = Turns()
    frame = np.ones(FRAME, np.float32)
    lengths = []
    for _ in range(frames(70)):
        if turns.feed(frame, 0.9, echo=None) is Turn.ENDED:
            lengths.append(len(turns.take()) / 16000)
    assert len(lengths) == 2
    assert all(length <= LONGEST_S + PRE_ROLL_S for length in lengths)
