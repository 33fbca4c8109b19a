"""Whether a loop jumps where it begins again, told by differences of frames."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from bench.likeness.clip import Picture

WIDTH = 320


def steps(frames: Iterable[Picture]) -> tuple[list[float], float]:
    """Mean absolute change from each frame to the next, in levels, and that from the last frame to the first."""
    first = last = None
    found = []
    for frame in frames:
        small = _small(frame)
        if last is not None:
            found.append(_apart(last, small))
        first = small if first is None else first
        last = small
    return found, _apart(last, first) if first is not None and last is not None else 0.0


def joint_ratio(loop: Iterable[Picture], clip: Iterable[Picture]) -> tuple[float, float]:
    """The step over the joint, and the largest step inside the loop, over the 95th percentile of the clip's own steps.

    Up to 1 the joint is a step like many others.
    """
    inside, joint = steps(loop)
    own, _ = steps(clip)
    usual = max(float(np.percentile(own, 95)), 1e-3)
    return joint / usual, max(inside, default=0.0) / usual


def _small(frame: Picture) -> Picture:
    height = round(frame.shape[0] * WIDTH / frame.shape[1])
    return np.asarray(cv2.resize(frame, (WIDTH, height), interpolation=cv2.INTER_AREA), np.uint8)


def _apart(one: Picture, other: Picture) -> float:
    return float(cv2.absdiff(one, other).mean())
