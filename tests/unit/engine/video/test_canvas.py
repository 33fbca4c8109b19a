"""The geometry of a canvas: layout units to pixels, shapes kept, and what cannot be laid out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarium.engine.options import SpeakOptions
from avatarium.engine.video import Canvas, PixelBox, Rectangle, Size, parse_colour
from avatarium.engine.video.canvas import frame_box
from avatarium.errors import OptionError

GREEN = (0, 200, 0)
PORTRAIT = (1024, 1280)


def canvas(**changed: Any) -> Canvas:
    return Canvas(**{"resolution": 720, "width": 853, "height": 480, "ground": GREEN, **changed})


@pytest.mark.parametrize("resolution", [240, 480, 720, 1080, 1440, 2160])
@pytest.mark.parametrize(("width", "height"), [(853, 480), (1280, 720), (480, 853), (500, 500), (1080, 1350)])
def test_the_resolution_is_the_height_and_the_width_follows(resolution: int, width: int, height: int) -> None:
    size = canvas(resolution=resolution, width=width, height=height).size(*PORTRAIT)
    assert size.height == resolution
    assert size.width % 2 == 0
    assert abs(size.width - resolution * width / height) <= 1


def test_without_a_ground_the_picture_gives_the_shape_whatever_the_canvas() -> None:
    assert canvas(ground=None).size(1024, 1280) == Size(576, 720)
    assert Canvas(ground=GREEN).size(1024, 1280) == Size(864, 1080)


def test_what_would_be_too_wide_is_made_smaller_as_a_whole() -> None:
    size = canvas(resolution=2160, width=2100, height=900).size(*PORTRAIT)
    assert size == Size(3840, 1646)


@pytest.mark.parametrize(
    ("place", "box"),
    [
        ((0, 0, 640, 800), (0, 0, 640, 800)),
        ((100, 20, 320, 400), (100, 20, 420, 420)),
        ((-100, -50, 640, 800), (-100, -50, 540, 750)),
        ((1000, 500, 640, 800), (1000, 500, 1640, 1300)),
    ],
)
def test_a_rectangle_of_the_pictures_shape_is_filled_to_the_pixel(
    place: tuple[float, ...], box: tuple[int, ...]
) -> None:
    x, y, width, height = place
    laid = canvas(width=1280, height=720, person=Rectangle(x=x, y=y, width=width, height=height))
    found = laid.person_box(Size(1280, 720), *PORTRAIT)
    assert (found.left, found.top, found.right, found.bottom) == box


def test_layout_units_are_scaled() -> None:
    laid = canvas(width=640, height=360, person=Rectangle(x=10, y=20, width=160, height=200))
    assert laid.person_box(Size(1280, 720), *PORTRAIT) == PixelBox(left=20, top=40, right=340, bottom=440)


def test_rounded_units_still_count_as_the_pictures_shape() -> None:
    """An editor sends 270 x 337 for a picture of 4:5: a hair less than it should be."""
    laid = canvas(width=1280, height=720, person=Rectangle(x=0, y=0, width=270, height=337))
    assert laid.person_box(Size(1280, 720), *PORTRAIT) == PixelBox(left=0, top=0, right=270, bottom=337)


@pytest.mark.parametrize(
    ("place", "box"), [((0, 0, 800, 500), (200, 0, 600, 500)), ((100, 100, 400, 600), (100, 200, 500, 700))]
)
def test_nobody_is_stretched_in_a_rectangle_of_another_shape(place: tuple[float, ...], box: tuple[int, ...]) -> None:
    x, y, width, height = place
    laid = canvas(width=1280, height=720, person=Rectangle(x=x, y=y, width=width, height=height))
    found = laid.person_box(Size(1280, 720), *PORTRAIT)
    assert (found.left, found.top, found.right, found.bottom) == box


def test_without_a_rectangle_the_person_stands_at_the_bottom_in_the_middle() -> None:
    found = canvas(width=1280, height=720).person_box(Size(1280, 720), *PORTRAIT)
    assert found == PixelBox(left=352, top=0, right=928, bottom=720)


@given(
    x=st.floats(-800, 800),
    y=st.floats(-800, 800),
    width=st.floats(20, 900),
    shape=st.floats(0.2, 5),
    resolution=st.sampled_from([240, 720, 1080]),
)
def test_the_picture_keeps_its_shape_wherever_it_lies(
    x: float, y: float, width: float, shape: float, resolution: int
) -> None:
    laid = canvas(resolution=resolution, person=Rectangle(x=x, y=y, width=width, height=width / shape))
    size = laid.size(*PORTRAIT)
    try:
        box = laid.person_box(size, *PORTRAIT)
    except OptionError as refused:
        assert refused.code in ("person_outside", "person_too_large")
        return
    scale = size.height / laid.height
    assert box.bottom == pytest.approx((y + width / shape) * scale, abs=0.51)
    assert abs(math.log(box.width / box.height / 0.8)) <= 0.031 + 1.5 / min(box.width, box.height)
    assert (box.left + box.right) / 2 == pytest.approx((x + width / 2) * size.width / laid.width, abs=1)


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ((2000, 0, 100, 125), "person_outside"),
        ((-100, 0, 100, 125), "person_outside"),
        ((0, 480, 100, 125), "person_outside"),
        ((0, 0, 4000, 5000), "person_too_large"),
    ],
)
def test_a_person_who_cannot_be_seen_or_fills_a_hall(place: tuple[float, ...], code: str) -> None:
    x, y, width, height = place
    laid = canvas(person=Rectangle(x=x, y=y, width=width, height=height))
    with pytest.raises(OptionError) as caught:
        laid.person_box(laid.size(*PORTRAIT), *PORTRAIT)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"resolution": 100}, "resolution_range"),
        ({"resolution": 4320}, "resolution_range"),
        ({"width": 0}, "canvas_shape"),
        ({"height": -5}, "canvas_shape"),
        ({"width": float("nan")}, "canvas_shape"),
        ({"person": Rectangle(x=0, y=0, width=0, height=5)}, "canvas_rectangle"),
        ({"person": Rectangle(x=float("inf"), y=0, width=5, height=5)}, "canvas_rectangle"),
        ({"ground_at": Rectangle(x=0, y=0, width=5, height=-1)}, "canvas_rectangle"),
    ],
)
def test_wrong_layouts_are_refused_at_once(wrong: dict[str, Any], code: str) -> None:
    with pytest.raises(OptionError) as caught:
        canvas(**wrong)
    assert caught.value.code == code


def test_a_ribbon_is_no_video() -> None:
    with pytest.raises(OptionError) as caught:
        canvas(width=10, height=1000).size(*PORTRAIT)
    assert caught.value.code == "canvas_shape"


def test_a_side_that_is_not_given_is_no_rectangle() -> None:
    assert Rectangle.given(0, 0, -1, -1) is None
    assert Rectangle.given(5, 6, 0, 9) is None
    assert Rectangle.given(5, 6, 7, 8) == Rectangle(x=5, y=6, width=7, height=8)


@pytest.mark.parametrize("other", [{"size": Size(720, 720)}, {"background": GREEN}])
def test_a_canvas_excludes_what_it_tells_itself(other: dict[str, Any]) -> None:
    with pytest.raises(OptionError) as caught:
        SpeakOptions(canvas=canvas(), **other)
    assert caught.value.code == "canvas_and_frame"


def test_a_clear_canvas_has_the_places_of_one_with_a_ground_and_no_ground() -> None:
    person = Rectangle(x=100, y=50, width=200, height=250)
    clear = Canvas(resolution=480, width=640, height=480, person=person)
    filled = Canvas(resolution=480, width=640, height=480, person=person, ground=GREEN)
    size = clear.size(400, 500, clear=True)
    assert size == filled.size(400, 500) != clear.size(400, 500)
    assert clear.person_box(size, 400, 500, clear=True) == filled.person_box(size, 400, 500)
    SpeakOptions(canvas=clear, alpha=True)
    with pytest.raises(OptionError) as caught:
        SpeakOptions(canvas=filled, alpha=True)
    assert caught.value.code == "alpha_and_background"


def quarters() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Four colours, so that a picture laid wrongly shows."""
    picture = np.zeros((200, 400, 3), np.uint8)
    picture[:100, :200], picture[:100, 200:] = (250, 0, 0), (0, 250, 0)
    picture[100:, :200], picture[100:, 200:] = (0, 0, 250), (250, 250, 0)
    return picture


