"""A loop whose end is not like its beginning goes over into it, and no frame on the way stands out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.face.video.loop import Playing, find_loop
from avatarium.engine.face.video.measures import measure
from avatarium.engine.face.video.passage import FRAMES, Passage, between, glance, movement
from tests.unit.engine.face.test_twin_loop import clip

Image = NDArray[np.uint8]


def blob(x: float, y: float = 60.0) -> Image:
    """A bright blob before a pattern that stands still."""
    rows, columns = np.indices((120, 200), dtype=np.float32)
    light = 70 + 20 * np.sin(columns / 9) + 110 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 260)
    return np.repeat(np.clip(light, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def middle(picture: Image) -> float:
    bright = np.maximum(picture[..., 0].astype(float) - 110, 0)
    return float((bright * np.arange(200)).sum() / bright.sum())


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_what_moved_is_drawn_on_its_way_and_not_twice(share: float) -> None:
    one, other = blob(90), blob(100)
    drawn = between(one, other, movement(glance(one), glance(other)), share)
    dissolved = cv2.addWeighted(one, 1 - share, other, share, 0)
    truth = blob(90 + 10 * share)
    assert middle(drawn) == pytest.approx(middle(truth), abs=0.9)
    assert np.abs(drawn.astype(int) - truth).mean() < 0.6 + 0.5 * np.abs(dissolved.astype(int) - truth).mean()


def test_a_joint_that_jumped_is_spread_over_the_frames_before_it() -> None:
    """As with a clip of twelve seconds whose head was elsewhere at every good moment: 1.28 of its usual steps."""
    places = 80 + 0.8 * np.arange(30)
    first, last = 10, 29
    frames = [blob(x) for x in places]
    passage = Passage(first=first, last=last, frames=8)
    shown = []
    for number in range(first, last + 1):
        partner = passage.partner(number)
        picture = frames[number]
        if partner is not None:
            flow = movement(glance(picture), glance(frames[partner]))
            picture = between(picture, frames[partner], flow, passage.share(number))
        shown.append(picture)

    def step(one: Image, other: Image) -> float:
        return float(cv2.absdiff(one, other).mean())

    usual = step(frames[first], frames[first + 1])
    jump, joint = step(frames[last], frames[first]), step(shown[-1], shown[0])
    inside = max(step(a, b) for a, b in zip(shown[:-1], shown[1:], strict=True))
    assert jump > 6 * usual
    assert joint < 2.2 * usual
    assert inside < 2.5 * usual


def test_numbers_go_the_same_way_as_pictures() -> None:
    rows = np.arange(40, dtype=np.float32)[:, None]
    passage = Passage(first=10, last=29, frames=4)
    drawn = passage.drawn(rows)
    assert len(drawn) == 20
    assert np.array_equal(drawn[:16, 0], np.arange(10, 26))
    assert drawn[16:, 0] == pytest.approx([26 - 0.2 * 20, 27 - 0.4 * 20, 28 - 0.6 * 20, 29 - 0.8 * 20])
    assert Passage(first=3, last=9).partner(9) is None
    assert np.array_equal(Passage(first=3, last=9).drawn(rows)[:, 0], np.arange(3, 10))


def test_a_loop_leaves_room_before_its_first_frame(face: NDArray[np.float64]) -> None:
    shifts = 40 * np.sin(2 * np.pi * np.arange(375) / 125)
    track, pictures = clip(face, shifts)
    loop = find_loop(measure(track), track, pictures)
    assert loop.playing is Playing.FORWARD
    assert loop.passage.frames == FRAMES
    assert loop.passage.needs >= 0
    assert loop.of(shifts[:, None])[0, 0] == pytest.approx(shifts[loop.order[0]])
    assert len(loop.of(shifts[:, None])) == len(loop.order)
