"""Lips that say nothing live, say nothing, and are where words want them when words come."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.pose import COMING, Floats, Mouth, Pose
from avatarium.engine.face.video.bank import Bank
from avatarium.engine.face.video.idling import OWN_MOST, Idling
from tests.unit.engine.face.test_twin_speaking import STRAIGHT, bank, mouth

FPS = 25.0


def quiet(tick: int, speaks_in: int | None = None) -> Pose:
    coming = np.zeros((COMING, len(Mouth)), np.float32)
    if speaks_in is not None and speaks_in < COMING:
        coming[speaks_in:] = mouth(0.1, chin=0.05)
    return Pose(tick=tick, coming=coming)


def resting(wander: float = 0.004) -> Bank:
    """Forty mouths at rest, their corners never quite still, then twenty that speak."""
    made = bank([0.002] * 40 + [0.1] * 20)
    controls = made.controls.copy()
    controls[:40, Mouth.WIDTH] = wander * np.sin(np.arange(40) / 3)
    return replace(made, controls=controls)


def walked(idling: Idling, count: int, first: int = 0) -> tuple[list[int | None], NDArray[np.float32]]:
    rows, moved = [], []
    for tick in range(first, first + count):
        share = idling.share(quiet(tick))
        rows.append(idling.row(share, STRAIGHT))
        moved.append(np.float32(share) * idling.movement(tick))
    return rows, np.array(moved, np.float32)


def test_one_picture_of_the_lips_was_held_still_for_as_long_as_nobody_spoke() -> None:
    rows, moved = walked(Idling(resting(), FPS), 500)
    shown = [row for row in rows if row is not None]
    assert len(shown) > 470
    assert set(shown) == set(range(3, 37))
    assert {abs(b - a) for a, b in zip(shown[:-1], shown[1:], strict=True)} <= {0, 1}
    settled: Floats = moved[40:]
    assert settled[:, Mouth.CHIN].std() > 0.001
    assert settled[:, Mouth.WIDTH].std() > 0.001


def test_it_is_small_and_smooth_and_never_opens_the_mouth() -> None:
    _, moved = walked(Idling(resting(), FPS), 3000)
    assert np.abs(moved).max() < 0.03
    assert np.abs(np.diff(moved, axis=0)).max() < 0.004
    assert moved[:, Mouth.OPEN].max() <= 0


def test_once_in_a_while_somebody_swallows() -> None:
    _, moved = walked(Idling(bank([0.1] * 20), FPS), 3000)
    pressed = moved[:, Mouth.OPEN] < -0.004
    times = int((np.diff(pressed.astype(int)) == 1).sum())
    assert 3 <= times <= 7
    assert pressed.mean() < 0.05


def test_words_find_the_lips_where_they_want_them() -> None:
    idling = Idling(resting(), FPS)
    for tick in range(100):
        idling.share(quiet(tick))
    shares = [idling.share(quiet(100 + k, speaks_in=9 - k)) for k in range(10)]
    assert shares[0] == 1.0
    assert all(b <= a for a, b in zip(shares[:-1], shares[1:], strict=True))
    assert shares[-1] == 0.0
    assert idling.share(Pose(tick=110, mouth=mouth(0.1))) == 0.0


def test_a_pause_between_two_words_is_no_silence() -> None:
    idling = Idling(resting(), FPS)
    idling.share(Pose(tick=0, mouth=mouth(0.1)))
    assert all(idling.share(quiet(k, speaks_in=10 - k)) < 0.1 for k in range(1, 10))


def test_the_clips_own_rest_is_followed_within_bounds_and_the_same_poses_give_the_same() -> None:
    wild = resting(wander=0.02)
    _, moved = walked(Idling(wild, FPS), 300)
    assert np.abs(moved[:, Mouth.WIDTH]).max() < OWN_MOST + 0.015
    again = walked(Idling(wild, FPS), 300)[1]
    assert np.array_equal(moved, again)


def test_the_mouth_nearest_to_the_heads_turn_is_gone_to() -> None:
    made = bank([0.002] * 20 + [0.002] * 20, frames=[*range(20), *range(100, 120)])
    pose = made.pose.copy()
    pose[20:, 0] = 0.4
    idling = Idling(replace(made, pose=pose), FPS)
    for tick in range(30):
        idling.share(quiet(tick))
    assert idling.row(1.0, STRAIGHT) == 3
    turned = np.array([0.4, 0.0, 0.0], np.float32)
    rows = [idling.row(1.0, turned) for _ in range(25)]
    assert rows[-1] is not None
    assert rows[-1] >= 20
