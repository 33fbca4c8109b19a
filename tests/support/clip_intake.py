"""Taking clips in within the test's own process, and what to look at in what comes out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avatarium.engine.video.intake import Clip, Order
from avatarium.engine.video.intake_making import make_clip
from avatarium.errors import InputError
from bench.likeness.clip import read_frames
from tests.support.clip_making import Picture, number_in

SECONDS = 4
COUNT = 25 * SECONDS


def taken(path: Path, *, min_s: float = 3.0, max_s: float = 600.0, keep_s: float = 60.0) -> Clip:
    """What the child process makes, made here: starting a process for each file takes seconds."""
    folder = path.parent / f"{path.name}.taken"
    folder.mkdir(exist_ok=True)
    order = Order(path=str(path), folder=str(folder), min_s=min_s, max_s=max_s, keep_s=keep_s, called=path.name)
    return make_clip(order, lambda _: None)


def pictures(clip: Clip) -> list[Picture]:
    return [frame.picture for frame in read_frames(clip.path)]


def numbers(clip: Clip) -> list[int]:
    return [number_in(picture) for picture in pictures(clip)]


def db(one: Picture, other: Picture) -> float:
    error = float(((one.astype(float) - other.astype(float)) ** 2).mean())
    return 10 * float(np.log10(255**2 / max(error, 1e-9)))


def refusal(path: Path, **limits: float) -> InputError:
    with pytest.raises(InputError) as caught:
        taken(path, **limits)
    assert path.name in caught.value.message
    assert caught.value.message.count(".") >= 2, "what is wrong, then what to do"
    return caught.value
