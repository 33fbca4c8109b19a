"""A part of a picture as RGB and back into its planes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.video.patching import even_box, read_rgb, write_rgb
from avatarium.engine.video.planes import Planes

WIDTH, HEIGHT = 48, 32


def planes(*, matrix: int = 1, full: bool = False) -> Planes:
    random = np.random.default_rng(3)
    return Planes(
        y=random.integers(40, 200, (HEIGHT, WIDTH), np.uint8),
        u=random.integers(100, 150, (HEIGHT // 2, WIDTH // 2), np.uint8),
        v=random.integers(100, 150, (HEIGHT // 2, WIDTH // 2), np.uint8),
        alpha=None,
        matrix=matrix,
        full_range=full,
    )


def copied(held: Planes) -> list[NDArray[np.uint8]]:
    return [held.y.copy(), held.u.copy(), held.v.copy()]


@pytest.mark.parametrize("matrix", [1, 5, 6, 9])
@pytest.mark.parametrize("full", [False, True])
def test_what_is_not_drawn_keeps_every_sample(matrix: int, full: bool) -> None:
    held, box = planes(matrix=matrix, full=full), (4, 6, 40, 28)
    before = copied(held)
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    read_rgb(held, box, picture)
    part = picture[6:28, 4:40]
    write_rgb(held, box, part.copy(), part)
    assert all(np.array_equal(a, b) for a, b in zip(before, copied(held), strict=True))


@pytest.mark.parametrize("matrix", [1, 6])
def test_what_is_drawn_is_there_when_it_is_read_again(matrix: int) -> None:
    held, box = planes(matrix=matrix), (0, 0, WIDTH, HEIGHT)
    held.u[:], held.v[:] = 128, 128
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    read_rgb(held, box, picture)
    before = picture.copy()
    picture[8:16, 8:16] = (180, 90, 60)
    write_rgb(held, box, before, picture)
    again = np.zeros_like(picture)
    read_rgb(held, box, again)
    assert np.abs(again[8:16, 8:16].astype(int) - (180, 90, 60)).max() <= 6
    assert np.array_equal(again[20:], before[20:])


def test_white_of_limited_range_is_white() -> None:
    held = planes()
    held.y[:], held.u[:], held.v[:] = 235, 128, 128
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    read_rgb(held, (0, 0, WIDTH, HEIGHT), picture)
    assert (picture == 255).all()


@pytest.mark.parametrize(
    ("area", "box"),
    [
        ((3.2, 5.9, 20.1, 21.0), (2, 4, 22, 22)),
        ((-9, -9, 99, 99), (0, 0, 48, 32)),
        ((60, 60, 70, 70), (60, 60, 60, 60)),
    ],
)
def test_boxes_are_even_and_inside(area: tuple[float, ...], box: tuple[int, ...]) -> None:
    found = even_box(*area, WIDTH, HEIGHT)  # type: ignore[call-arg, arg-type]
    assert all(side % 2 == 0 for side in found)
    assert found == box
