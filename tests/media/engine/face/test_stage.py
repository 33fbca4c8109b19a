"""A person on a canvas: where the layout says, to the pixel, cut by its edges, nothing of the old ground left."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import dlib
import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.avatars import read_avatar
from avatarium.engine.face import Life, PhotoActor, Pose, Stage, View
from avatarium.engine.options import SpeakOptions
from avatarium.engine.production import make_video
from avatarium.engine.speech.records import Phoneme, Speech
from avatarium.engine.talking import prepare_view
from avatarium.engine.video import Canvas, Fit, PixelBox, Rectangle, Size, place, read_frames
from avatarium.errors import PictureError
from bench.likeness.landmarks import model_path

Image = NDArray[np.uint8]
MAGENTA = (255, 0, 255)
OPEN = Pose(mouth=np.array([0.15, 0.01, 0.0, -0.03, 0, 0], np.float32))
PLACES = {
    "inside": Rectangle(x=300, y=100, width=400, height=500),
    "over the left and the bottom": Rectangle(x=-120, y=220, width=480, height=600),
    "over the top and the right": Rectangle(x=760, y=-150, width=640, height=800),
    "larger than the canvas": Rectangle(x=-150, y=-200, width=1280, height=1600),
}
SIZE = Size(1280, 720)


@functools.cache
def actor() -> PhotoActor:
    return PhotoActor.from_picture(read_avatar("ava").over())


@functools.cache
def stage(name: str, ground: tuple[int, int, int] = MAGENTA) -> Stage:
    canvas = Canvas(resolution=720, width=1280, height=720, person=PLACES[name], ground=ground)
    return Stage(actor(), SIZE, box_of(name), canvas.ground_picture(SIZE, 1024, 1280))


def box_of(name: str) -> PixelBox:
    return Canvas(resolution=720, width=1280, height=720, person=PLACES[name], ground=MAGENTA).person_box(
        SIZE, 1024, 1280
    )


def expected_cover(name: str) -> NDArray[np.float64]:
    """How much of the person is in each pixel of the frame, drawn by another library's resampling."""
    from PIL import Image as Pil

    box = box_of(name)
    mask = Pil.fromarray((actor().alpha * 255).astype(np.uint8)).resize((box.width, box.height), Pil.Resampling.BOX)
    whole = np.zeros((720, 1280))
    seen = box.meeting(PixelBox(left=0, top=0, right=1280, bottom=720))
    part = seen.moved(-box.left, -box.top)
    whole[seen.rows, seen.columns] = np.asarray(mask, float)[part.rows, part.columns] / 255
    return whole


