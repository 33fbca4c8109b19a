"""The shipped backgrounds are what the code draws, small enough, and good to stand before."""

from __future__ import annotations

import functools
import subprocess
import sys

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from art import backdrops
from avatarium.engine.picture.grounds import HEIGHT, WIDTH, backgrounds, find_background
from avatarium.engine.picture.read import read_picture
from avatarium.errors import OptionError

Pixels = npt.NDArray[np.uint8]

NAMES = tuple(backdrops.BACKDROPS)
LOW = 0.2
ALL_BYTES, EACH_BYTES = 2_000_000, 350_000


@functools.cache
def shipped(name: str) -> Pixels:
    return read_picture(find_background(name).path).rgb


@functools.cache
def drawn(name: str) -> Pixels:
    return backdrops.render(name, scale=LOW)


def test_the_list_is_what_is_drawn_and_every_file_is_there() -> None:
    listed = backgrounds()
    assert tuple(background.name for background in listed) == NAMES
    assert len({background.title for background in listed}) == len(listed) >= 8
    assert {path.stem for path in backdrops.FOLDER.glob("*.jpg")} == set(NAMES)
    assert sum(background.path.stat().st_size for background in listed) < ALL_BYTES
    with pytest.raises(OptionError) as caught:
        find_background("beach")
    assert caught.value.code == "background_unknown"


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_a_plain_jpeg_of_the_stated_size(name: str) -> None:
    background = find_background(name)
    with Image.open(background.path) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", background.size)
    assert background.size == (WIDTH, HEIGHT) == (backdrops.WIDTH, backdrops.HEIGHT)
    assert background.path.stat().st_size < EACH_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_the_code_is_the_source_of_the_picture(name: str) -> None:
    """Drawn small, as the whole would take a minute; grain that a small canvas cannot hold is left out of it."""
    low = drawn(name)
    reduced = np.asarray(cv2.resize(shipped(name), low.shape[1::-1], interpolation=cv2.INTER_AREA))
    soft = [cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 3.0) for picture in (low, reduced)]
    assert np.sqrt(np.mean((soft[0] - soft[1]) ** 2)) < 8.0
    others = [other for other in NAMES if other != name]
    far = min(np.abs(drawn(other).astype(int) - low).mean() for other in others)
    assert far > 8, "another background would pass for it"


def test_the_list_loads_no_library_of_pictures() -> None:
    code = "import sys; from avatarium.engine.picture.grounds import backgrounds as b; b(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert not {"PIL", "numpy", "cv2"} & set(loaded.stdout.split())


def test_drawing_is_repeatable() -> None:
    assert np.array_equal(backdrops.render("brick", scale=0.1), backdrops.render("brick", scale=0.1))


def test_the_green_screen_is_one_green() -> None:
    assert np.abs(shipped("green").astype(int) - (0, 177, 64)).max() <= 3


@pytest.mark.parametrize("name", [name for name in NAMES if "studio" in name])
def test_slow_gradients_have_no_steps(name: str) -> None:
    """In a band every pixel of a row would be alike; grain hides the step between two levels."""
    row = shipped(name)[300, :, 0].astype(int)
    runs = np.diff(np.flatnonzero(np.diff(row)))
    assert runs.max() < 80


@pytest.mark.parametrize("name", [name for name in NAMES if name != "green"])
def test_an_upright_crop_keeps_light_and_life(name: str) -> None:
    middle = shipped(name)[:, (WIDTH - 608) // 2 : (WIDTH + 608) // 2].astype(float)
    assert 25 < middle.mean() < 245
    assert middle.std() > 3
