"""Mattes of real clips and of composites whose alpha is known."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from avatarium.engine.picture.matting import VideoMatte
from avatarium.engine.picture.matting.segmentation import Segmenter
from avatarium.engine.video.frames import read_frames
from bench.matting.measure import Tally
from bench.matting.scenes import scenes

FRAMES = 10


def _both(media: Path, name: str) -> tuple[Tally, Tally]:
    scene = next(scene for scene in scenes(media) if scene.name == name)
    ours, plain = Tally(), Tally()
    segmenter, matte = Segmenter(), None
    for shown in scene.frames(FRAMES):
        matte = matte or VideoMatte(shown.frame.shape[1], shown.frame.shape[0])
        ours.add(matte.next(shown.frame), shown.alpha, shown.clean, 0)
        plain.add(segmenter.mask(shown.frame), shown.alpha, shown.clean, 0)
    segmenter.close()
    assert matte is not None
    matte.close()
    return ours, plain


@pytest.mark.long
def test_a_matte_is_nearer_to_the_truth_and_steadier_than_the_plain_network(media: Path) -> None:
    ours, plain = _both(media, "synthetic-man-0003, office")
    assert ours.mean_absolute < 0.5 * plain.mean_absolute
    assert ours.mean_gradient < 0.6 * plain.mean_gradient
    assert ours.mean_flicker < 0.5 * plain.mean_flicker


def test_a_green_screen_is_found_in_a_real_clip_and_leaves_no_green(media: Path) -> None:
    frames = read_frames(media / "talking-videos" / "man-greenscreen-512.mp4", fps=25)
    with VideoMatte(512, 512) as matte:
        for frame in islice(frames, 3):
            before = frame.copy()
            alpha = matte.next(frame)
            pure = matte.foreground(frame, alpha)
            assert (frame == before).all()
    assert matte.screen is not None and matte.screen.channel == 1
    assert alpha[:20].max() < 0.02 and alpha[200:300, 200:300].min() == 1
    edge = (alpha > 0.05) & (alpha < 0.95)
    green = pure[..., 1].astype(int) - np.maximum(pure[..., 0], pure[..., 2])
    was = frame[..., 1].astype(int) - np.maximum(frame[..., 0], frame[..., 2])
    assert was[edge].mean() > 10
    assert green[edge].mean() < 3


def test_a_matte_does_not_remember_over_a_cut(media: Path) -> None:
    one = next(read_frames(media / "talking-videos" / "man-suit-700.mp4", fps=25))
    room = np.full_like(one, 200)
    with VideoMatte(one.shape[1], one.shape[0]) as matte:
        assert matte.next(one).mean() > 0.2
        assert matte.next(room).mean() < 0.02
