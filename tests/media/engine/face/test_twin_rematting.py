"""A twin that is told anew from its ground shows whom it showed before."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.face.video.package import read_twin
from avatarium.engine.face.video.preparation import prepare_twin
from avatarium.engine.face.video.rematting import rematted
from avatarium.engine.video.frames import read_frames
from bench.likeness.landmarks import Tracker
from tests.conftest import MEDIA
from tests.support.twin_clips import film_of, piece

Image = NDArray[np.uint8]
SIDE, SMALL = 256, 176
GREEN = (0, 200, 0)

pytestmark = pytest.mark.skipif(not MEDIA.is_dir(), reason="the test media are not here; set AVATARIUM_TEST_MEDIA")


def with_a_bystander(frame: Image) -> Image:
    """The person, and the same, smaller, to the right with some ground between."""
    ground = [int(value) for value in np.median(frame[:12, :12], axis=(0, 1))]
    small = cv2.resize(frame, (SMALL, SMALL), interpolation=cv2.INTER_AREA)
    rest = SIDE - SMALL
    beside = cv2.copyMakeBorder(small, rest, 0, rest, 0, cv2.BORDER_CONSTANT, value=ground)
    return np.asarray(np.hstack([frame, beside]), np.uint8)


@pytest.mark.long
def test_a_bystander_does_not_come_back(tmp_path: Path) -> None:
    frames = [with_a_bystander(frame) for frame in piece("man-greenscreen-512.mp4", 30, SIDE)]
    made = prepare_twin(film_of(frames, tmp_path / "clip.mp4"), tmp_path / "me.twin", matte=False)
    assert made.manifest.others
    again = rematted(made.path, tmp_path / "again.twin", ground=GREEN)
    alpha = next(iter(read_frames(again.extract("alpha.mp4", tmp_path))))[..., 0]
    film = next(iter(read_frames(read_twin(made.path).extract("base.mp4", tmp_path))))
    face, bystander = (Tracker().locate(np.ascontiguousarray(half)) for half in (film[:, :SIDE], film[:, SIDE:]))
    assert face is not None and bystander is not None
    (x, y), (other_x, other_y) = face[30].astype(int), bystander[30].astype(int) + (SIDE, 0)
    assert alpha[y, x] > 240 and alpha[other_y, other_x] < 15
