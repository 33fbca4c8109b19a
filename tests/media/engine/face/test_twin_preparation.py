"""A clip becomes a twin whose film does not jump, or is refused with a sentence."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.face.video.fitness import refuse_unseen
from avatarium.engine.face.video.package import read_twin
from avatarium.engine.face.video.passage import FRAMES as PASSAGE
from avatarium.engine.face.video.preparation import Prepared, prepare_twin
from avatarium.engine.face.video.rematting import rematted
from avatarium.engine.face.video.tracking import Track, track_face
from avatarium.engine.video.frames import read_frames
from avatarium.errors import AvatariumError, FaceError, InputError
from bench.likeness.landmarks import Tracker
from tests.conftest import MEDIA
from tests.support.twin_clips import covered, film_of, piece

Image = NDArray[np.uint8]
SUIT, GREEN = "man-suit-700.mp4", "man-greenscreen-512.mp4"

pytestmark = pytest.mark.skipif(not MEDIA.is_dir(), reason="the test media are not here; set AVATARIUM_TEST_MEDIA")


@pytest.fixture(scope="module")
def suit(tmp_path_factory: pytest.TempPathFactory) -> tuple[Prepared, list[float]]:
    """A twin without layers, and the progress that was told."""
    folder = tmp_path_factory.mktemp("twin")
    told: list[float] = []
    clip = film_of(piece(SUIT, 130, 320), folder / "clip.mp4")
    return prepare_twin(clip, folder / "suit.twin", matte=False, progress=told.append), told


@pytest.fixture(scope="module")
def film(suit: tuple[Prepared, list[float]], tmp_path_factory: pytest.TempPathFactory) -> list[Image]:
    twin = read_twin(suit[0].path)
    return list(read_frames(twin.extract("base.mp4", tmp_path_factory.mktemp("film"))))


def test_the_file_holds_a_film_of_the_loop_and_its_numbers(
    suit: tuple[Prepared, list[float]], film: list[Image]
) -> None:
    twin = read_twin(suit[0].path)
    arrays = twin.arrays()
    assert len(film) == twin.manifest.frames == len(arrays["order"])
    assert film[0].shape == (320, 320, 3)
    assert not twin.manifest.has_alpha and any(name.startswith("bank_") for name in arrays)
    assert twin.manifest.seen == 1.0 and twin.manifest.others == 0


def test_each_frame_of_the_film_is_the_frame_of_the_clip_that_the_order_tells(
    suit: tuple[Prepared, list[float]], film: list[Image]
) -> None:
    order = read_twin(suit[0].path).arrays()["order"]
    source = piece(SUIT, 130, 320)
    for at in range(0, len(film) - PASSAGE, 17):
        errors = [float(np.square(film[at].astype(float) - frame).mean()) for frame in source]
        assert int(np.argmin(errors)) == order[at] or errors[order[at]] < 1.05 * min(errors)
        assert errors[order[at]] < 12


def test_the_joint_is_not_told_from_the_steps_of_the_clip_by_frame_difference(film: list[Image]) -> None:
    """At full size, with the lower face of every frame left out."""
    tracker = Tracker()
    points = tracker.locate(film[0])
    assert points is not None
    outside = np.ones(film[0].shape[:2], bool)
    left, right = (int(points[:, 0].min()) - 10, int(points[:, 0].max()) + 10)
    outside[int(points[33, 1]) : int(points[8, 1]) + 15, left:right] = False
    played = [*film, film[0]]
    steps = [float(cv2.absdiff(a, b)[outside].mean()) for a, b in zip(played[:-1], played[1:], strict=True)]
    assert steps[-1] <= np.percentile(steps[:-1], 95)


def test_the_points_lie_on_the_face_of_their_frame(suit: tuple[Prepared, list[float]], film: list[Image]) -> None:
    arrays = read_twin(suit[0].path).arrays()
    tracker = Tracker()
    for at in range(0, 20, 5):
        points = tracker.locate(film[at])
        assert points is not None
        nose = arrays["points"][at, 4, :2]
        assert np.linalg.norm(nose - points[30]) < 0.12 * suit[0].manifest.iod


def test_the_poster_shows_open_eyes_and_a_shut_mouth(suit: tuple[Prepared, list[float]]) -> None:
    poster = cv2.imread(str(suit[0].poster))
    assert poster is not None
    points = Tracker().locate(np.ascontiguousarray(poster[..., ::-1]))
    assert points is not None
    gap = np.linalg.norm(points[62] - points[66]) / np.linalg.norm(points[36] - points[45])
    assert gap < 0.06


def test_progress_grows_to_one(suit: tuple[Prepared, list[float]]) -> None:
    told = suit[1]
    assert told == sorted(told) and told[-1] == 1.0 and len(told) > 10


@pytest.mark.long
def test_layers_hold_the_person_alone_and_can_be_made_anew(tmp_path: Path) -> None:
    clip = film_of(piece(GREEN, 30, 256), tmp_path / "clip.mp4")
    made = prepare_twin(clip, tmp_path / "green.twin")
    assert made.manifest.has_alpha
    folders = [tmp_path / "first", tmp_path / "again"]
    again = rematted(made.path, tmp_path / "again.twin", ground=(0, 200, 0))
    for twin, folder in zip((read_twin(made.path), again), folders, strict=True):
        folder.mkdir()
        alpha = next(iter(read_frames(twin.extract("alpha.mp4", folder))))[..., 0]
        person = next(iter(read_frames(twin.extract("person.mp4", folder)))).astype(int)
        face = twin.arrays()["points"][0, 4, :2].astype(int)
        assert alpha[face[1], face[0]] > 240 and alpha[3, 3] < 15
        shown = alpha > 200
        green = person[..., 1] - np.maximum(person[..., 0], person[..., 2])
        assert np.percentile(green[shown], 99) < 25


def refusal(frames: list[Image], tmp_path: Path) -> AvatariumError:
    clip = film_of(frames, tmp_path / "clip.mp4")
    with pytest.raises(AvatariumError) as refused:
        prepare_twin(clip, tmp_path / "x.twin", matte=False)
    assert refused.value.message.endswith(".") and not (tmp_path / "x.twin").exists()
    assert [file.name for file in tmp_path.iterdir()] == ["clip.mp4"]
    return refused.value


def test_a_video_without_a_face_is_refused(tmp_path: Path) -> None:
    error = refusal([np.full((64, 64, 3), n, np.uint8) for n in range(30)], tmp_path)
    assert isinstance(error, FaceError) and error.code == "no_face"


def test_a_face_that_is_seen_too_seldom_is_refused(tmp_path: Path) -> None:
    error = refusal([*piece(SUIT, 12, 320), *[np.full((320, 320, 3), 90, np.uint8)] * 30], tmp_path)
    assert isinstance(error, FaceError) and error.code == "face_lost" and "29%" in error.message


def test_a_small_face_is_refused(tmp_path: Path) -> None:
    small = [np.pad(f, ((100, 100), (100, 100), (0, 0)), mode="edge") for f in piece(SUIT, 12, 160)]
    error = refusal(small, tmp_path)
    assert error.code == "face_too_small" and "36" in error.message


def test_a_chin_beyond_the_edge_is_refused(tmp_path: Path) -> None:
    chin = int(track_face(piece(SUIT, 3, 480)).points[0, 152, 1])
    frames = [np.ascontiguousarray(frame[: (chin - 14) // 2 * 2]) for frame in piece(SUIT, 12, 480)]
    assert refusal(frames, tmp_path).code == "face_cut_off"


def test_a_picture_that_stands_still_is_refused(tmp_path: Path) -> None:
    assert refusal([piece(SUIT, 1, 320)[0]] * 30, tmp_path).code == "picture_stands_still"


def test_a_mask_is_refused(tmp_path: Path) -> None:
    frames = piece(SUIT, 24, 320)
    points = track_face(frames).points
    error = refusal([covered(frame, points[n], "mask") for n, frame in enumerate(frames)], tmp_path)
    assert error.code == "mouth_hidden" and "mask" in error.message


def test_a_video_of_snippets_is_refused() -> None:
    track = Track(
        points=np.zeros((300, 478, 3), np.float32),
        seen=np.ones(300, bool),
        others=np.zeros(300, np.int16),
        cuts=tuple(range(60, 300, 60)),
        width=64,
        height=64,
    )
    with pytest.raises(InputError) as refused:
        refuse_unseen(track)
    assert refused.value.code == "too_many_cuts" and "2.4 seconds" in refused.value.message