def test_a_pictured_ground_fills_the_canvas_cropped_to_its_shape() -> None:
    made = canvas(width=400, height=400, ground=quarters()).ground_picture(Size(720, 720), *PORTRAIT)
    assert made.shape == (720, 720, 3)
    assert [made[y, x].tolist() for y, x in ((5, 5), (5, 700), (700, 5), (700, 700))] == [
        [250, 0, 0], [0, 250, 0], [0, 0, 250], [250, 250, 0],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("place", "colours"),
    [
        ((0, 0, 400, 200), {(20, 20): (250, 0, 0), (50, 300): (0, 250, 0), (300, 50): (0, 0, 0)}),
        ((-200, -100, 400, 200), {(50, 50): (250, 250, 0), (150, 50): (0, 0, 0), (50, 250): (0, 0, 0)}),
        ((100, 100, 200, 100), {(50, 150): (0, 0, 0), (110, 110): (250, 0, 0), (190, 290): (250, 250, 0)}),
        ((-39800, -19800, 40000, 20000), {(100, 100): (250, 250, 0), (195, 195): (250, 250, 0), (100, 300): (0, 0, 0)}),
        ((-2000, -1000, 4200, 2100), {(5, 5): (250, 0, 0), (190, 190): (250, 250, 0)}),
    ],
)
def test_a_ground_may_fill_a_part_of_the_canvas_or_hang_over_it(
    place: tuple[float, ...], colours: dict[tuple[int, int], tuple[int, int, int]]
) -> None:
    x, y, width, height = place
    laid = canvas(width=400, height=400, ground=quarters(), ground_at=Rectangle(x=x, y=y, width=width, height=height))
    made = laid.ground_picture(Size(400, 400), *PORTRAIT)
    for at, colour in colours.items():
        assert made[at].tolist() == pytest.approx(colour, abs=3), at


