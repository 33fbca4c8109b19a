"""What is played round and round has no joint that differs from the clip's own steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.face.video.loop import Loop, Playing, find_loop
from avatarium.engine.face.video.measures import measure
from avatarium.engine.face.video.tracking import Track

Points = NDArray[np.float64]
WIDTH, HEIGHT = 640, 360
PERIOD = 125


def clip(face: Points, shifts: NDArray[Any], cuts: tuple[int, ...] = ()) -> tuple[Track, NDArray[np.uint8]]:
    """A face and a bright bar that go to and fro together, before a pattern; pictures of 160 x 90."""
    small = (face - face.mean(0)) * 0.5 + [WIDTH / 2, HEIGHT / 2, 0]
    points = np.stack([np.concatenate([small + [s, 0, 0], np.zeros((10, 3))]) for s in shifts])
    track = Track(
        points=points.astype(np.float32),
        seen=np.ones(len(shifts), bool),
        others=np.zeros(len(shifts), np.int16),
        cuts=cuts,
        width=WIDTH,
        height=HEIGHT,
    )
    columns = np.arange(160)
    rng = np.random.default_rng(1)
    pictures = []
    for shift in shifts:
        bar = 120 * np.exp(-(((columns - 40 - shift / 4) / 8) ** 2))
        pictures.append(np.clip(60 + bar + rng.normal(0, 1, (90, 160)), 0, 255).astype(np.uint8))
    return track, np.stack(pictures)


def loop_of(track: Track, pictures: NDArray[np.uint8]) -> Loop:
    return find_loop(measure(track), track, pictures)


def steps(loop: Loop, shifts: NDArray[Any]) -> NDArray[Any]:
    """Movement from each frame of the loop to the next, round the joint."""
    shown = shifts[loop.order]
    return np.asarray(np.abs(np.roll(shown, -1) - shown))


def test_a_movement_that_repeats_is_played_forward_a_whole_number_of_times(face: Points) -> None:
    shifts = 40 * np.sin(2 * np.pi * np.arange(3 * PERIOD) / PERIOD)
    loop = loop_of(*clip(face, shifts))
    assert loop.playing is Playing.FORWARD and loop.seamless
    assert len(loop.order) % PERIOD in (0, 1, PERIOD - 1)
    assert (np.diff(loop.order) == 1).all()
    assert loop.joint <= loop.usual
    assert steps(loop, shifts).max() <= np.abs(np.diff(shifts)).max() * 1.6


def test_a_movement_that_never_comes_back_is_played_to_and_fro_and_turns_where_it_is_slow(face: Points) -> None:
    time = np.linspace(0, 1, 200)
    shifts = 80 * (3 * time**2 - 2 * time**3)
    loop = loop_of(*clip(face, shifts))
    assert loop.playing is Playing.TO_AND_FRO and loop.seamless
    assert set(np.abs(np.diff(loop.order))) == {1}
    assert abs(int(loop.order[-1]) - int(loop.order[0])) == 1
    speed = np.abs(np.gradient(shifts))
    for turn in (loop.order.min(), loop.order.max()):
        assert speed[turn] <= np.quantile(speed, 0.4)
    assert len(set(loop.order.tolist())) >= 150


def test_play_turns_where_the_mouth_is_still_too(face: Points) -> None:
    time = np.linspace(0, 1, 200)
    track, pictures = clip(face, 80 * (3 * time**2 - 2 * time**3))
    calm = {*range(12, 17), *range(185, 191)}
    for number, picture in enumerate(pictures):
        x, y = (track.points[number, [13, 14], :2].mean(0) / 4).round().astype(int)
        picture[y - 2 : y + 3, x - 3 : x + 4] = 160 if number % 2 and number not in calm else 60
    loop = loop_of(track, pictures)
    assert loop.playing is Playing.TO_AND_FRO
    assert {int(loop.order.min()), int(loop.order.max())} <= calm


def test_it_stays_within_the_longest_shot(face: Points) -> None:
    shifts = 40 * np.sin(np.arange(300) / 20)
    loop = loop_of(*clip(face, shifts, cuts=(130,)))
    assert loop.order.min() >= 130
    assert "Of the clip" in loop.note


def test_it_stays_where_the_face_is_seen(face: Points) -> None:
    shifts = 40 * np.sin(np.arange(300) / 20)
    track, pictures = clip(face, shifts)
    track.seen[100:140] = False
    loop = loop_of(track, pictures)
    assert track.seen[loop.order].all()


def test_moments_without_a_face_stay_only_where_the_rest_is_shorter_than_four_seconds(face: Points) -> None:
    shifts = 40 * np.sin(np.arange(240) / 20)
    track, pictures = clip(face, shifts)
    track.seen[80:100] = track.seen[170:190] = False
    loop = loop_of(track, pictures)
    assert not track.seen[loop.order].all()
    assert "never seen for four seconds" in loop.note


def test_a_mouth_that_is_free_is_preferred(face: Points) -> None:
    shifts = 40 * np.sin(np.arange(300) / 20)
    track, pictures = clip(face, shifts)
    shown = np.ones(300, np.float32)
    shown[:120] = 0
    loop = find_loop(measure(track), track, pictures, shown)
    assert loop.order.min() >= 120


@pytest.mark.parametrize("count", [1, 2, 3, 20])
def test_a_very_short_clip_still_plays(face: Points, count: int) -> None:
    loop = loop_of(*clip(face, np.linspace(0, 10, count)))
    assert len(loop.order) >= 1
    assert set(loop.order.tolist()) <= set(range(count))
