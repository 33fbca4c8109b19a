"""Options as people write them."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from avatarium.cli.choices import choice, exactly_one, ground, human_size, text_of
from avatarium.engine.face import Emotion
from avatarium.errors import AvatariumError, OptionError, TextError


def test_choices() -> None:
    assert choice(Emotion, " Happy", "emotion") is Emotion.HAPPY
    with pytest.raises(OptionError, match="'joy'.*neutral, happy, serious, surprised, sad"):
        choice(Emotion, "joy", "emotion")


@pytest.mark.parametrize(
    ("written", "colour"),
    [("#0a141e", (10, 20, 30)), ("0A141E", (10, 20, 30)), ("#fff", (255, 255, 255)), ("Navy", (16, 32, 64))],
)
def test_colours(written: str, colour: tuple[int, int, int]) -> None:
    assert ground(written) == colour


def test_a_picture_as_background(tmp_path: Path) -> None:
    path = tmp_path / "wall.png"
    Image.new("RGB", (40, 30), (200, 10, 10)).save(path)
    made = ground(str(path))
    assert isinstance(made, np.ndarray) and made.shape == (30, 40, 3) and tuple(made[0, 0]) == (200, 10, 10)


@pytest.mark.parametrize(
    ("written", "code"),
    [("purpleish", "unknown_background"), ("#12345", "unknown_background"), ("no.png", "picture_missing")],
)
def test_no_background(written: str, code: str) -> None:
    with pytest.raises(AvatariumError) as caught:
        ground(written)
    assert caught.value.code == code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_files(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "text.txt"
    path.write_text("Grüße, 世界 👋\nline", encoding=encoding)
    assert text_of(None, str(path)) == "Grüße, 世界 👋\nline"


def test_text_from_the_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO("ciào".encode())))
    assert text_of(None, "-") == "ciào"


def test_a_huge_text_file_is_read_in_part_and_whole_characters(tmp_path: Path) -> None:
    path = tmp_path / "huge.txt"
    path.write_text("ä€" * 400_000, encoding="utf-8")
    assert 100_000 < len(text_of(None, str(path))) < 401_100


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\xff\xfb\x90\x00", "text_encoding"),
        (b"PK\x03\x04\0\0\0", "text_encoding"),
        (b"caf\xe9", "text_encoding"),
        (b"", "text_unreadable"),
    ],
)
def test_no_text(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    with pytest.raises(TextError) as caught:
        text_of(None, str(path))
    assert caught.value.code == code


def test_exactly_one() -> None:
    exactly_one(text=None, text_file="", audio=None)
    for given in ({"text": None, "audio": None}, {"text": "", "audio": "x"}):
        with pytest.raises(OptionError, match="--text or --audio"):
            exactly_one(**given)


def test_sizes_for_people() -> None:
    assert [human_size(n) for n in (999, 123_456_789)] == ["1.0 kB", "123.5 MB"]
