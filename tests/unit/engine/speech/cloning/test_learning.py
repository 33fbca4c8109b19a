from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from avatarium.engine.speech.cloning import network
from avatarium.engine.speech.cloning.learning import LONGEST_FRAMES, Lesson, Pace, learn, space
from avatarium.engine.speech.cloning.network import frames_heard
from avatarium.engine.speech.cloning.offsets import OFFSETS, OFFSETS_SIZE
from avatarium.engine.speech.cloning.phrases import Phrase

Array = NDArray[np.float32]
SIZE = 128


def _styles() -> Array:
    rng = np.random.default_rng(2)
    stretched = rng.standard_normal((54, SIZE)) * np.linspace(0.1, 3.0, SIZE)
    return (stretched + 1.0).astype(np.float32)


def _phrase(frames: int) -> Phrase:
    heard = frames_heard(frames)
    return Phrase(
        text=np.arange(frames, dtype=np.float32)[None, None].repeat(512, axis=1),
        pitch=np.zeros((1, 1, 2 * frames), np.float32),
        loudness=np.zeros((1, 1, 2 * frames), np.float32),
        bands=np.arange(heard, dtype=np.float32)[None, :, None].repeat(80, axis=2),
        trust=np.ones((1, heard, 1), np.float32),
    )


class _Bowl:
    """A network whose loss is the square of how far a style is from the wanted one."""

    def __init__(self, wanted: Array) -> None:
        self.wanted = wanted
        self.nudged = np.linspace(-0.05, 0.05, OFFSETS_SIZE, dtype=np.float32)
        self.asked: list[Mapping[str, Array]] = []

    def run(self, outputs: Sequence[str], inputs: Mapping[str, Array]) -> list[Array]:
        self.asked.append(inputs)
        return [2 * (inputs[network.STYLE] - self.wanted), 2 * (inputs[OFFSETS] - self.nudged)]


def _learn(bowl: _Bowl, lessons: Sequence[Lesson], start: Array, **changes: Any) -> Array:
    pace = Pace(**{"steps": 80, "stride": 0.15, "pull": 0.0} | changes)
    return learn(
        cast("onnxruntime.InferenceSession", bowl),
        lessons,
        start=start,
        voice=np.zeros(192, np.float32),
        within=space(_styles()),
        pace=pace,
        seed=0,
        progress=lambda share: None,
    ).style


def test_places_and_styles_are_each_others_way_back() -> None:
    styles = _styles()
    within = space(styles)
    for style in styles[:5]:
        np.testing.assert_allclose(within.style(within.place(style)), style, atol=1e-3)


def test_ready_voices_are_a_round_cloud_of_their_size() -> None:
    styles = _styles()
    within = space(styles)
    places = np.stack([within.place(style) for style in styles])
    assert 0.5 < float(np.sqrt(np.square(places).mean())) < 1.1


def test_the_way_down_ends_where_the_loss_is_least() -> None:
    styles = _styles()
    bowl = _Bowl(styles[7])
    found = _learn(bowl, [Lesson(phrase=_phrase(20))], styles[3], steps=150)
    assert np.linalg.norm(found - styles[7]) < 0.25 * np.linalg.norm(styles[3] - styles[7])


def test_offsets_wait_for_the_style_and_then_find_their_own_way() -> None:
    bowl = _Bowl(_styles()[7])
    _learn(bowl, [Lesson(phrase=_phrase(20))], _styles()[3], steps=40, style_alone=0.5)
    sizes = [float(np.abs(asked[OFFSETS]).max()) for asked in bowl.asked]
    assert max(sizes[:20]) == 0.0
    last = bowl.asked[-1][OFFSETS][0]
    assert np.corrcoef(last, bowl.nudged)[0, 1] > 0.9


def test_the_pull_keeps_a_style_among_the_ready_ones() -> None:
    styles = _styles()
    far = styles.mean(axis=0) + 30 * (styles[0] - styles.mean(axis=0))
    within = space(styles)
    sizes = [
        np.linalg.norm(within.place(_learn(_Bowl(far), [Lesson(phrase=_phrase(20))], styles[0], pull=pull)))
        for pull in (0.0, 1e5)
    ]
    assert sizes[1] < 0.5 * sizes[0]


def test_lessons_take_turns_and_long_ones_are_heard_in_parts() -> None:
    bowl = _Bowl(_styles()[0])
    long = LONGEST_FRAMES + 40
    _learn(bowl, [Lesson(phrase=_phrase(20)), Lesson(phrase=_phrase(long))], _styles()[1], steps=8)
    lengths = [asked[network.TEXT].shape[2] for asked in bowl.asked]
    assert lengths == [20, LONGEST_FRAMES] * 4
    assert len({float(asked[network.TEXT][0, 0, 0]) for asked in bowl.asked[1::2]}) == 4
    for asked in bowl.asked:
        assert asked["bands"].shape[1] == asked["trust"].shape[1] == frames_heard(asked[network.TEXT].shape[2])
        assert np.abs(asked["bands"].mean(axis=1)).max() < 1e-4


def test_a_part_of_a_phrase_is_that_stretch_of_everything() -> None:
    part = _phrase(100).part(40, 20)
    assert part.text[0, 0, 0] == 40 and part.frames == 20
    assert part.bands[0, 0, 0] == pytest.approx(40 * 2.5, abs=1)


def test_what_is_told_may_stop_the_work() -> None:
    class StopError(Exception):
        pass

    def stop(share: float) -> None:
        raise StopError

    with pytest.raises(StopError):
        learn(
            cast("onnxruntime.InferenceSession", _Bowl(_styles()[0])),
            [Lesson(phrase=_phrase(20))],
            start=_styles()[1],
            voice=np.zeros(192, np.float32),
            within=space(_styles()),
            pace=Pace(steps=5),
            seed=0,
            progress=stop,
        )
