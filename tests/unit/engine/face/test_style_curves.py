"""A style reaches the mouth, and the same way in files and live."""

from __future__ import annotations

import numpy as np

from avatarium.engine.face.coarticulation import mouth_controls
from avatarium.engine.face.life import Life, loudness_of
from avatarium.engine.face.pose import Mouth
from avatarium.engine.face.style import GENERAL
from avatarium.engine.face.style.design import CONTROLS, design_of, targets_of
from avatarium.engine.face.style.error import LIPS, lips_of
from avatarium.engine.face.style.regression import predicted
from avatarium.engine.live.performer import Performer
from avatarium.engine.live.pieces import prepare_piece
from tests.support.style_people import FPS, babble, neutral_face, person, seen_speaking

LIVELY = person(opens=1.5, rounds=1.4)


def test_without_a_style_the_mouth_is_that_of_most_people() -> None:
    speech = babble(4)
    plain, general = (mouth_controls(speech.phonemes, 100, 25, style=style) for style in (None, GENERAL))
    assert np.array_equal(plain, general)


def test_somebody_who_opens_wide_opens_wide() -> None:
    speech = babble(6)
    usual, wide = (mouth_controls(speech.phonemes, 150, 25, style=style) for style in (None, LIVELY))
    assert np.percentile(wide[:, Mouth.OPEN], 95) > 1.35 * np.percentile(usual[:, Mouth.OPEN], 95)
    assert wide[:, Mouth.WIDTH].min() < 1.25 * usual[:, Mouth.WIDTH].min()
    shut = usual[:, Mouth.OPEN] <= -0.006
    assert shut.any()
    assert (wide[shut, Mouth.OPEN] <= -0.006).all()


def test_before_and_after_speech_everybody_is_shut() -> None:
    speech = babble(4)
    controls = mouth_controls(speech.phonemes, 150, 25, style=LIVELY)
    assert np.abs(controls[-15:, :4]).max() < 0.01
    assert not mouth_controls([], 30, 25, style=LIVELY).any()


def test_files_and_live_rooms_show_the_same_curves() -> None:
    speech, life = babble(5), Life(seed=4, style=LIVELY)
    filmed = life.perform(speech, 125).mouth
    piece = prepare_piece(speech, tag="a", life=life, scene_s=0.0, before_ticks=0, gesture=None)
    assert np.array_equal(piece.mouth, filmed)
    performer = Performer(life)
    performer.say(speech, tag="a")
    performer.finish("a")
    shown = np.stack([performer.tick().pose.mouth for _ in range(125)])
    assert np.allclose(shown, filmed)
    assert not np.allclose(filmed, Life(seed=4).perform(speech, 125).mouth, atol=0.01)


def test_any_window_of_a_style_is_that_part_of_the_whole() -> None:
    speech = babble(8)
    whole = mouth_controls(speech.phonemes, 200, 25, style=LIVELY)
    window = mouth_controls(speech.phonemes, 40, 25, start_s=80 / 25, style=LIVELY)
    assert np.allclose(window[4:-4], whole[84:116], atol=3e-3)


def test_the_design_times_the_targets_is_the_curve() -> None:
    speech = babble(6)
    frames = round(6 * FPS)
    for style in (GENERAL, LIVELY):
        real = mouth_controls(speech.phonemes, frames, FPS, loudness=loudness_of(speech, frames, FPS), style=style)
        made = predicted(design_of(speech, frames, FPS).emphasised(style.loud_share), targets_of(style))
        open_mouth = real[:, Mouth.OPEN] > 0.01
        for control in CONTROLS:
            assert np.allclose(made[open_mouth, control], real[open_mouth, control], atol=2e-3)


def test_the_lips_of_the_error_are_those_of_the_rig() -> None:
    """An error in lips that nobody renders would say nothing about what is seen."""
    measures = seen_speaking(babble(3), LIVELY, noise=0.0)
    lips = lips_of(neutral_face().astype(float), measures.controls.astype(float))
    apart = np.linalg.norm(lips - measures.local[:, list(LIPS), :2], axis=2)
    parted = measures.controls[:, Mouth.OPEN] > 0.03
    assert parted.sum() > 30
    assert np.quantile(apart[parted], 0.99) < 0.003  # the rig keeps rows of a lip from folding, which this leaves out
    assert apart.mean() < 0.002  # and rolls lips in that press
