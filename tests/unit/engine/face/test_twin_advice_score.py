"""The score and the sentences that facts about a clip make."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from avatarium.engine.face.advice import (
    ASPECTS,
    MENTIONED,
    REFUSED_AT_MOST,
    WELL,
    Aspect,
    Facts,
    advise,
    judged,
    sample_numbers,
)
from avatarium.engine.face.frame import FaceFrame
from avatarium.engine.face.rig import rotation
from avatarium.engine.face.video import fitness
from avatarium.engine.face.video.measures import measure
from avatarium.engine.face.video.tracking import Track
from avatarium.engine.video.intake import Clip
from avatarium.errors import AvatariumError

GOOD: Facts = {aspect.fact: aspect.good for aspect in ASPECTS} | {"sound": True, "masked": False}


def test_a_good_clip_has_one_sentence_and_all_points() -> None:
    advice = judged(GOOD)
    assert (advice.score, advice.sentences, advice.fit_to_train) == (100, (WELL,), True)


@pytest.mark.parametrize("aspect", ASPECTS, ids=lambda aspect: aspect.fact)
def test_every_fault_alone_costs_its_weight_and_is_named(aspect: Aspect) -> None:
    facts = GOOD | {aspect.fact: aspect.bad}
    advice = judged(facts)
    assert 100 - advice.score == round(aspect.weight) or advice.score == REFUSED_AT_MOST
    if advice.fit_to_train:
        assert advice.sentences == (aspect.words(facts),)
    assert all(sentence.endswith(".") and "{" not in sentence for sentence in advice.sentences)


@given(
    st.sampled_from(ASPECTS),
    st.lists(st.tuples(st.sampled_from(ASPECTS), st.floats(0, 1)), max_size=4),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_the_score_never_rises_when_something_gets_worse(
    aspect: Aspect, others: list[tuple[Aspect, float]], one: float, other: float
) -> None:
    def at(which: Aspect, quality: float) -> float:
        return which.bad + quality * (which.good - which.bad)

    facts = GOOD | {which.fact: at(which, quality) for which, quality in others}
    worse, better = sorted((one, other))
    assert (
        judged(facts | {aspect.fact: at(aspect, worse)}).score
        <= judged(facts | {aspect.fact: at(aspect, better)}).score
    )


def test_what_costs_most_is_said_first() -> None:
    facts = GOOD | {"light": 30.0, "light_evenness": 0.4, "ground_told_apart": 0.1}
    said = judged(facts).sentences
    assert len(said) == 3
    assert "dark" in said[0] and "one side" in said[1] and "behind" in said[2]


def test_small_faults_are_not_put_into_words() -> None:
    light = next(aspect for aspect in ASPECTS if aspect.fact == "light")
    slightly = light.bad + (MENTIONED + 0.05) * (light.good - light.bad)
    advice = judged(GOOD | {"light": slightly})
    assert advice.sentences == (WELL,) and 85 < advice.score < 100


@pytest.mark.parametrize(
    ("fact", "value", "word"),
    [
        ("light", 12.0, "dark"),
        ("covered_share", 0.7, "covered"),
        ("masked", True, "mask"),
    ],
)
def test_what_no_avatar_can_be_made_of_is_said_first_and_once(fact: str, value: float | bool, word: str) -> None:
    advice = judged(GOOD | {fact: value})
    assert not advice.fit_to_train and advice.score <= REFUSED_AT_MOST
    assert word in advice.sentences[0]
    assert len(advice.sentences) == 1


def test_of_a_mask_follows_no_advice_to_open_the_mouth() -> None:
    advice = judged(GOOD | {"masked": True, "mouth_range": 0.01, "covered_share": 0.3, "sound": False})
    assert advice.sentences[0].startswith("A mask")
    assert [sentence.split(".")[0] for sentence in advice.sentences[1:]] == ["There is no sound"]


def test_of_several_people_it_is_said_who_becomes_the_avatar() -> None:
    (sentence,) = judged(GOOD | {"others_share": 1.0}).sentences
    assert "largest face" in sentence


FRAMES = 160


def filmed(face: NDArray[np.float64], *, iod: float, turned_deg: float, seen: float, shots: int) -> Track:
    """A face before the middle of the picture."""
    shown = iod * FaceFrame.of(face).to_local(face) @ rotation(np.radians(turned_deg), 0.0, 0.0).T + [256, 256, 0]
    points = np.concatenate([shown, np.zeros((10, 3))]).astype(np.float32)
    return Track(
        points=np.repeat(points[None], FRAMES, axis=0),
        seen=np.arange(FRAMES) < round(seen * FRAMES),
        others=np.zeros(FRAMES, np.int16),
        cuts=tuple(range(FRAMES // shots, FRAMES, FRAMES // shots)),
        width=512,
        height=512,
    )


@pytest.mark.parametrize("iod", [30.0, 60.0])
@pytest.mark.parametrize("turned_deg", [10.0, 42.0])
@pytest.mark.parametrize("seen", [0.5, 0.9])
@pytest.mark.parametrize("shots", [1, 4])
def test_a_clip_is_called_fit_exactly_when_the_training_takes_it(
    face: NDArray[np.float64], iod: float, turned_deg: float, seen: float, shots: int
) -> None:
    track = filmed(face, iod=iod, turned_deg=turned_deg, seen=seen, shots=shots)
    measures = measure(track)
    clip = Clip(path=Path("clip.mp4"), sound=None, width=512, height=512, frames=FRAMES, duration_s=FRAMES / 25)
    advice = advise({}, track, measures, None, clip)
    try:
        fitness.refuse_unseen(track)
        fitness.refuse_unusable(track, measures)
        problem = None
    except AvatariumError as error:
        problem = error
    assert (problem is None) == ((iod, turned_deg, seen, shots) == (60.0, 10.0, 0.9, 1))
    assert advice.fit_to_train == (problem is None)
    assert advice.reason == (problem.code if problem else "")
    if problem is not None:
        assert advice.sentences[0] == problem.message and advice.score <= REFUSED_AT_MOST


def test_what_was_not_measured_costs_nothing() -> None:
    silent = {fact: value for fact, value in GOOD.items() if not fact.endswith("_db") and fact != "speech_share"}
    assert judged(silent | {"sound": False}).score == 90


@given(st.integers(1, 5000))
def test_the_sample_is_spread_over_the_whole_clip(frames: int) -> None:
    numbers = sample_numbers(frames)
    assert numbers[0] == 0 and numbers[-1] == frames - 1
    assert len(numbers) == len(set(numbers)) == min(40, frames)
