"""Clips that are too short, damaged or none: used as far as they go, or refused with a sentence."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avatarium.engine.video.intake import take_clip
from avatarium.errors import InputError
from tests.support.clip_intake import COUNT, numbers, refusal, taken
from tests.support.clip_making import Picture, encode, numbered, voice


def test_a_clip_that_is_too_long_or_too_short_is_refused(tmp_path: Path) -> None:
    source = encode(tmp_path / "length.mp4", map(numbered, range(COUNT)))
    assert refusal(source, min_s=10).code == "clip_too_short"
    assert refusal(source, max_s=2).code == "clip_too_long"
    without_length = encode(tmp_path / "live.mkv", map(numbered, range(COUNT)), choices={})
    assert refusal(without_length, max_s=2, keep_s=1, min_s=0.5).code == "clip_too_long"


def test_a_file_that_is_cut_off_is_used_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = encode(tmp_path / "whole.mkv", map(numbered, range(200)), choices={"g": "25"}, sound=voice(8))
    data = whole.read_bytes()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(data[: len(data) * 7 // 10])
    clip = taken(cut)
    assert COUNT < clip.frames < 160
    assert numbers(clip) == list(range(clip.frames))
    assert any("damaged" in note for note in clip.notes)
    assert refusal(cut, min_s=7).code == "clip_damaged"


@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts", "avi"])
def test_a_file_with_a_hole_gives_its_longest_good_part(tmp_path: Path, ending: str) -> None:
    whole = encode(tmp_path / f"whole.{ending}", map(numbered, range(250)), choices={"g": "25", "bf": "0"})
    data = bytearray(whole.read_bytes())
    hole = slice(len(data) * 35 // 100, len(data) * 38 // 100)
    data[hole] = np.random.default_rng(1).bytes(hole.stop - hole.start)
    broken = tmp_path / f"hole.{ending}"
    broken.write_bytes(data)
    clip = taken(broken)
    shown = numbers(clip)
    assert clip.frames > 3.5 * 25
    assert shown == list(range(shown[0], shown[0] + len(shown))), "no frame of the damaged part is among them"
    assert shown[0] > 80
    assert any("damaged" in note for note in clip.notes)


def test_a_file_without_its_index_is_refused(tmp_path: Path) -> None:
    whole = encode(tmp_path / "whole.mp4", map(numbered, range(COUNT)))
    cut = tmp_path / "noindex.mp4"
    cut.write_bytes(whole.read_bytes()[:-4000])
    assert refusal(cut).code == "video_unreadable"


def _gif(path: Path, count: int) -> Path:
    frames = [Image.fromarray(numbered(10 * k)) for k in range(count)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=200)
    return path


@pytest.mark.parametrize(
    ("name", "make", "code"),
    [
        ("photo.mp4", lambda path: Image.fromarray(numbered(1)).save(path, "JPEG"), "still_picture"),
        ("moving.gif", lambda path: _gif(path, 4), "animated_picture"),
        ("moving.webp", lambda path: _gif(path, 4), "animated_picture"),
        ("single.gif", lambda path: _gif(path, 1), "still_picture"),
        ("letter.mp4", lambda path: path.write_text("Dear twin,\n" * 500), "not_a_video"),
        ("list.mp4", lambda path: path.write_text("#EXTM3U\n#EXTINF:9,\nfile:///etc/hostname\n"), "not_a_video"),
        ("noise.mp4", lambda path: path.write_bytes(bytes(range(1, 256)) * 80), "not_a_video"),
        ("nothing.mp4", lambda path: path.write_bytes(b"\0\0\0\x20ftypisom" + bytes(900)), "video_unreadable"),
    ],
)
def test_what_is_no_video_is_named(tmp_path: Path, name: str, make: Callable[[Path], object], code: str) -> None:
    path = tmp_path / name
    make(path)
    assert refusal(path).code == code


def test_sound_alone_is_refused(tmp_path: Path, recordings: Path) -> None:
    assert refusal(recordings / "en-radio-1.wav").code == "video_no_picture"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.mp4") as caught:
        taken(tmp_path / "absent.mp4")
    assert caught.value.code == "video_missing"


def test_a_still_picture_as_a_video_is_told(tmp_path: Path) -> None:
    noise = np.random.default_rng(3)

    def grainy(_: int) -> Picture:
        still = numbered(77).astype(float) + noise.normal(0, 3, (240, 320, 1))
        return np.asarray(still.clip(0, 255), np.uint8)

    assert refusal(encode(tmp_path / "still.mp4", (numbered(77) for _ in range(COUNT)))).code == "still_picture"
    coarse = {"crf": "28"}
    assert refusal(encode(tmp_path / "grain.mp4", map(grainy, range(COUNT)), choices=coarse)).code == "still_picture"


def test_a_slideshow_is_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    slides = [np.repeat(np.repeat(rng.integers(0, 255, (6, 8, 3)), 40, 0), 40, 1).astype(np.uint8) for _ in range(4)]
    assert refusal(encode(tmp_path / "slides.mp4", (slides[k // 50] for k in range(200)))).code == "slideshow"


def test_too_few_pictures_a_second_are_told(tmp_path: Path) -> None:
    source = encode(tmp_path / "slow.mp4", (numbered(9 * k) for k in range(20)), rate=4, base=Fraction(1, 4))
    assert refusal(source).code == "too_few_pictures"


def test_a_person_who_only_breathes_is_no_still_picture(media: Path, tmp_path: Path) -> None:
    clip = take_clip(media / "talking-videos" / "woman-idle-720p.mp4", tmp_path, min_s=3, keep_s=4)
    assert clip.frames == COUNT and not any("stands still" in note for note in clip.notes)


def test_a_tiny_clip_is_refused(tmp_path: Path) -> None:
    assert refusal(encode(tmp_path / "tiny.mp4", (numbered(k, 144, 96) for k in range(COUNT)))).code == "clip_too_small"
