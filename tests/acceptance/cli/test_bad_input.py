"""Whatever is given, the answer is one clear sentence and an exit code, never a traceback, and no file is left."""

from __future__ import annotations

import struct
import wave
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avatarium.cli import run
from avatarium.cli.app import app

OPTION, PICTURE, FACE, TEXT, SOUND, OUTPUT = 2, 3, 4, 5, 6, 7
FAST_VOICE = ("--voice", "hibari-ava")

Refusal = Callable[..., tuple[int, str]]


@pytest.fixture
def refused(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Refusal:
    """Runs ``speak`` in an empty folder, and answers with the exit code and the one sentence."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def call(*arguments: str) -> tuple[int, str]:
        capfd.readouterr()
        code = run(lambda args: app(args, prog_name="avatarium", standalone_mode=False), ["speak", *arguments])
        out, err = capfd.readouterr()
        assert not out
        assert not list(Path().iterdir())
        sentence = err.splitlines()[-1]
        assert sentence.startswith("error: ") and sentence[-1] in ".)" and 30 < len(sentence) < 1200, err
        assert all(line.startswith("note: ") for line in err.splitlines()[:-1]), err
        return code, sentence

    return call


@pytest.fixture(scope="session")
def woman(portraits: Path) -> Image.Image:
    return Image.open(portraits / "synthetic-woman-0163.jpg").convert("RGB")


def _png_header(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0")), (b"IEND", b""))
    packed = (struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def _portrait_bytes(portraits: Path) -> bytes:
    return (portraits / "synthetic-woman-0163.jpg").read_bytes()


PICTURES: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "empty": (lambda p: b"", "empty"),
    "a text named .jpg": (lambda p: b"Dear diary, this is not a picture.\n" * 9, "a text"),
    "a web page": (lambda p: b"<!DOCTYPE html><html>not found</html>", "a web page"),
    "a PDF": (lambda p: b"%PDF-1.7\n" + bytes(500), "a PDF"),
    "cut short": (lambda p: _portrait_bytes(p)[:30_000], "damaged or incomplete"),
    "scrambled": (lambda p: _portrait_bytes(p)[:600] + bytes(range(256)) * 60, "damaged or incomplete"),
    "one pixel": (lambda p: _png_header(1, 1), "1 x 1 pixels"),
    "200 megapixels": (lambda p: _png_header(20_000, 10_000), "megapixels"),
}


@pytest.mark.parametrize("case", PICTURES)
def test_files_that_are_no_good_picture(case: str, portraits: Path, tmp_path: Path, refused: Refusal) -> None:
    make, words = PICTURES[case]
    path = tmp_path / "photo.jpg"
    path.write_bytes(make(portraits))
    code, sentence = refused("--avatar", str(path), "--text", "Hello.", *FAST_VOICE)
    assert code == PICTURE and words in sentence


@pytest.mark.parametrize("avatar", ["no/such/photo.jpg", "bob", "."])
def test_no_picture_at_all(avatar: str, refused: Refusal) -> None:
    assert refused("--avatar", avatar, "--text", "Hello.", *FAST_VOICE)[0] == PICTURE


def test_a_dog(portraits: Path, refused: Refusal) -> None:
    code, sentence = refused("--avatar", str(portraits / "dog.jpg"), "--text", "Woof.", *FAST_VOICE)
    assert code == FACE and "No human face" in sentence


def test_no_face(media: Path, refused: Refusal) -> None:
    assert refused("--avatar", str(media / "products" / "coffee.jpg"), "--text", "Hello.", *FAST_VOICE)[0] == FACE


def test_a_face_that_is_too_small(woman: Image.Image, tmp_path: Path, refused: Refusal) -> None:
    path = tmp_path / "far.png"
    canvas = Image.new("RGB", (640, 480), (120, 130, 140))
    canvas.paste(woman.resize((150, 150)), (200, 300))
    canvas.save(path)
    code, sentence = refused("--avatar", str(path), "--text", "Hello.", *FAST_VOICE)
    assert code == FACE and ("too small" in sentence or "No human face" in sentence)


def test_a_face_that_is_cut_off(woman: Image.Image, tmp_path: Path, refused: Refusal) -> None:
    from avatarium.engine.face import find_face

    points = find_face(np.asarray(woman)).points
    path = tmp_path / "cut.png"
    woman.crop((0, 0, int(points[168, 0]), woman.height)).save(path)
    assert refused("--avatar", str(path), "--text", "Hello.", *FAST_VOICE)[0] == FACE


def test_a_face_number_that_does_not_exist(portraits: Path, refused: Refusal) -> None:
    photo = str(portraits / "synthetic-woman-0163.jpg")
    code, sentence = refused("--avatar", photo, "--face", "2", "--text", "Hello.", *FAST_VOICE)
    assert code == FACE and "one face" in sentence
    assert refused("--avatar", photo, "--face", "0", "--text", "Hello.")[0] == OPTION


@pytest.mark.parametrize(
    "text",
    ["", " \n\t", "?!... --- ,;", "你好，世界。", "Привет, мир.", "x" * 100_001],
    ids=lambda text: text[:8] or "empty",
)
def test_texts_that_cannot_be_spoken(text: str, refused: Refusal) -> None:
    assert refused("--text", text, *FAST_VOICE)[0] == TEXT


def test_text_files_that_hold_no_text(portraits: Path, refused: Refusal) -> None:
    assert refused("--text-file", str(portraits / "dog.jpg"))[0] == TEXT
    assert refused("--text-file", "missing.txt")[0] == TEXT
    assert refused("--text-file", "..")[0] == TEXT


@pytest.mark.parametrize(
    "arguments",
    [
        ["--voice", "nobody"],
        ["--language", "tlh"],
        ["--rate", "3"],
        ["--rate", "nan"],
        ["--emotion", "joy"],
        ["--strength", "2"],
        ["--size", "10x10"],
        ["--size", "721x720"],
        ["--shot", "foot"],
        ["--fit", "squeeze"],
        ["--fps", "26"],
        ["--background", "purpleish"],
        ["--seed", "-1"],
        ["--alpha"],
        ["--out", "hello.avi"],
        ["--audio", "too.wav"],
    ],
    ids=" ".join,
)
def test_choices_that_do_not_exist(arguments: list[str], refused: Refusal) -> None:
    assert refused("--text", "Hello.", *arguments)[0] == OPTION


def test_neither_text_nor_recording(refused: Refusal) -> None:
    assert refused()[0] == OPTION


def test_output_folders(tmp_path: Path, refused: Refusal) -> None:
    code, sentence = refused("--text", "Hello.", *FAST_VOICE, "--out", "no/such/folder/hello.mp4")
    assert code == OUTPUT and "does not exist" in sentence
    (tmp_path / "folder.mp4").mkdir()
    code, sentence = refused("--text", "Hello.", *FAST_VOICE, "--out", str(tmp_path / "folder.mp4"))
    assert code == OUTPUT and "is a folder" in sentence


def _wav(path: Path, samples: np.ndarray[tuple[int], np.dtype[np.float64]], rate: int = 16_000) -> str:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return str(path)


def _chord(seconds: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    t = np.arange(round(16_000 * seconds)) / 16_000
    beats = 0.5 + 0.5 * np.exp(-4 * (t % 0.5))
    return np.asarray(0.2 * beats * sum(np.sin(2 * np.pi * f * t) for f in (220, 277, 330, 440)))


def test_sounds_in_which_nobody_speaks(portraits: Path, tmp_path: Path, refused: Refusal) -> None:
    photo = str(portraits / "synthetic-woman-0163.jpg")
    silence = _wav(tmp_path / "silence.wav", np.zeros(32_000))
    music = _wav(tmp_path / "music.wav", _chord(4))
    noise = _wav(tmp_path / "noise.wav", np.random.default_rng(1).normal(0, 0.1, 48_000))
    code, sentence = refused("--avatar", photo, "--audio", silence)
    assert code == SOUND and "silent" in sentence
    assert refused("--avatar", photo, "--audio", music)[0] == SOUND
    assert refused("--avatar", photo, "--audio", noise)[0] == SOUND


def test_files_that_are_no_sound(portraits: Path, tmp_path: Path, refused: Refusal) -> None:
    text = tmp_path / "text.wav"
    text.write_text("this is not a sound\n" * 50)
    for path in (text, portraits / "dog.jpg", tmp_path / "missing.wav", tmp_path):
        assert refused("--audio", str(path))[0] == SOUND