def test_boxes_meet_and_hold() -> None:
    frame = frame_box(Size(100, 50))
    box = PixelBox(left=-10, top=20, right=30, bottom=80)
    assert box.meeting(frame) == PixelBox(left=0, top=20, right=30, bottom=50)
    assert box.around(frame) == PixelBox(left=-10, top=0, right=100, bottom=80)
    assert box.moved(10, -20) == PixelBox(left=0, top=0, right=40, bottom=60)


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("rgb(1,2,3)", (1, 2, 3)),
        (" RGB( 1, 2 , 3 ) ", (1, 2, 3)),
        ("rgba(10, 20, 30, 1)", (10, 20, 30)),
        ("rgba(10,20,30,0)", (255, 255, 255)),
        ("rgba(0,0,0,0.5)", (128, 128, 128)),
        ("rgba(0,0,0,.5)", (128, 128, 128)),
        ("rgb(0 128 255 / 100%)", (0, 128, 255)),
        ("rgb(100%, 0%, 50%)", (255, 0, 128)),
        ("rgb(300,-5,0)", (255, 0, 0)),
        ("rgb(12.6,0,0)", (13, 0, 0)),
        ("#fff", (255, 255, 255)),
        ("#0A141E", (10, 20, 30)),
        ("0a141e", (10, 20, 30)),
        ("#00000080", (127, 127, 127)),
        ("#0008", (119, 119, 119)),
    ],
)
def test_colours_as_clients_write_them(text: str, colour: tuple[int, int, int]) -> None:
    assert parse_colour(text) == colour


@pytest.mark.parametrize(
    "text",
    ["", "rgb()", "rgb(1,2)", "rgb(1,2,3,4,5)", "rgb(a,b,c)", "rgb(nan,0,0)", "#12345", "hsl(1,2,3)", "rgb(1,2,3"],
)
def test_what_is_no_colour_is_said_to_be_none(text: str) -> None:
    with pytest.raises(OptionError) as caught:
        parse_colour(text)
    assert caught.value.code == "colour_unknown"
