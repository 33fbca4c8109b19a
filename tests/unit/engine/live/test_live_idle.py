"""The loops of idle life have no joint, and differ from look to look only as they should."""

from __future__ import annotations

import numpy as np
import pytest

from avatarium.engine.face.life import Life
from avatarium.engine.face.pose import FEELINGS, Emotion
from avatarium.engine.live.bearing import BREATH, BROW, FEELING, GAZE, HEAD
from avatarium.engine.live.idle import LOOP_FRAMES, LOOP_TICKS, Look, Mode, idle_loop

LOOK = Look.of(Life())


@pytest.mark.parametrize("mode", Mode)
def test_the_loop_goes_on_at_its_end_as_within(mode: Mode) -> None:
    loop = idle_loop(LOOK).ticks[mode]
    steps = np.abs(np.diff(np.concatenate([loop, loop[:1]]), axis=0))
    smooth = [*range(HEAD.start, HEAD.stop), BROW, BREATH]
    assert (steps[-1, smooth] <= steps[:-1, smooth].max(0) * 1.05).all()
    assert np.degrees(steps[:, :3].max()) < 0.4


def test_eyes_jump_and_rest_and_do_not_drift() -> None:
    eyes = idle_loop(LOOK).ticks[Mode.RESTING][:, GAZE]
    still = np.abs(np.diff(eyes, axis=0)).max(1) < 1e-4
    assert still.mean() > 0.9


def test_the_head_moves_as_much_as_in_the_silence_of_files() -> None:
    loop = idle_loop(LOOK).ticks[Mode.RESTING][:, HEAD]
    files = np.concatenate([Life(seed=seed).perform(None, 250).head for seed in range(30)])
    assert (loop.std(0) > 0.4 * files.std(0)).all()
    assert (np.abs(loop).max(0) <= np.abs(files).max(0) * 1.01).all()


def test_breath_comes_whole_in_a_round() -> None:
    breath = idle_loop(LOOK).ticks[Mode.RESTING][:, BREATH]
    inhaled = breath > 1e-9
    assert (inhaled & ~np.roll(inhaled, 1)).sum() == 3


def test_frames_number_both_loops() -> None:
    loop = idle_loop(LOOK)
    resting = {loop.frame(Mode.RESTING, tick) for tick in range(3 * LOOP_TICKS)}
    listening = {loop.frame(Mode.LISTENING, tick) for tick in range(3 * LOOP_TICKS)}
    assert resting == set(range(LOOP_FRAMES)) and listening == set(range(LOOP_FRAMES, 2 * LOOP_FRAMES))
    for tick in (0, 1, 100, 249):
        pose = loop.pose(loop.frame(Mode.LISTENING, tick))
        np.testing.assert_allclose(pose.head, loop.at(Mode.LISTENING, tick // 2 * 2)[HEAD], atol=1e-6)


def test_a_feeling_rests_on_the_face_and_a_neutral_one_makes_no_other_look() -> None:
    happy = idle_loop(Look.of(Life(emotion=Emotion.HAPPY, strength=0.8))).ticks[0][:, FEELING]
    assert (happy[:, FEELINGS.index(Emotion.HAPPY)] > 0.3).all()
    assert happy.sum() == pytest.approx(happy[:, FEELINGS.index(Emotion.HAPPY)].sum())
    assert Look.of(Life(strength=0.3)) == LOOK
