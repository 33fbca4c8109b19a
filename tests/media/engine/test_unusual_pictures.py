"""Pictures of every kind become the same person on the canvas."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avatarium.engine.face import Pose
from avatarium.engine.options import SpeakOptions
from avatarium.engine.talking import prepare_view
from avatarium.engine.video import Fit, Size

SIZE = Size(480, 480)


@pytest.fixture(scope="module")
def woman(portraits: Path) -> Image.Image:
    return Image.open(portraits / "synthetic-woman-0163.jpg").convert("RGB").resize((640, 640))


@pytest.fixture(scope="module")
def plain(
    woman: Image.Image, tmp_path_factory: pytest.TempPathFactory
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    path = tmp_path_factory.mktemp("plain") / "plain.png"
    woman.save(path)
    return prepare_view(path, SpeakOptions(size=SIZE)).render(Pose())


def _cmyk(woman: Image.Image, folder: Path) -> Path:
    woman.convert("CMYK").save(folder / "print.jpg", quality=95)
    return folder / "print.jpg"


def _sixteen_bit_grey(woman: Image.Image, folder: Path) -> Path:
    grey = np.asarray(woman.convert("L")).astype(np.uint16) * 257
    Image.fromarray(grey).save(folder / "deep.png")
    return folder / "deep.png"


def _rotated(woman: Image.Image, folder: Path) -> Path:
    exif = Image.Exif()
    exif[0x0112] = 6
    woman.transpose(Image.Transpose.ROTATE_90).save(folder / "phone.jpg", exif=exif, quality=95)
    return folder / "phone.jpg"


def _animated(woman: Image.Image, folder: Path) -> Path:
    woman.save(folder / "moving.webp", save_all=True, append_images=[woman.rotate(90)], lossless=True)
    return folder / "moving.webp"


@pytest.mark.parametrize(
    ("make", "tolerance", "note"),
    [
        (_cmyk, 12, None),
        (_sixteen_bit_grey, 45, None),
        (_rotated, 8, None),
        (_animated, 2, "The picture is animated; its first frame is used."),
    ],
)
def test_it_is_the_same_person(
    make: Callable[[Image.Image, Path], Path],
    tolerance: float,
    note: str | None,
    woman: Image.Image,
    plain: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    tmp_path: Path,
) -> None:
    notes: list[str] = []
    frame = prepare_view(make(woman, tmp_path), SpeakOptions(size=SIZE), notes.append).render(Pose())
    assert notes == ([note] if note else [])
    assert np.abs(frame.astype(int) - plain).mean() < tolerance


def test_a_cut_out_person_keeps_the_makers_edge(woman: Image.Image, tmp_path: Path) -> None:
    """Half of the person is clear in the file: no mask may bring it back."""
    alpha = np.full((640, 640), 255, np.uint8)
    alpha[480:] = 0
    cut = woman.copy()
    cut.putalpha(Image.fromarray(alpha))
    cut.save(tmp_path / "cut.png")
    options = SpeakOptions(size=SIZE, background=(0, 200, 0))
    frame = prepare_view(tmp_path / "cut.png", options).render(Pose())
    assert np.abs(frame[400:].astype(int) - (0, 200, 0)).max() <= 2


@pytest.mark.parametrize(("fit", "edge_is_black"), [(Fit.PAD, True), (Fit.BLUR, False), (Fit.CROP, False)])
def test_a_wide_video_of_a_square_photo(fit: Fit, edge_is_black: bool, woman: Image.Image, tmp_path: Path) -> None:
    woman.save(tmp_path / "photo.png")
    frame = prepare_view(tmp_path / "photo.png", SpeakOptions(size=Size(1280, 720), fit=fit)).render(Pose())
    assert frame.shape == (720, 1280, 3)
    assert bool(frame[:, :20].max() == 0) == edge_is_black