@pytest.mark.parametrize("name", PLACES)
def test_person_pixels_lie_where_the_layout_says(name: str) -> None:
    on_magenta, on_green = stage(name).render(Pose()).astype(int), stage(name, (0, 255, 0)).render(Pose()).astype(int)
    # What shows the one ground before the one and the other before the other is ground; what does not change, person.
    shown = 1 - np.abs(on_magenta - on_green).mean(-1) / 255
    expected = expected_cover(name)
    sure = (cv2.erode((expected > 0.98).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0) | (
        cv2.dilate((expected > 0.02).astype(np.uint8), np.ones((5, 5), np.uint8)) == 0
    )
    assert np.abs(shown - expected)[sure].max() < 0.06
    rows, columns = np.nonzero(shown > 0.5)
    told_rows, told_columns = np.nonzero(expected > 0.5)
    for found, told in ((rows, told_rows), (columns, told_columns)):
        assert abs(int(found.min()) - int(told.min())) <= 1
        assert abs(int(found.max()) - int(told.max())) <= 1


@pytest.mark.parametrize("name", PLACES)
def test_outside_the_rectangle_is_nothing_but_the_ground_while_somebody_speaks(name: str) -> None:
    performance = Life(seed=3).perform(_vowel(), 20)
    box = box_of(name).meeting(PixelBox(left=0, top=0, right=1280, bottom=720))
    for i in range(0, 20, 5):
        frame = stage(name).render(performance[i]).copy()
        frame[box.rows, box.columns] = MAGENTA
        assert (frame == MAGENTA).all()


@functools.cache
def instrument() -> tuple[Any, Any]:
    """Detector and landmarks of dlib; the renderer knows neither."""
    return dlib.get_frontal_face_detector(), dlib.shape_predictor(model_path("shape_predictor_68_face_landmarks.dat"))


def landmarks(picture: Image) -> NDArray[np.float64]:
    detector, predictor = instrument()
    found = detector(np.ascontiguousarray(picture), 1)
    assert len(found) == 1
    return np.array([(p.x, p.y) for p in predictor(picture, found[0]).parts()], np.float64)


@pytest.mark.parametrize("name", ["inside", "over the top and the right", "larger than the canvas"])
def test_an_independent_detector_finds_the_face_at_its_place(name: str) -> None:
    box = box_of(name)
    small = cv2.resize(actor().picture, (512, 640), interpolation=cv2.INTER_AREA)
    told = landmarks(np.asarray(small, np.uint8))
    told = told * (box.width / 512, box.height / 640) + (box.left, box.top)
    found = landmarks(stage(name, (120, 130, 140)).render(Pose()))
    eyes = np.hypot(*(told[45] - told[36]))
    off = (found - told)[[30, 36, 39, 42, 45, 48, 54]]
    assert np.abs(off.mean(0)).max() < 0.02 * eyes + 0.5
    assert np.hypot(*off.T).max() < 0.08 * eyes + 1


def test_a_whole_picture_on_a_canvas_of_its_own_shape_is_what_a_view_shows() -> None:
    size, ground = Size(480, 600), np.full((600, 480, 3), 90, np.uint8)
    shown = Stage(actor(), size, PixelBox(left=0, top=0, right=480, bottom=600), ground)
    view = View(actor(), size, place(1024, 1280, size, Fit.PAD), background=ground)
    assert np.array_equal(shown.render(OPEN), view.render(OPEN))


def test_the_mouth_moves_at_its_place() -> None:
    name = "inside"
    changed = np.abs(stage(name).render(OPEN).astype(int) - stage(name).render(Pose())).max(-1) > 25
    rows, columns = np.nonzero(changed)
    box = box_of(name)
    lips = actor().face.points[[61, 291, 0, 17], :2].mean(0) * (box.width / 1024, box.height / 1280)
    unit = actor().face.frame.scale * box.width / 1024
    assert changed.sum() > 100
    assert np.hypot(columns.mean() - box.left - lips[0], rows.mean() - box.top - lips[1]) < 0.15 * unit


@pytest.mark.parametrize(
    "at",
    [
        Rectangle(x=100, y=100, width=12, height=15),
        Rectangle(x=300, y=-700, width=800, height=1000),
        Rectangle(x=1279, y=700, width=800, height=1000),
    ],
    ids=["a dot", "the face outside", "one corner seen"],
)
def test_odd_places_are_shown_as_they_are(at: Rectangle) -> None:
    canvas = Canvas(resolution=720, width=1280, height=720, person=at, ground=MAGENTA)
    shown = Stage(actor(), SIZE, canvas.person_box(SIZE, 1024, 1280), canvas.ground_picture(SIZE, 1024, 1280))
    frame = shown.render(OPEN)
    assert frame.shape == (720, 1280, 3)
    assert (frame == MAGENTA).all(-1).mean() > 0.7


def test_a_cutout_on_a_clear_canvas_lies_where_it_lies_on_a_ground() -> None:
    shown = Stage(actor(), SIZE, box_of("inside"), None)
    frame = shown.render_cutout(Pose())
    assert frame.shape == (720, 1280, 4)
    assert np.abs(frame[..., 3] / 255 - expected_cover("inside")).mean() < 0.004
    with pytest.raises(ValueError, match="without a ground"):
        shown.render(Pose())


def test_a_person_who_cannot_be_told_from_the_ground_is_refused() -> None:
    lost = replace(actor(), alpha=np.zeros_like(actor().alpha))
    with pytest.raises(PictureError) as caught:
        Stage(lost, SIZE, box_of("inside"), np.zeros((720, 1280, 3), np.uint8))
    assert caught.value.code == "person_not_found"


def test_without_a_ground_the_picture_itself_fills_the_frame() -> None:
    shown = prepare_view("ava", SpeakOptions(canvas=Canvas(resolution=480, width=1280, height=720)))
    assert isinstance(shown, View)
    assert shown.size == Size(384, 480)
    small = cv2.resize(actor().picture, (384, 480), interpolation=cv2.INTER_AREA)
    assert np.abs(shown.render(Pose()).astype(int) - small).mean() < 0.5


def test_a_video_of_a_canvas_has_its_size_and_place(tmp_path: Path) -> None:
    canvas = Canvas(resolution=480, width=640, height=360, person=PLACES["inside"], ground=(20, 90, 160))
    half = replace(canvas, person=Rectangle(x=150, y=50, width=200, height=250))
    shown = prepare_view("ava", SpeakOptions(canvas=half))
    take = make_video(shown, [_vowel()], tmp_path / "a.mp4")
    frame = next(iter(read_frames(take.path)))
    assert frame.shape == (480, 854, 3)
    box = half.person_box(Size(854, 480), 1024, 1280)
    ground = np.abs(frame.astype(int) - (20, 90, 160)).max(-1) <= 6
    assert ground[:, : box.left - 4].all()
    assert ground[:, box.right + 4 :].all()
    assert ground[box.bottom + 4 :].all()
    assert not ground[box.rows, box.columns].all()


def _vowel() -> Speech:
    audio = (0.3 * np.sin(2 * np.pi * 180 * np.arange(24000) / 24000)).astype(np.float32)
    spoken: dict[str, Any] = {"start_s": 0.2, "end_s": 0.8}
    return Speech(audio=audio, rate=24000, phonemes=(Phoneme(ipa="a", stress=1, **spoken),), words=())
