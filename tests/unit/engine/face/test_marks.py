"""Marks are JSON that others can drive faces with."""

from __future__ import annotations

import json

import numpy as np

from avatarium.engine.face.life import Life
from avatarium.engine.face.marks import ARKIT, arkit_curves, arkit_marks, speech_marks
from avatarium.engine.speech.records import Phoneme, Speech, Word

SPEECH = Speech(
    audio=np.zeros(24000, np.float32),
    rate=24000,
    phonemes=(
        Phoneme(ipa="m", start_s=0.2, end_s=0.3),
        Phoneme(ipa="aɪ", start_s=0.3, end_s=0.5, stress=1),
        Phoneme(ipa="u", start_s=0.6, end_s=0.8),
    ),
    words=(Word(text="my", start_s=0.2, end_s=0.5), Word(text="ooh", start_s=0.6, end_s=0.8)),
    language="en-US",
)


def test_marks_survive_json_and_keep_their_times() -> None:
    marks = json.loads(json.dumps(speech_marks(SPEECH)))
    assert [w["text"] for w in marks["words"]] == ["my", "ooh"]
    assert [v["viseme"] for v in marks["visemes"]] == ["pbm", "a", "ih", "u"]
    assert marks["visemes"][1]["end_s"] == marks["visemes"][2]["start_s"] == 0.4
    assert marks["duration_s"] == 1.0


def test_arkit_has_apples_52_names_once_and_weights_between_0_and_1() -> None:
    marks = arkit_marks(SPEECH, fps=60)
    frames = np.array(marks["frames"])
    assert len(set(marks["names"])) == 52
    assert frames.shape == (60, 52)
    assert frames.min() >= 0 and frames.max() <= 1


def test_arkit_shapes_follow_the_sounds() -> None:
    curves = arkit_curves(Life(fps=100).perform(SPEECH, 100))
    shape = {name: curves[:, i] for i, name in enumerate(ARKIT)}
    assert shape["jawOpen"][35] > 0.3 > shape["jawOpen"][25]
    assert shape["mouthPucker"][70] > 0.4 > shape["mouthPucker"][38]
    assert shape["mouthPressLeft"][25] > 0.2 > shape["mouthPressLeft"][38]
    assert np.array_equal(shape["mouthPressLeft"], shape["mouthPressRight"])
