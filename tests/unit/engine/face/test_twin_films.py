"""Films are read and written in any order, frame by frame as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.face.video.films import FilmWriter, frames_in_order, reorder, to_rgb
from avatarium.engine.video.frames import read_frames
from avatarium.errors import InputError, OutputError

Image = NDArray[np.uint8]
WIDTH, HEIGHT, FRAMES = 96, 64, 70


def picture(number: int) -> Image:
    """A ramp with the number's own colour in the middle."""
    frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    frame[..., 0] = np.linspace(0, 200, WIDTH)
    frame[16:48, 16:80] = (3 * number, 255 - 3 * number, 90)
    return frame


def number_of(frame: Image) -> int:
    return round(float(frame[24:40, 32:64, 0].mean()) / 3)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("films") / "film.mp4"
    with FilmWriter(path, WIDTH, HEIGHT) as writer:
        for number in range(FRAMES):
            writer.add_picture(picture(number))
    return path


@pytest.mark.parametrize("order", [range(FRAMES), range(FRAMES - 1, -1, -1), [60, 3, 3, 49, 50, 51, 25, 24, 0, 69]])
def test_any_order_gives_the_frames_that_were_asked_for(film: Path, order: list[int]) -> None:
    wanted = np.array(list(order), np.int32)
    assert [number_of(to_rgb(frame)) for frame in frames_in_order(film, wanted)] == list(order)


def test_a_reordered_film_looks_the_same_as_the_source(film: Path, tmp_path: Path) -> None:
    order = np.array([*range(5, 60), *range(58, 5, -1)], np.int32)
    with FilmWriter(tmp_path / "loop.mp4", WIDTH, HEIGHT) as writer:
        reorder(film, order, writer)
    source = list(read_frames(film))
    made = list(read_frames(tmp_path / "loop.mp4"))
    assert len(made) == len(order)
    errors = [np.square(made[n].astype(float) - source[k]).mean() for n, k in enumerate(order)]
    assert 10 * np.log10(255**2 / max(errors)) > 40


def test_a_plane_keeps_its_full_range(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))
    with FilmWriter(tmp_path / "alpha.mp4", WIDTH, HEIGHT, plane=True) as writer:
        for _ in range(3):
            writer.add_plane(ramp)
    frame = next(frames_in_order(tmp_path / "alpha.mp4", np.array([1], np.int32)))
    plane = frame.to_ndarray()[:HEIGHT, :WIDTH].astype(int)
    assert np.abs(plane - ramp).max() <= 4
    assert plane.min() <= 1 and plane.max() >= 254


def test_a_frame_beyond_the_end_is_refused(film: Path) -> None:
    with pytest.raises(InputError) as refused:
        list(frames_in_order(film, np.array([FRAMES + 5], np.int32)))
    assert refused.value.code == "video_unreadable"


def test_a_film_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="stop"), FilmWriter(tmp_path / "x.mp4", WIDTH, HEIGHT) as writer:
        writer.add_picture(picture(0))
        raise RuntimeError("stop")
    assert not list(tmp_path.iterdir())
    with pytest.raises(OutputError):
        FilmWriter(tmp_path / "none" / "x.mp4", WIDTH, HEIGHT)
