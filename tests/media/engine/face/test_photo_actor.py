"""Photos speak: measured on every portrait by detectors that the renderer does not use."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from avatarium.engine.face import Emotion, Life, Pose, Shot, View, frame_shot
from avatarium.engine.face.frame import FaceFrame
from avatarium.engine.face.landmarks import find_boxes, find_face
from avatarium.engine.face.raster import BAND
from avatarium.engine.picture.read import read_picture
from avatarium.engine.production import make_video
from avatarium.engine.speech import phonemes_from_audio
from avatarium.engine.video import Fit, Size, read_sound
from avatarium.errors import FaceError, OptionError, PictureError
from bench.likeness import clip, measure, natural
from bench.likeness.align import RATE, align_words
from bench.likeness.portraits import SIZE, actor, portraits, speak_and_measure, speech, view_of

Image = NDArray[np.uint8]

PORTRAITS = natural.media_folder() / "portraits"
PEOPLE = portraits()
MISSED = {
    "painting-dark-woman": {"opening_p95": (0.055, 0.22)},
    "painting-mona-lisa": {"opening_p95": (0.045, 0.22)},
    "synthetic-girl": {"opening_p95": (0.060, 0.22), "blinks_found": (0.0, 1.0)},
    "man-dark-grid": {"rounding": (0.0, 0.975)},
    "man-glasses": {"jitter": (0.0, 0.0145)},
    "synthetic-man-0101": {"jitter": (0.0, 0.0155)},
}
"""Bars of the instrument that a portrait misses or barely meets, and within what: dark painted lips and a small mouth
are read too narrow, a moustache of 40 pixels hides the corners, glasses and a fringe make the landmarks tremble; the
girl's blinks dlib often does not see, so a test of its own judges her lids."""

pytestmark = pytest.mark.skipif(not PEOPLE, reason="the test media are not here; set AVATARIUM_TEST_MEDIA")


@pytest.mark.long
@pytest.mark.parametrize("name", PEOPLE)
def test_every_portrait_speaks_in_time_and_stays_itself(name: str, tmp_path: Path) -> None:
    measured = speak_and_measure(name, tmp_path).likeness
    for figure in measured.failures:
        low, high = MISSED.get(name, {}).get(figure, (1.0, 0.0))
        assert low <= getattr(measured, figure) <= high, f"{figure} is {getattr(measured, figure):.3f}"


@pytest.mark.parametrize("name", ["synthetic-woman-0163", "synthetic-man-0056", "painting-dark-woman", "woman-720p"])
def test_at_rest_a_photo_with_a_shut_mouth_is_the_photo_itself(name: str) -> None:
    shown = view_of(name)
    difference = np.abs(shown.render(Pose()).astype(int) - shown._still)
    assert difference.max() <= 12
    assert difference.mean() < 0.05


def test_a_mouth_opens_where_the_mouth_is_and_nowhere_else() -> None:
    shown = view_of("synthetic-man-0056")
    mouth = np.array([0.15, 0.01, 0.0, -0.03, 0, 0], np.float32)
    changed = np.abs(shown.render(Pose(mouth=mouth)).astype(int) - shown.render(Pose())).max(-1) > 25
    rows, columns = np.nonzero(changed)
    lips = shown._points[[61, 291, 0, 17], :2]
    assert changed.sum() > 300
    assert np.hypot(*(np.array([columns.mean(), rows.mean()]) - lips.mean(0))) < 0.12 * shown._frame.scale


def test_the_ground_beside_the_person_never_moves() -> None:
    shown = view_of("synthetic-woman-0588", Shot.BUST)
    performance = Life(seed=2).perform(speech(), 100)
    frames = np.array([shown.render(performance[i]) for i in range(0, 100, 10)])
    corner = frames[:, :200, :60]
    assert np.ptp(corner.astype(int), axis=0).max() == 0


def test_the_same_pose_gives_the_same_pixels_whatever_came_before() -> None:
    shown, other = view_of("synthetic-woman-0284"), view_of("synthetic-woman-0284")
    poses = Life(seed=5, emotion=Emotion.HAPPY).perform(speech(), 40)
    first = shown.render(poses[7])
    for i in range(20, 30):
        shown.render(poses[i])
    assert np.array_equal(shown.render(poses[7]), first)
    assert np.array_equal(other.render(poses[7]), first)


