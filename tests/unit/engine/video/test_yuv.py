"""RGB to BT.709 4:2:0 against the formulas of the standard."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from avatarium.engine.video.yuv import YuvConverter

Planes = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]


def converted(rgb: NDArray[np.uint8]) -> Planes:
    height, width = rgb.shape[:2]
    y = np.zeros((height, width), np.uint8)
    u, v = np.zeros((2, height // 2, width // 2), np.uint8)
    YuvConverter(width, height).convert(rgb, y, u, v)
    return y, u, v


def reference(rgb: NDArray[np.uint8]) -> tuple[NDArray[np.float64], ...]:
    """ITU-R BT.709-6, sections 3.2 to 3.4, in floating point; chroma left-sited (H.264, figure E-1, type 0)."""
    red, green, blue = np.moveaxis(rgb.astype(np.float64) / 255, 2, 0)
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    chroma = []
    for difference in ((blue - luma) / 1.8556, (red - luma) / 1.5748):
        rows = (difference[::2] + difference[1::2]) / 2
        padded = np.pad(rows, ((0, 0), (1, 1)), mode="edge")
        across = (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) / 4
        chroma.append(128 + 224 * across[:, ::2])
    return 16 + 219 * luma, chroma[0], chroma[1]


@pytest.mark.parametrize("size", [(2, 2), (64, 48), (854, 480), (130, 66)])
def test_every_pixel_is_the_rounded_formula(size: tuple[int, int]) -> None:
    rgb = np.random.default_rng(3).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    for made, exact in zip(converted(rgb), reference(rgb), strict=True):
        assert np.abs(made - exact).max() <= 0.51


@given(st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255)))
def test_any_colour_comes_back(colour: tuple[int, int, int]) -> None:
    y, u, v = (float(plane[0, 0]) for plane in converted(np.full((2, 2, 3), colour, np.uint8)))
    luma, blue, red = (y - 16) / 219, (u - 128) / 224 * 1.8556, (v - 128) / 224 * 1.5748
    back = np.array([luma + red, luma - (0.2126 * red + 0.0722 * blue) / 0.7152, luma + blue]) * 255
    assert np.abs(back - colour).max() <= 2.5


def test_greys_carry_no_colour() -> None:
    greys = np.repeat(np.arange(256, dtype=np.uint8), 2)[None, :, None].repeat(2, 0).repeat(3, 2)
    y, u, v = converted(np.ascontiguousarray(greys))
    assert (u == 128).all()
    assert (v == 128).all()
    assert (y[0, 0], y[0, -1]) == (16, 235)


def test_red_is_not_that_of_bt601() -> None:
    y, u, v = converted(np.full((2, 2, 3), (255, 0, 0), np.uint8))
    assert (y[0, 0], u[0, 0], v[0, 0]) == (63, 102, 240)  # BT.601 would be 81, 90, 240


def test_padding_of_the_planes_and_alpha_are_left_alone() -> None:
    rgba = np.random.default_rng(4).integers(0, 256, (6, 10, 4), dtype=np.uint8)
    y, u, v = np.full((6, 32), 9, np.uint8), np.full((3, 16), 9, np.uint8), np.full((3, 16), 9, np.uint8)
    YuvConverter(10, 6).convert(rgba, y, u, v)
    assert (y[:, 10:] == 9).all()
    assert (u[:, 5:] == 9).all()
    assert (v[:, 5:] == 9).all()
    expected = converted(np.ascontiguousarray(rgba[..., :3]))
    for made, plane in zip((y, u, v), expected, strict=True):
        assert np.array_equal(made[:, : plane.shape[1]], plane)


def test_a_view_with_strides_is_converted_like_its_copy() -> None:
    wide = np.random.default_rng(5).integers(0, 256, (8, 20, 3), dtype=np.uint8)
    view = wide[::2, 4:16:2]
    for made, expected in zip(converted(view), converted(np.ascontiguousarray(view)), strict=True):
        assert np.array_equal(made, expected)
