from __future__ import annotations

import numpy as np
import pytest

from avatarium.engine.speech.activity import FRAME_S, PAD_S, stretches


def test_doubt_inside_speech_does_not_end_it() -> None:
    speech = np.array([0, 0, 0.9, 0.4, 0.4, 0.9, 0.9, 0.1, 0], np.float32)
    (only,) = stretches(speech)
    assert only.start_s == pytest.approx(2 * FRAME_S - PAD_S)
    assert only.end_s == pytest.approx(7 * FRAME_S + PAD_S)


def test_scraps_are_dropped_and_near_ones_joined() -> None:
    quiet, loud = [0.0], [0.9]
    assert stretches(np.array(quiet * 9 + loud * 2 + quiet * 9, np.float32)) == ()
    assert len(stretches(np.array(loud * 9 + quiet * 5 + loud * 9, np.float32))) == 1
    assert len(stretches(np.array(loud * 9 + quiet * 20 + loud * 9, np.float32))) == 2


def test_speech_to_the_very_end() -> None:
    (only,) = stretches(np.array([0.9] * 20, np.float32))
    assert only.start_s == 0.0
