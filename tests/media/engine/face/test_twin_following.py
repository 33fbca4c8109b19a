"""The same person is followed through real clips, checked by dlib's landmarks, which take no part in it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.face.video.choosing import track_clip
from avatarium.engine.face.video.tracking import Track, stretches, track_face
from avatarium.errors import FaceError
from bench.likeness.landmarks import Tracker
from tests.conftest import MEDIA
from tests.support.twin_clips import film_of, piece

Image = NDArray[np.uint8]
SUIT, WOMAN, GRID = "man-suit-700.mp4", "woman-idle-720p.mp4", "grid-bbaf2n.mpg"
SAME_PLACE = {36: 33, 45: 263, 39: 133, 42: 362, 30: 4, 48: 61, 54: 291}
"""Points of dlib's 68 and of the mesh: corners of the eyes, tip of the nose, corners of the mouth."""

pytestmark = pytest.mark.skipif(not MEDIA.is_dir(), reason="the test media are not here; set AVATARIUM_TEST_MEDIA")


def blank(count: int) -> list[Image]:
    return [np.full((480, 480, 3), 90, np.uint8)] * count


def beside(left: tuple[Image, ...], right: tuple[Image, ...]) -> list[Image]:
    """Two people: the left one as is, the right one at two thirds of the size."""
    small = [cv2.copyMakeBorder(cv2.resize(f, (320, 320)), 80, 80, 0, 0, cv2.BORDER_REPLICATE) for f in right]
    return [np.hstack([a, b]).astype(np.uint8) for a, b in zip(left, small, strict=True)]


@pytest.mark.parametrize("name", [SUIT, GRID])
def test_the_mesh_lies_where_dlib_sees_eyes_nose_and_mouth(name: str) -> None:
    frames = piece(name, 40)
    track = track_face(frames)
    tracker = Tracker()
    seen = [tracker.locate(frame) for frame in frames]
    unit = float(np.median(np.linalg.norm(track.points[:, 33, :2] - track.points[:, 263, :2], axis=1)))
    for frame, points in enumerate(seen):
        assert points is not None
        apart = track.points[frame, list(SAME_PLACE.values()), :2] - points[list(SAME_PLACE)]
        assert np.linalg.norm(apart, axis=1).mean() < 0.07 * unit
    assert track.seen.all() and track.cuts == () and not track.others.any()


def test_the_mesh_trembles_less_than_dlibs_landmarks() -> None:
    frames = piece(SUIT, 40)
    tracker = Tracker()
    theirs = np.stack([p for frame in frames if (p := tracker.locate(frame)) is not None])[:, list(SAME_PLACE)]
    ours = track_face(frames).points[:, list(SAME_PLACE.values()), :2]
    assert np.diff(ours, 2, axis=0).std() < 0.5 * np.diff(theirs, 2, axis=0).std()


@pytest.fixture(scope="module")
def another_person_between() -> Track:
    return track_face(piece(SUIT, 30) + piece(WOMAN, 30) + piece(SUIT, 30, start=60))


def test_cuts_to_somebody_else_and_back_are_found(another_person_between: Track) -> None:
    assert another_person_between.cuts == (30, 60)


def test_somebody_else_in_the_same_place_is_not_taken_for_the_person(another_person_between: Track) -> None:
    assert stretches(another_person_between.seen) == [(0, 30), (60, 90)]


def test_a_short_disappearance_is_two_cuts_at_most_and_the_face_is_there_at_once() -> None:
    track = track_face([*piece(SUIT, 30), *blank(15), *piece(SUIT, 30, start=30)])
    assert stretches(~track.seen) == [(30, 45)]


def test_the_largest_of_two_is_followed_and_the_other_is_counted() -> None:
    track = track_face(beside(piece(SUIT, 26), piece(WOMAN, 26)))
    assert track.points[:, 1, 0].max() < 480 and set(track.others) == {1}


def test_the_one_that_was_asked_for_is_followed() -> None:
    track = track_face(beside(piece(SUIT, 26), piece(WOMAN, 26)), number=2)
    assert track.points[:, 1, 0].min() > 480 and track.seen.all()


def test_the_person_is_found_again_where_two_change_places_at_a_cut() -> None:
    swapped = beside(piece(SUIT, 26), piece(WOMAN, 26)) + beside(piece(WOMAN, 26), piece(SUIT, 26, start=60))
    track = track_face(swapped)
    assert track.cuts == (26,)
    assert track.points[:26, 1, 0].max() < 480 < track.points[26:, 1, 0].min()


@pytest.mark.parametrize(
    ("people", "number", "said"),
    [(0, 1, "No human face"), (5, 3, "one face; face 3")],
)
def test_nobody_is_refused_with_what_to_do(people: int, number: int, said: str) -> None:
    with pytest.raises(FaceError) as refused:
        track_face([*piece(SUIT, people), *blank(5)], number=number)
    assert refused.value.code == "no_face" and said in refused.value.message


def test_a_passer_by_at_the_beginning_is_not_who_the_clip_is_about(tmp_path: Path) -> None:
    clip = film_of(piece(WOMAN, 25, 200) + piece(SUIT, 75, 200), tmp_path / "clip.mp4")
    track = track_clip(clip.path, clip.frames)
    assert stretches(track.seen) == [(25, 100)]
    other = track_clip(clip.path, clip.frames, number=2)
    assert stretches(other.seen) == [(0, 25)]


def test_progress_counts_frames() -> None:
    told: list[int] = []
    track_face(piece(SUIT, 5), progress=told.append)
    assert told == [1, 2, 3, 4, 5]
