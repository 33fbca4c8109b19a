"""Cuts are found; movement, light from frame to frame and standing frames are none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.video.cuts import Changes

Image = NDArray[np.uint8]


def scene(hue: int, seed: int = 0) -> Image:
    """A patterned picture in one colour."""
    pattern = np.random.default_rng(seed).integers(60, 200, (12, 16)).repeat(10, 0).repeat(10, 1)
    colours = np.zeros((120, 160, 3), np.uint8)
    colours[..., hue] = pattern
    colours[..., (hue + 1) % 3] = pattern // 3
    return colours


def cuts_of(frames: list[Image], moved: list[float] | None = None) -> tuple[int, ...]:
    changes = Changes()
    for frame in frames:
        changes.add(frame)
    told = np.full(len(frames), 0.01, np.float32) if moved is None else np.array(moved, np.float32)
    return changes.cuts(told)


def noisy(frame: Image, seed: int) -> Image:
    noise = np.random.default_rng(seed).normal(0, 4, frame.shape)
    return np.clip(frame + noise, 0, 255).astype(np.uint8)


def test_another_scene_is_a_cut_and_coming_back_is_one_too() -> None:
    frames = [noisy(scene(0 if n < 30 or n >= 55 else 1), n) for n in range(80)]
    assert cuts_of(frames) == (30, 55)


def test_a_slow_pan_and_noise_are_no_cut() -> None:
    frames = [noisy(np.roll(scene(0), 2 * n, axis=1), n) for n in range(60)]
    assert cuts_of(frames) == ()


def test_clips_of_few_frames_a_second_stand_still_and_are_not_cut_at_every_step() -> None:
    frames = [noisy(np.roll(scene(0), 6 * (n // 2), axis=1), n // 2) for n in range(60)]
    assert cuts_of(frames) == ()


def test_a_face_that_jumps_in_the_same_scene_is_a_cut() -> None:
    frames = [noisy(np.roll(scene(0), 0 if n < 30 else 25, axis=1), n) for n in range(60)]
    moved = [0.4 if n == 30 else 0.01 for n in range(60)]
    assert cuts_of(frames, moved) == (30,)


def test_a_head_that_is_shaken_fast_all_the_time_is_no_cut() -> None:
    frames = [noisy(np.roll(scene(0), 8 * (n % 2), axis=1), n) for n in range(60)]
    assert cuts_of(frames, [0.2] * 60) == ()


def test_a_sudden_change_is_told_at_once_and_noise_is_not() -> None:
    changes = Changes()
    told = [changes.add(noisy(scene(0 if n < 20 else 2), n)) for n in range(30)]
    assert [n for n, sudden in enumerate(told) if sudden] == [20]
