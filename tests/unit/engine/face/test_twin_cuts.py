"""Cuts are found; movement, light from frame to frame and standing frames are none."""

from __future__ import annotations

import numpy as np
import pytest
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


def flashed(frame: Image, strength: float = 1.9) -> Image:
    """The frame in the light of a camera's flash, its bright parts burnt out."""
    return np.clip(frame * strength + 45, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_flash_counted_as_two_cuts(length: int) -> None:
    lit = range(30, 30 + length)
    frames = [flashed(noisy(scene(0), n)) if n in lit else noisy(scene(0), n) for n in range(70)]
    assert cuts_of(frames) == ()
    assert cuts_of(frames, [0.3 if n in (30, 30 + length) else 0.01 for n in range(70)]) == ()


def test_a_cut_to_a_brighter_scene_is_still_a_cut_and_so_is_one_frame_of_another_scene() -> None:
    bright = [noisy(scene(0) if n < 30 else flashed(scene(0, seed=4)), n) for n in range(70)]
    assert cuts_of(bright) == (30,)
    inserted = [noisy(scene(1, seed=9) if n == 30 else scene(0), n) for n in range(70)]
    assert cuts_of(inserted) == (30, 31)


def test_a_flash_at_the_very_end_of_a_shot_does_not_hide_the_cut() -> None:
    frames = [noisy(scene(0) if n < 31 else scene(1), n) for n in range(70)]
    frames[30] = flashed(frames[30])
    assert set(cuts_of(frames)) & {30, 31}
