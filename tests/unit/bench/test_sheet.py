from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from avatarium.errors import InputError
from bench.likeness.clip import Picture
from bench.likeness.shams import write_clip
from bench.sheet import Cell, app, at_times, grid, mouth_box, mouths, pairs, save


def _plain(level: int, size: tuple[int, int] = (40, 60)) -> Picture:
    return np.full((*size, 3), level, np.uint8)


@pytest.fixture
def ramp(tmp_path: Path) -> Path:
    """25 frames that get brighter by 10 levels each."""

    def frames() -> Iterator[Picture]:
        for index in range(25):
            yield _plain(10 * index, (64, 64))

    write_clip(tmp_path / "ramp.mp4", frames(), 25, np.zeros(16000, np.float32), 16000)
    return tmp_path / "ramp.mp4"


def test_cells_lie_in_rows_at_one_height() -> None:
    sheet = grid([Cell(picture=_plain(50 * k)) for k in range(1, 6)], columns=3, height=20)
    assert sheet.shape == (42, 94, 3)
    assert [int(sheet[10, 15 + 32 * k, 0]) for k in range(3)] == [50, 100, 150]
    assert [int(sheet[32, 15 + 32 * k, 0]) for k in range(3)] == [200, 250, 24]


def test_a_sheet_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        grid([], columns=3, height=20)


def test_labels_are_drawn_in_the_corner() -> None:
    plain = grid([Cell(picture=_plain(99))], columns=1, height=100)
    labelled = grid([Cell(picture=_plain(99), label="12")], columns=1, height=100)
    changed = np.argwhere((plain != labelled).any(2))
    assert len(changed) > 20
    assert changed.max() < 30


def test_frames_are_those_on_the_screen_at_the_times(ramp: Path) -> None:
    sheet = at_times(ramp, [0.81, 0.4, 9.0], columns=3, height=64)
    levels = [int(sheet[40, 32 + 66 * k, 0]) for k in range(3)]
    assert levels == pytest.approx([100, 200, 240], abs=4)


def test_pairs_stand_side_by_side() -> None:
    sheet = pairs([(_plain(10), _plain(20)), (_plain(30), _plain(40))], height=40)
    assert [int(sheet[y, x, 0]) for y, x in ((30, 30), (30, 92), (72, 30), (72, 92))] == [10, 20, 30, 40]


def test_the_mouth_box_stays_inside_the_picture() -> None:
    points = np.zeros((68, 2))
    points[36], points[45] = (10, 20), (50, 20)
    points[48:60] = (30, 55)
    assert mouth_box(points, _plain(0, (60, 60))) == (5, 35, 55, 60)


def test_a_video_without_a_face_has_no_mouths(ramp: Path) -> None:
    with pytest.raises(InputError, match="No face"):
        mouths(ramp)


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_the_command_writes_a_picture(ramp: Path, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"sheet.{ending}"
    result = CliRunner().invoke(app, ["frames", str(ramp), str(out), "0.1", "0.5", "--height", "32"])
    assert result.exit_code == 0, result.output
    with Image.open(out) as image:
        assert image.size == (66, 32)


def test_pictures_for_pairs_must_be_even(tmp_path: Path) -> None:
    save(_plain(1), tmp_path / "a.png")
    result = CliRunner().invoke(app, ["pairs", str(tmp_path / "out.png"), str(tmp_path / "a.png")])
    assert result.exit_code == 2
