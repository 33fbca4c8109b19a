"""Things before a mouth are seen in real clips, and nothing is seen where there is nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.face.video.fitness import masked
from avatarium.engine.face.video.tracking import Track, track_face
from avatarium.engine.face.video.visibility import MouthWatch
from tests.conftest import MEDIA
from tests.support.twin_clips import Cover, covered, piece

Image = NDArray[np.uint8]
PEOPLE = ["woman-flag-590.mp4", "grid-bbaf2n.mpg"]
FRAMES = 70
HIDDEN = slice(30, 50)

pytestmark = pytest.mark.skipif(not MEDIA.is_dir(), reason="the test media are not here; set AVATARIUM_TEST_MEDIA")


@pytest.fixture(scope="module", params=PEOPLE)
def person(request: pytest.FixtureRequest) -> tuple[tuple[Image, ...], Track]:
    frames = piece(request.param, FRAMES, 400)
    return frames, track_face(frames)


def mouth_shown(frames: Sequence[Image], track: Track) -> NDArray[np.float32]:
    with MouthWatch(track) as watch:
        for frame in frames:
            watch.add(frame)
        return watch.shown()


def test_a_free_mouth_is_shown_in_every_frame(person: tuple[tuple[Image, ...], Track]) -> None:
    frames, track = person
    shown = mouth_shown(frames, track)
    assert shown.min() > 0.6 and shown.mean() > 0.97


@pytest.mark.parametrize("by", ["hand", "microphone", "mask"])
def test_what_lies_over_the_mouth_is_seen_and_the_rest_stays_shown(
    person: tuple[tuple[Image, ...], Track], by: Cover
) -> None:
    frames, track = person
    hidden = range(HIDDEN.start, HIDDEN.stop)
    seen = [covered(f, track.points[n], by) if n in hidden else f for n, f in enumerate(frames)]
    shown = mouth_shown(seen, track)
    assert shown[HIDDEN].mean() < 0.15
    assert np.abs(np.diff(shown)).max() <= 0.21
    assert shown[:22].min() > 0.6 and shown[58:].min() > 0.6


def test_a_mask_that_is_worn_all_the_time_is_told_from_a_face(person: tuple[tuple[Image, ...], Track]) -> None:
    frames, track = person
    with MouthWatch(track) as free, MouthWatch(track) as worn:
        for number, frame in enumerate(frames[:20]):
            free.add(frame)
            worn.add(covered(frame, track.points[number], "mask"))
        assert not masked(free.usual())
        assert masked(worn.usual())
