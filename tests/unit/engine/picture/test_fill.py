"""Holes are filled from around them and nothing else is touched."""

from __future__ import annotations

import numpy as np

from avatarium.engine.picture.fill import fill


def test_known_pixels_stay_and_a_hole_in_a_plain_ground_vanishes() -> None:
    picture = np.full((90, 120, 3), (40, 120, 200), np.uint8)
    picture[30:60, 40:80] = 255
    known = np.ones((90, 120), np.float32)
    known[28:62, 38:82] = 0
    filled = fill(picture, known)
    assert np.array_equal(filled[known == 1], picture[known == 1])
    assert np.abs(filled[28:62, 38:82].astype(int) - (40, 120, 200)).max() <= 1


def test_a_gradient_goes_on_through_the_hole() -> None:
    picture = np.repeat(np.linspace(0, 255, 128)[None, :, None], 128, 0).repeat(3, 2).astype(np.uint8)
    known = np.ones((128, 128), np.float32)
    known[50:78, 50:78] = 0
    error = np.abs(fill(picture, known).astype(int) - picture)
    assert error.max() < 20


def test_odd_sizes_and_a_picture_that_is_all_hole_do_not_fail() -> None:
    for shape in ((1, 1), (2, 7), (33, 3)):
        picture = np.full((*shape, 3), 90, np.uint8)
        assert fill(picture, np.zeros(shape, np.float32)).shape == picture.shape
