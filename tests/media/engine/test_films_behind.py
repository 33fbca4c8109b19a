"""Somebody before a video, and before the own ground out of focus."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.cli.choices import behind
from avatarium.engine.face.pose import Pose
from avatarium.engine.options import SpeakOptions
from avatarium.engine.talking import prepare_view
from avatarium.engine.video import VideoWriter
from avatarium.engine.video.canvas import Canvas, Rectangle
from avatarium.engine.video.framing import Size
from avatarium.errors import OptionError

SIZE = Size(480, 480)
COLOURS = ((200, 30, 30), (30, 200, 30), (30, 30, 200))


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures, each of one colour."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    with VideoWriter(path, width=320, height=180, rate=None) as writer:
        for colour in COLOURS:
            writer.write(np.full((180, 320, 3), colour, np.uint8))
    return path


def corner(frame: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.asarray(frame[4:40, 4:40].reshape(-1, 3).mean(0), float)


def test_a_video_goes_on_behind_somebody_and_begins_again(film: Path) -> None:
    view = prepare_view("ava", SpeakOptions(film=film, size=SIZE))
    frames = [view.render(Pose(tick=tick)) for tick in range(5)]
    view.close()
    for number, frame in enumerate(frames):
        assert np.abs(corner(frame) - COLOURS[number % 3]).max() < 8, f"picture {number}"
    face = [frame[200:300, 200:280].astype(int) for frame in frames]
    assert np.abs(face[0] - face[1]).max() <= 2, "the person has nothing of the video"


def test_a_video_lies_on_a_canvas_where_a_picture_would(film: Path) -> None:
    canvas = Canvas(
        resolution=480,
        width=1280,
        height=720,
        person=Rectangle(x=900, y=340, width=380, height=380),
        ground_at=Rectangle(x=0, y=0, width=640, height=720),
    )
    view = prepare_view("ava", SpeakOptions(film=film, canvas=canvas, blur=0.5))
    frame = view.render(Pose())
    view.close()
    assert frame.shape == (480, 854, 3)
    assert np.abs(corner(frame) - COLOURS[0]).max() < 8
    assert frame[4:40, 440:].max() < 8, "beside the ground it is black"
    assert (frame[300:, 640:].max(axis=2) > 40).mean() > 0.2, "there the person stands"


def sharpness(frame: NDArray[np.uint8], where: tuple[slice, slice]) -> float:
    grey = cv2.cvtColor(np.ascontiguousarray(frame[where]), cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_32F).std())


def test_the_own_ground_goes_out_of_focus_and_the_person_does_not(media: Path) -> None:
    photo = media / "portraits" / "woman-astronaut-smile-teeth.jpg"
    plain, soft = (prepare_view(photo, SpeakOptions(size=SIZE, blur=blur)) for blur in (0.0, 0.5))
    sharp, blurred = plain.render(Pose()), soft.render(Pose())
    changed = np.abs(sharp.astype(int) - blurred).max(axis=2)
    top = (slice(0, 60), slice(0, 60))
    assert sharpness(blurred, top) < 0.5 * sharpness(sharp, top) + 0.3
    middle = changed[220:300, 200:280]
    assert np.percentile(middle, 95) <= 3, "the face is as it was"


def test_a_chosen_ground_goes_out_of_focus_too() -> None:
    chequered = (np.indices((240, 240)).sum(0) // 8 % 2 * 255).astype(np.uint8)[..., None].repeat(3, axis=2)
    views = [prepare_view("ava", SpeakOptions(size=SIZE, background=chequered, blur=blur)) for blur in (0.0, 1.0)]
    sharp, blurred = (corner_range(view.render(Pose())) for view in views)
    assert sharp > 200 and blurred < 80


def corner_range(frame: NDArray[np.uint8]) -> int:
    return int(np.ptp(frame[20:60, 20:60]))


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"film": Path("a.mp4"), "background": (0, 0, 0)}, "two_backgrounds"),
        ({"film": Path("a.mp4"), "canvas": Canvas(ground=(1, 2, 3))}, "two_backgrounds"),
        ({"film": Path("a.mp4"), "alpha": True}, "alpha_and_background"),
        ({"blur": 0.5, "alpha": True}, "alpha_and_background"),
        ({"blur": 1.5}, "bad_blur"),
        ({"blur": float("nan")}, "bad_blur"),
    ],
)
def test_grounds_that_exclude_each_other(wrong: dict[str, object], code: str) -> None:
    with pytest.raises(OptionError) as caught:
        SpeakOptions(**wrong)  # type: ignore[arg-type]
    assert caught.value.code == code


def test_the_command_line_tells_a_video_from_a_picture_and_a_colour(film: Path) -> None:
    assert behind(str(film)) == {"film": film}
    assert behind("blur") == {"blur": 0.5} and behind(None) == {}
    assert behind("navy") == {"background": (16, 32, 64)}
