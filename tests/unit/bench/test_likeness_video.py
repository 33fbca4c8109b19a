from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from avatarium.engine.speech.records import Phoneme
from avatarium.errors import InputError, PictureError
from bench.likeness import measure
from bench.likeness.clip import Picture, read_frames, read_sound
from bench.likeness.landmarks import Box, cut, find_face
from bench.likeness.shams import write_clip

RATE = 16000
ROOT = Path(__file__).resolve().parents[3]
SAID = (Phoneme(ipa="a", start_s=0.1, end_s=0.5), Phoneme(ipa="m", start_s=0.5, end_s=0.6))


def _noise(count: int, size: tuple[int, int] = (72, 96)) -> Iterator[Picture]:
    random = np.random.default_rng(0)
    for _ in range(count):
        yield random.integers(0, 255, (*size, 3), np.uint8)


def _clip(path: Path, *, count: int = 30, fps: int = 25) -> Path:
    write_clip(path, _noise(count), fps, np.zeros(RATE * count // fps, np.float32), RATE)
    return path


@pytest.mark.parametrize("fps", [24, 25, 30, 50])
def test_frames_come_with_their_times(tmp_path: Path, fps: int) -> None:
    times = [frame.time_s for frame in read_frames(_clip(tmp_path / "a.mp4", fps=fps))]
    assert times == pytest.approx(list(np.arange(30) / fps), abs=1e-3)


def test_sound_is_mono_at_the_asked_rate(tmp_path: Path) -> None:
    tone = np.sin(np.arange(RATE) / RATE * 2 * np.pi * 440).astype(np.float32)
    write_clip(tmp_path / "a.mp4", _noise(25), 25, tone, RATE)
    sound = read_sound(tmp_path / "a.mp4", 8000)
    assert len(sound) == pytest.approx(8000, abs=200)
    assert np.abs(sound[2000:6000]).max() == pytest.approx(1, abs=0.1)


def test_a_video_without_a_face_is_measured_and_fails(tmp_path: Path) -> None:
    likeness = measure(_clip(tmp_path / "a.mp4"), SAID, blinks=[0.5])
    assert (likeness.frames, likeness.frames_without_face, likeness.face_share) == (30, 30, 0)
    assert {"face_share", "offset_frames", "correlation", "opening_p95"} <= set(likeness.failures)
    assert likeness.identity_mean is None


def test_a_single_frame_is_measured(tmp_path: Path) -> None:
    assert measure(_clip(tmp_path / "a.mp4", count=1), SAID).frames == 1


def test_what_is_no_video_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with pytest.raises(InputError, match="no file"):
        measure(path, SAID)
    path.write_text("not a video")
    with pytest.raises(InputError, match="decoded"):
        measure(path, SAID)


def test_a_photo_without_a_face_is_one_clear_error(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    with pytest.raises(PictureError, match="cannot be read"):
        measure(_clip(tmp_path / "a.mp4"), SAID, source=photo)


def test_a_patch_maps_back_to_its_place_even_over_the_edge() -> None:
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[90:94, 4:8] = 255
    patch, corner, scale = cut(picture, Box(10.0, 90.0, 40.0), 1.5, 80)
    y, x = np.argwhere(patch[..., 0] > 128).mean(0)
    assert patch.shape == (120, 120, 3)
    assert corner + (np.array([x, y]) + 0.5) / scale - 0.5 == pytest.approx([5.5, 91.5], abs=0.5)


def test_a_plain_picture_has_no_face() -> None:
    assert find_face(np.full((200, 300, 3), 128, np.uint8)) is None


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.likeness", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_the_command_prints_a_table_and_leaves_with_one_where_a_bar_is_missed(tmp_path: Path) -> None:
    marks = tmp_path / "marks.json"
    marks.write_text('{"phonemes": [{"ipa": "a", "start_s": 0.1, "end_s": 0.5}]}')
    done = _run(str(_clip(tmp_path / "a.mp4", count=5)), "--marks", str(marks))
    assert done.returncode == 1
    assert "A/V offset" in done.stdout
    assert "FAIL" in done.stdout


def test_the_command_explains_what_is_wrong_in_one_line(tmp_path: Path) -> None:
    done = _run(str(tmp_path / "a.mp4"), "--marks", str(tmp_path / "none.json"))
    assert done.returncode == InputError.exit_code
    assert "none.json cannot be read" in done.stderr
    assert "Traceback" not in done.stderr
