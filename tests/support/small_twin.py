"""A twin for tests of live rooms: a few seconds of a real person, small, made once for all tests of a run.

``small_twin`` is the fixture: its file, which nobody may write to. The processes of a parallel run share it.
"""

from __future__ import annotations

import fcntl
import functools
import os
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
import cv2
import dlib
import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.face.video.preparation import prepare_twin
from avatarium.engine.video.frames import read_frames
from avatarium.engine.video.intake import Clip
from bench.likeness.landmarks import model_path

FILM = "woman-flag-512.mp4"
SIDE, FRAMES = 320, 100


@pytest.fixture(scope="session")
def small_twin(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The twin's file."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "small-twin"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        out = folder / "small.twin"
        return out if out.exists() else _make(media, folder).rename(out)


def _make(media: Path, folder: Path) -> Path:
    """Takes some 20 s of CPU."""
    clip, out = folder / "clip.mp4", folder / "unfinished.twin"
    with av.open(str(clip), "w") as container:
        stream = container.add_stream("libx264", 25, options={"crf": "12", "preset": "veryfast", "g": "25"})
        stream.width, stream.height, stream.pix_fmt = SIDE, SIDE, "yuv420p"
        stream.color_range, stream.colorspace = 1, 1
        for number, picture in enumerate(islice(read_frames(media / "talking-videos" / FILM, fps=25), FRAMES)):
            small = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            frame = av.VideoFrame.from_ndarray(np.asarray(small, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    plain = Clip(
        path=clip, sound=None, width=SIDE, height=SIDE, frames=FRAMES, duration_s=FRAMES / 25, notes=()
    )  # fmt: skip
    prepare_twin(plain, out)
    return out


@functools.cache
def _instrument() -> tuple[Any, Any]:
    return dlib.get_frontal_face_detector(), dlib.shape_predictor(model_path("shape_predictor_68_face_landmarks.dat"))


def lip_gap(picture: NDArray[np.uint8]) -> float:
    """How far the lips stand apart in distances of the outer eye corners, by dlib, which the renderer does not know.

    ``picture`` is RGB or grey.
    """
    detect, landmarks = _instrument()
    (face, *_) = detect(np.ascontiguousarray(picture), 1)
    points = np.array([[point.x, point.y] for point in landmarks(np.ascontiguousarray(picture), face).parts()], float)
    inner = np.linalg.norm(points[[61, 62, 63]] - points[[67, 66, 65]], axis=1).mean()
    return float(inner / np.linalg.norm(points[36] - points[45]))
