"""Sizes as people write them, and pictures fitted into them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from avatarium.engine.video import Box, Fit, Size, blurred_ground, fit_picture, place
from avatarium.errors import OptionError


@pytest.mark.parametrize(
    ("text", "width", "height"),
    [
        ("720p", 1280, 720),
        ("480p", 854, 480),
        ("1080p", 1920, 1080),
        ("2160p", 3840, 2160),
        ("4K", 3840, 2160),
        ("1280x720", 1280, 720),
        (" 1080 X 1920 ", 1080, 1920),
        ("512×512", 512, 512),
        ("square", 720, 720),
        ("1:1@512p", 512, 512),
        ("9:16", 720, 1280),
        ("9:16@1080p", 1080, 1920),
        ("portrait", 720, 1280),
        ("4:5", 720, 900),
        ("16:9", 1280, 720),
        ("21:9@1080p", 2520, 1080),
    ],
)
def test_sizes_are_read_as_people_write_them(text: str, width: int, height: int) -> None:
    size = Size.parse(text)
    assert (size.width, size.height) == (width, height)
    assert Size.parse(str(size)) == size


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "size_unknown"),
        ("big", "size_unknown"),
        ("0:9", "size_unknown"),
        ("720", "size_unknown"),
        ("-720x480", "size_unknown"),
        ("1281x720", "size_odd"),
        ("320x240", "size_range"),
        ("240p", "size_range"),
        ("7680x4320", "size_range"),
        ("99:1", "size_range"),
        ("99999x99999", "size_range"),
    ],
)
def test_sizes_that_are_not_offered(text: str, code: str) -> None:
    with pytest.raises(OptionError) as caught:
        Size.parse(text)
    assert caught.value.code == code
    assert caught.value.message.endswith(".")


SIZES = st.sampled_from([Size(1280, 720), Size(720, 1280), Size(720, 720), Size(720, 900), Size(3840, 2160)])
SIDES = st.integers(16, 5000)


@given(SIDES, SIDES, SIZES, st.sampled_from(Fit))
def test_placements_stay_inside_and_keep_the_shape(width: int, height: int, size: Size, fit: Fit) -> None:
    made = place(width, height, size, fit)
    assert made.source_x >= 0
    assert made.source_x + made.source_width <= width
    assert made.source_y >= 0
    assert made.source_y + made.source_height <= height
    assert made.target_x >= 0
    assert made.target_x + made.target_width <= size.width
    assert made.target_y >= 0
    assert made.target_y + made.target_height <= size.height
    # Rounding to whole pixels is the only distortion.
    across, down = made.scale
    slack = 2 / min(made.source_width, made.source_height, made.target_width, made.target_height)
    assert abs(across / down - 1) <= slack + 1e-9
    if fit is Fit.CROP:
        assert made.covers(size)
    else:
        assert (made.source_width, made.source_height) == (width, height)
        assert made.target_width == size.width or made.target_height == size.height


@given(SIDES, SIDES, SIZES, st.floats(0, 1), st.floats(0, 1), st.floats(0.02, 0.9))
def test_a_face_that_can_be_kept_is_kept(width: int, height: int, size: Size, x: float, y: float, share: float) -> None:
    side = share * min(width, height)
    left, top = x * (width - side), y * (height - side)
    face = Box(left=left, top=top, right=left + side, bottom=top + side)
    made = place(width, height, size, Fit.CROP, face=face)
    if made.source_width >= side + 1:
        assert made.source_x <= left + 1
        assert made.source_x + made.source_width >= face.right - 1
    if made.source_height >= 1.5 * side + 1:
        assert made.source_y <= top + 1
        assert made.source_y + made.source_height >= face.bottom - 1


def test_head_room_and_third() -> None:
    """A tall portrait cropped wide: hair and chin stay, and the face is not in the middle but above it."""
    face = Box(left=400, top=600, right=600, bottom=850)
    made = place(1000, 2000, Size(1280, 720), Fit.CROP, face=face)
    window = made.source_height
    assert made.source_y <= 600 - 0.4 * 250
    assert 0.3 * window < 725 - made.source_y < 0.5 * window + 1


def test_points_follow_the_picture() -> None:
    made = place(2000, 1000, Size(720, 720), Fit.PAD)
    corners = made.to_video(np.array([[0.0, 0.0], [2000.0, 1000.0]]))
    assert corners.tolist() == [[0, 180], [720, 540]]


def marked(width: int, height: int) -> NDArray[np.uint8]:
    rgb = np.full((height, width, 3), (180, 140, 110), np.uint8)
    rgb[:, : width // 10] = (220, 30, 30)
    rgb[:, -(width // 10) :] = (30, 30, 220)
    return rgb


@pytest.mark.parametrize("size", [Size(1280, 720), Size(720, 1280), Size(720, 720), Size(720, 900)])
@pytest.mark.parametrize("fit", Fit)
def test_every_fit_fills_the_size(size: Size, fit: Fit) -> None:
    made = fit_picture(marked(500, 400), size, fit)
    assert made.shape == (size.height, size.width, 3)
    assert made.dtype == np.uint8
    middle = made[size.height // 2, size.width // 2].astype(int)
    assert np.abs(middle - (180, 140, 110)).max() <= 2


def test_padding_shows_all_of_the_picture_on_its_ground() -> None:
    made = fit_picture(marked(1000, 1000), Size(1280, 720), Fit.PAD, ground=(10, 200, 30))
    assert (made[:, :279] == (10, 200, 30)).all()
    assert (made[:, -279:] == (10, 200, 30)).all()
    assert (made[:, 290:330].astype(int)[..., 0] > 200).all()
    assert (made[:, -330:-290].astype(int)[..., 2] > 200).all()


def test_padding_over_a_picture_crops_it_to_fill() -> None:
    ground = np.full((50, 900, 3), (1, 2, 3), np.uint8)
    made = fit_picture(marked(1000, 1000), Size(1280, 720), Fit.PAD, ground=ground)
    assert (made[:, :270] == (1, 2, 3)).all()


def test_blur_fills_the_sides_with_the_picture_smooth_and_darker() -> None:
    noise = np.random.default_rng(2).integers(0, 256, (600, 600, 3), dtype=np.uint8)
    made = fit_picture(noise, Size(1280, 720), Fit.BLUR)
    side = made[:, :270].astype(float)
    assert abs(side.mean() - 127.5 * 0.65) < 6
    assert side.std() < 12
    assert np.abs(np.diff(side, axis=1)).max() <= 3


def test_the_blurred_ground_keeps_the_colours() -> None:
    made = blurred_ground(marked(800, 600), Size(1280, 720))
    assert made[360, 640].astype(int).tolist() == pytest.approx([117, 91, 71], abs=3)


def test_fitting_returns_a_picture_of_its_own() -> None:
    rgb = marked(1280, 720)
    made = fit_picture(rgb, Size(1280, 720), Fit.CROP)
    made[:] = 0
    assert rgb.max() > 0