@pytest.mark.parametrize("name", ["synthetic-woman-0588", "painting-mona-lisa"])
def test_what_is_left_out_of_a_frame_would_have_changed_no_pixel(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shown, poses = view_of(name), Life(seed=5).perform(speech(), 40)
    frames = [shown.render(poses[at]) for at in (3, 20, 39)]
    monkeypatch.setattr(shown, "_outer", shown._mesh.outer)
    height, width = shown._drawn.shape[:2]
    whole = np.array([[top, min(height, top + BAND), 0, width] for top in range(0, height, BAND)])
    monkeypatch.setattr("avatarium.engine.face.actor.bands_of", lambda *_: whole)
    assert all(np.array_equal(shown.render(poses[at]), frame) for at, frame in zip((3, 20, 39), frames, strict=True))


@pytest.mark.parametrize("name", ["synthetic-man-0003", "cartoon-3d-boy", "painting-mona-lisa", "man-beard"])
def test_the_renderers_own_detector_finds_the_turned_head_turned(name: str) -> None:
    shown = view_of(name)
    rolls = []
    for roll in (-0.06, 0.06):
        frame = shown.render(Pose(head=np.array([0, 0, roll, 0, 0], np.float32)))
        rolls.append(FaceFrame.of(find_face(frame).points).roll_deg)
    assert np.degrees(0.12) * 0.7 < rolls[1] - rolls[0] < np.degrees(0.12) * 1.3


def test_a_cutout_is_the_whole_person_and_nothing_of_the_ground() -> None:
    """The person used to end where nothing moves any more, and wore a rim of the wall."""
    person = actor("synthetic-man-0154")
    size = Size(720, 720)
    shown = View(person, size, frame_shot(person, size, Shot.WHOLE), cutout=True)
    cutout = shown.render_cutout(Pose())
    mask = cv2.resize(person.alpha, (720, 720), interpolation=cv2.INTER_AREA)
    assert cutout[..., 3][mask > 0.98].min() >= 240
    assert cutout[..., 3][mask < 0.02].max() <= 15
    assert (mask[-40:] > 0.98).any(), "the test photo must reach the bottom"


@pytest.mark.parametrize("asked", [{"cutout": True}, {"background": np.zeros((512, 512, 3), np.uint8)}])
def test_a_person_that_cannot_be_found_is_refused_and_not_made_invisible(asked: dict[str, Any]) -> None:
    person = actor("synthetic-man-0056")
    lost = replace(person, alpha=np.zeros_like(person.alpha))
    with pytest.raises(PictureError, match="cannot be told from the ground"):
        View(lost, SIZE, frame_shot(lost, SIZE, Shot.HEAD), **asked)
    assert View(lost, SIZE, frame_shot(lost, SIZE, Shot.HEAD)).render(Pose()).std() > 10


@pytest.mark.parametrize("size", ["16:9", "9:16", "1:1", "4:5"])
@pytest.mark.parametrize("name", ["synthetic-girl", "man-glasses", "man-beard", "cartoon-3d-boy", "painting-old-woman"])
def test_close_portraits_keep_their_eyes_and_chin_in_every_shape(name: str, size: str) -> None:
    """Wide videos of close portraits showed a chin and neck without eyes."""
    person, shape = actor(name), Size.parse(size)
    placement = frame_shot(person, shape, Shot.WHOLE)
    seen = placement.to_video(person.face.points[[33, 263, 159, 386, 152], :2])
    assert (seen[:, 1] > 8).all() and (seen[:, 1] < shape.height).all()
    assert (seen[:, 0] > 0).all() and (seen[:, 0] < shape.width).all()


def test_a_closer_shot_that_is_to_show_the_whole_photo_is_refused() -> None:
    with pytest.raises(OptionError, match="Choose one of the two"):
        frame_shot(actor("synthetic-man-0056"), SIZE, Shot.HEAD, Fit.BLUR)


@pytest.mark.parametrize("shape", [(4096, 1), (1, 4096), (4096, 30), (40, 3000)])
def test_pictures_like_threads_hold_no_face(shape: tuple[int, int]) -> None:
    with pytest.raises(FaceError, match="No human face"):
        find_face(np.zeros((*shape, 3), np.uint8))


def test_a_new_background_is_seen_up_to_the_person() -> None:
    person = actor("synthetic-woman-0588")
    green = np.full((512, 512, 3), (20, 160, 60), np.uint8)
    shown = View(person, SIZE, frame_shot(person, SIZE, Shot.HEAD), background=green)
    frame = shown.render(Pose())
    assert np.abs(frame[:60, :60].astype(int) - green[:60, :60]).max() <= 1
    teal = np.abs(frame.astype(int) - (165, 205, 207)).max(-1) < 14
    assert teal.mean() < 0.01, "the photo's own teal wall still shows"


def test_a_dog_is_no_face_though_the_mesh_alone_would_take_it() -> None:
    with pytest.raises(FaceError, match="No human face"):
        find_face(read_picture(PORTRAITS / "dog.jpg").rgb)


def test_of_several_faces_the_largest_is_taken_and_any_can_be_chosen() -> None:
    large = view_of("synthetic-man-0056", Shot.HEAD).render(Pose())
    small = view_of("synthetic-woman-0163", Shot.BUST).render(Pose())
    group = np.hstack([small, large])
    assert len(find_boxes(group)) == 2
    first, second = find_face(group, 1), find_face(group, 2)
    assert first.others == 1
    assert first.frame.scale > second.frame.scale
    assert first.frame.origin[0] > 512 > second.frame.origin[0]
    with pytest.raises(FaceError, match="face 3"):
        find_face(group, 3)


def test_faces_that_cannot_speak_are_refused_with_the_reason() -> None:
    picture = view_of("synthetic-man-0056", Shot.HEAD).render(Pose())
    with pytest.raises(FaceError) as small:
        find_face(picture[::9, ::9].copy())
    assert small.value.code in {"face_too_small", "no_face"}
    points = find_face(picture).points
    with pytest.raises(FaceError) as cut:
        find_face(picture[: int(points[13, 1])].copy())
    assert cut.value.code in {"face_cut_off", "no_face"}
    with pytest.raises(FaceError, match="No human face"):
        find_face(np.zeros((300, 300, 3), np.uint8))


def test_the_edge_of_a_closing_lid_shows_no_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn in whole pixels the lid's edge was a staircase: neighbours along it jumped from lash to eyeball."""
    shown = view_of("synthetic-man-0056")
    x, y = shown._points[[33, 133], :2].mean(0).astype(int)
    window = np.s_[y - 25 : y + 25, x - 35 : x + 35]

    def steps() -> float:
        eye = shown.render(Pose(blink=0.6))[window].astype(float).mean(-1)
        return float(np.percentile(np.abs(np.diff(np.diff(eye, axis=0), axis=1)), 99.7))

    fine = steps()
    monkeypatch.setattr("avatarium.engine.face.actor.FINER", 1)
    assert fine < 0.8 * steps()


def test_looking_at_many_pictures_takes_no_more_memory() -> None:
    """Detectors were made anew for each picture and never closed: tens of megabytes a picture."""
    picture = view_of("synthetic-man-0056").render(Pose())
    process = psutil.Process()
    for _ in range(3):
        find_face(picture)
    before = process.memory_info().rss
    for _ in range(12):
        find_face(picture)
    assert process.memory_info().rss - before < 40 * 2**20


@pytest.mark.long
def test_a_recording_is_mouthed_in_time_though_nobody_told_its_words(tmp_path: Path) -> None:
    """Judged by a forced alignment with the words that were really said, which the engine does not know."""
    recording = natural.media_folder() / "speech" / "en-jfk.flac"
    text = "and so my fellow americans ask not what your country can do for you ask what you can do for your country"
    spoken = phonemes_from_audio(read_sound(recording, 24000).samples, 24000)
    take = make_video(view_of("synthetic-man-0056"), [spoken], tmp_path / "take.mp4")
    measured = measure(take.path, align_words(clip.read_sound(take.path, RATE), text))
    assert measured.offset_frames is not None
    assert abs(measured.offset_frames) <= 1
    assert measured.correlation >= 0.6
    assert measured.closures_shut == measured.closures_total >= 2


def test_rendering_wakes_no_other_thread() -> None:
    """A matrix of two by two inverted by LAPACK woke its threads, which then spun through every frame."""
    shown, poses = view_of("synthetic-man-0056"), Life().perform(speech(), 60)
    shown.render(poses[0])
    thread, process = time.thread_time(), time.process_time()
    for i in range(60):
        shown.render(poses[i])
    thread, process = time.thread_time() - thread, time.process_time() - process
    assert process < 1.3 * thread


@pytest.mark.parametrize(
    ("name", "left"),
    [("synthetic-girl", 0.75), ("synthetic-woman-0163", 0.5), ("man-glasses", 0.55), ("painting-mona-lisa", 0.6)],
)
def test_lids_shut_in_the_picture_also_where_the_instrument_misses_blinks(name: str, left: float) -> None:
    def height_of_the_eyes(picture: Image) -> float:
        points = find_face(picture).points[:, :2]
        rows = ((159, 145, 33, 133), (386, 374, 263, 362))
        spans = [(points[a] - points[b], points[c] - points[d]) for a, b, c, d in rows]
        return float(np.mean([np.linalg.norm(high) / np.linalg.norm(wide) for high, wide in spans]))

    shown = view_of(name)
    assert height_of_the_eyes(shown.render(Pose(blink=1.0))) < left * height_of_the_eyes(shown.render(Pose()))
