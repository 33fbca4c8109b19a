"""Covers: the first frame, the right way round, no larger than asked, complete or not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avatarium.engine.video import Size, VideoWriter
from avatarium.engine.video.stills import THUMBNAIL, cover
from avatarium.errors import InputError, OutputError


def halves(width: int, height: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:, : width // 2], picture[:, width // 2 :] = (220, 30, 30), (30, 30, 220)
    return picture


def test_the_cover_of_a_video_is_its_first_frame(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", width=640, height=360, rate=None) as writer:
        writer.write(halves(640, 360))
        for _ in range(5):
            writer.write(np.zeros((360, 640, 3), np.uint8))
    assert cover(tmp_path / "a.mp4", tmp_path / "a.jpg") == Size(640, 360)
    made = Image.open(tmp_path / "a.jpg")
    assert (made.format, made.size, made.mode) == ("JPEG", (640, 360), "RGB")
    assert np.abs(np.asarray(made).astype(int) - halves(640, 360)).mean() < 4


def test_a_thumbnail_is_small_and_keeps_the_shape(tmp_path: Path) -> None:
    Image.fromarray(halves(900, 1600)).save(tmp_path / "a.png")
    assert cover(tmp_path / "a.png", tmp_path / "a.jpg", longest=THUMBNAIL) == Size(180, 320)
    assert (tmp_path / "a.jpg").stat().st_size < 20_000


def test_a_small_picture_is_not_enlarged_and_what_is_clear_is_white(tmp_path: Path) -> None:
    clear = np.zeros((50, 40, 4), np.uint8)
    clear[:25] = (10, 200, 10, 255)
    Image.fromarray(clear).save(tmp_path / "a.png")
    assert cover(tmp_path / "a.png", tmp_path / "a.jpg", longest=THUMBNAIL) == Size(40, 50)
    made = np.asarray(Image.open(tmp_path / "a.jpg")).astype(int)
    assert made[45, 20].min() > 245
    assert np.abs(made[5, 20] - (10, 200, 10)).max() < 12


def test_the_same_source_gives_the_same_bytes(tmp_path: Path) -> None:
    Image.fromarray(halves(300, 200)).save(tmp_path / "a.png")
    for name in ("a.jpg", "b.jpg"):
        cover(tmp_path / "a.png", tmp_path / name)
    assert (tmp_path / "a.jpg").read_bytes() == (tmp_path / "b.jpg").read_bytes()


@pytest.mark.parametrize("content", [b"", b"this is text", b"\x89PNG\r\n\x1a\n torn"])
def test_what_is_no_picture_makes_no_cover(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(InputError):
        cover(tmp_path / "a.mp4", tmp_path / "a.jpg")
    assert not (tmp_path / "a.jpg").exists()


def test_a_cover_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    Image.fromarray(halves(300, 200)).save(tmp_path / "a.png")
    with pytest.raises(OutputError):
        cover(tmp_path / "a.png", tmp_path / "no" / "a.jpg")
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
