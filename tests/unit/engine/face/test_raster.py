"""The compiled loops agree with plain slow ones."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from avatarium.engine.face.raster import BAND, bands_of, draw_map, lay_over


def maps(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return np.full((height, width), -1, np.float32), np.full((height, width), -1, np.float32)


def test_a_mesh_that_does_not_move_maps_every_pixel_to_itself() -> None:
    random = np.random.default_rng(0)
    corners = [[0, 0], [63, 0], [0, 47], [63, 47]]
    points = np.concatenate([corners, random.uniform([0, 0], [63, 47], (40, 2))]).astype(np.float32)
    triangles = Delaunay(points).simplices.astype(np.int32)
    map_x, map_y = maps(48, 64)
    draw_map(triangles, points, points, map_x, map_y)
    x, y = np.meshgrid(np.arange(64), np.arange(48))
    assert np.abs(map_x - x).max() < 1e-3
    assert np.abs(map_y - y).max() < 1e-3


def test_an_affine_move_is_undone_exactly_and_leaves_no_gap() -> None:
    random = np.random.default_rng(1)
    source = np.concatenate([[[0, 0], [99, 0], [0, 99], [99, 99]], random.uniform(0, 99, (60, 2))]).astype(np.float32)
    turn = np.array([[0.9, 0.2], [-0.15, 1.1]], np.float32)
    target = source @ turn.T + np.array([5, 20], np.float32)
    map_x, map_y = maps(100, 100)
    draw_map(Delaunay(source).simplices.astype(np.int32), target, source, map_x, map_y)
    grid = np.stack(np.meshgrid(np.arange(100), np.arange(100)), axis=-1) - np.array([5, 20])
    back = grid @ np.linalg.inv(turn).T
    inside = ((back > 0.5) & (back < 98.5)).all(-1)
    assert inside.sum() > 3000
    assert np.abs(map_x - back[..., 0])[inside].max() < 0.05
    assert np.abs(map_y - back[..., 1])[inside].max() < 0.05


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(-300, 300), st.floats(-300, 300)), min_size=3, max_size=3))
def test_no_triangle_however_placed_writes_outside_the_map(corners: list[tuple[float, float]]) -> None:
    map_x, map_y = maps(20, 30)
    target = np.array(corners, np.float32)
    draw_map(np.array([[0, 1, 2]], np.int32), target, np.zeros((3, 2), np.float32), map_x, map_y)
    assert map_x.shape == (20, 30) and np.isfinite(map_x).all()


def test_laying_a_person_over_a_ground_is_alpha_compositing() -> None:
    random = np.random.default_rng(2)
    alpha = random.choice([0, 3, 127, 250, 255], (40, 50))
    colour = random.integers(0, 256, (40, 50, 3))
    person = np.dstack([colour * alpha[..., None] / 255, alpha]).round().astype(np.uint8)
    ground = random.integers(0, 256, (40, 50, 3)).astype(np.uint8)
    frame = np.zeros((60, 70, 3), np.uint8)
    frame[7:47, 9:59] = ground
    lay_over(person, ground, frame, 9, 7, np.array([[0, 16, 0, 50], [16, 40, 0, 50]]))
    out = frame[7:47, 9:59]
    expected = colour * alpha[..., None] / 255 + ground * (1 - alpha[..., None] / 255)
    assert np.abs(out - expected).max() <= 1.01


def test_outside_the_bands_nothing_is_laid_over() -> None:
    person, ground = np.full((40, 50, 4), 255, np.uint8), np.zeros((40, 50, 3), np.uint8)
    frame = ground.copy()
    lay_over(person, ground, frame, 0, 0, np.array([[0, 16, 30, 30], [16, 40, 5, 11]]))
    assert (frame[16:40, 5:11] == 255).all()
    assert frame.sum() == 255 * 3 * 24 * 6


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(-40, 340), st.floats(-40, 340)), min_size=6, max_size=6))
def test_all_that_triangles_cover_is_in_their_bands(corners: list[tuple[float, float]]) -> None:
    height, width = 3 * BAND + 5, 200
    map_x, map_y = maps(height, width)
    triangles, target = np.array([[0, 1, 2], [3, 4, 5]], np.int32), np.array(corners, np.float32)
    draw_map(triangles, target, np.zeros((6, 2), np.float32), map_x, map_y)
    drawn, reached = map_x >= 0, np.zeros((height, width), bool)
    for top, bottom, left, right in bands_of(triangles, target, height, width):
        assert 0 <= top < bottom <= height and 0 <= left <= right <= width
        reached[top:bottom, left:right] = True
    assert not (drawn & ~reached).any()


def test_a_map_that_begins_further_down_is_that_part_of_the_whole() -> None:
    random = np.random.default_rng(4)
    target, source = (random.uniform(0, 60, (12, 2)).astype(np.float32) for _ in range(2))
    triangles = random.permutation(12).reshape(4, 3).astype(np.int32)
    whole, part = maps(60, 60), maps(25, 60)
    draw_map(triangles, target, source, *whole)
    draw_map(triangles, target, source, *part, 20)
    assert (whole[0][20:45] >= 0).any()
    assert np.array_equal(whole[0][20:45], part[0]) and np.array_equal(whole[1][20:45], part[1])
