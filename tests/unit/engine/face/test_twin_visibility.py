"""Colours that are not the face's own are told from smiles, light and pose; ramps are soft and early enough."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.face.video.fitness import masked
from avatarium.engine.face.video.skin import LIPS, LOWER, VERTICES
from avatarium.engine.face.video.tracking import Track
from avatarium.engine.face.video.visibility import RAMP, _softened, _turned, unlike

Float32 = NDArray[np.float32]
FRAMES = 200


def skin(seed: int = 0) -> Float32:
    """Colours of a face of which pose and opening change the shading, ``(frames, vertices, 4)``."""
    rng = np.random.default_rng(seed)
    base = np.tile([60.0, 15.0, 20.0, 1.0], (len(VERTICES), 1)) + rng.normal(0, 2, (len(VERTICES), 4)) * [3, 1, 1, 0.1]
    base[: len(LIPS), 1] += 10
    base[: len(LIPS), 3] += 2
    shading = rng.normal(0, 3, (len(VERTICES), 4)) * [1, 0.2, 0.2, 0.05]
    noise = rng.normal(0, 0.6, (FRAMES, len(VERTICES), 4))
    return np.asarray(base + poses()[:, :1, None] * shading + noise, np.float32)


def poses() -> NDArray[np.float64]:
    time = np.arange(FRAMES)
    return np.stack([np.sin(time / 20), np.cos(time / 33), 0 * time, np.abs(np.sin(time / 5))], 1)


def test_pose_and_noise_are_usual() -> None:
    assert unlike(skin(), poses()).max() < 0.05


@pytest.mark.parametrize("frames", [slice(50, 70), slice(120, 190)])
def test_another_colour_over_the_mouth_is_unusual_as_long_as_it_stays(frames: slice) -> None:
    colours = skin()
    colours[frames, : len(LOWER)] = [45, 8, 15, 1]
    found = unlike(colours, poses())
    assert found[frames].min() > 0.5
    assert np.delete(found, np.arange(FRAMES)[frames]).max() < 0.1


def test_light_that_changes_a_little_hides_nothing() -> None:
    colours = skin()
    colours[80:] += [3, 0.3, 0.5, 0]
    assert unlike(colours, poses()).max() < 0.2


def track(cuts: tuple[int, ...] = ()) -> Track:
    return Track(
        points=np.zeros((FRAMES, 478, 3), np.float32),
        seen=np.ones(FRAMES, bool),
        others=np.zeros(FRAMES, np.int16),
        cuts=cuts,
        width=64,
        height=64,
    )


def test_ramps_end_before_the_hand_is_there_and_begin_after_it_went() -> None:
    free = np.ones(FRAMES, np.float32)
    free[100:120] = 0
    shown = _softened(free, track())
    assert (shown[98:122] == 0).all()
    assert np.abs(np.diff(shown)).max() <= 1 / RAMP + 1e-6
    assert shown[90] == shown[130] == 1


def test_ramps_stop_at_cuts() -> None:
    free = np.ones(FRAMES, np.float32)
    free[100:120] = 0
    shown = _softened(free, track(cuts=(100, 120)))
    assert shown[99] == shown[120] == 1 and (shown[100:120] == 0).all()


def test_heads_turned_beyond_forty_degrees_hide_the_mouth_softly() -> None:
    yaw = np.radians([0, 30, -35, 40, -50, 90]) / 0.3
    shown = _turned(np.stack([yaw, 0 * yaw, 0 * yaw, 0 * yaw], 1))
    assert shown[:3].tolist() == [1, 1, 1] and 0.3 < shown[3] < 0.7 and shown[4:].tolist() == [0, 0]


def colours(lips: list[float], round_mouth: list[float], upper: list[float]) -> Float32:
    counts = len(LIPS), len(LOWER) - len(LIPS), len(VERTICES) - len(LOWER)
    parts = [np.tile(c, (n, 1)) for c, n in zip((lips, round_mouth, upper), counts, strict=True)]
    return np.asarray(np.concatenate(parts), np.float32)


def test_a_mask_is_told_from_a_beard_and_from_pale_lips() -> None:
    assert masked(colours([75, -8, -14, 0.8], [76, -8, -15, 0.7], [65, 14, 20, 1]))
    assert not masked(colours([43, 22, 18, 3.4], [36, 13, 16, 2.1], [59, 18, 25, 1]))
    assert not masked(colours([37, 10, 7.5, 1.8], [42, 9.3, 9.3, 0.7], [44, 9.8, 9.3, 0.4]))
