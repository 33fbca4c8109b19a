"""A twin's file comes back as it was written, and what strangers make of one is refused with one sentence."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.face.video.films import FilmWriter
from avatarium.engine.face.video.package import BASE, DATA, MANIFEST, Manifest, read_twin, write_twin
from avatarium.engine.face.video.storing import UnreadableArrays, read_arrays, write_arrays
from avatarium.errors import InputError, OutputError

FRAMES = 6
Members = dict[str, bytes]


def numbers(frames: int = FRAMES) -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(0)
    shapes = {
        "points": (frames, 478, 3),
        "local": (frames, 468, 3),
        "neutral": (468, 3),
        "controls": (frames, 6),
        "scale": (frames,),
        "turn": (frames, 3, 3),
        "shift": (frames, 3),
        "pose": (frames, 3),
        "shown": (frames,),
    }
    arrays: dict[str, NDArray[Any]] = {k: rng.random(s).astype(np.float32) for k, s in shapes.items()}
    arrays["order"] = np.arange(frames, dtype=np.int32)
    arrays["bank_crops"] = rng.integers(0, 255, (2, 8, 8, 3)).astype(np.uint8)
    return arrays


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "base.mp4"
    with FilmWriter(path, 64, 48) as writer:
        for n in range(FRAMES):
            writer.add_picture(np.full((48, 64, 3), 40 * n, np.uint8))
    return path


@pytest.fixture
def twin(tmp_path: Path, film: Path) -> Path:
    path = tmp_path / "somebody.twin"
    manifest = Manifest(width=64, height=48, frames=FRAMES, iod=20.5, notes=("A note.",), coverage=0.5)
    write_twin(path, manifest, numbers(), {BASE: film})
    return path


def members(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewritten(path: Path, parts: Members, how: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def npz(arrays: dict[str, NDArray[Any]]) -> bytes:
    file = io.BytesIO()
    write_arrays(file, arrays)
    return file.getvalue()


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(InputError) as refused:
        act()
    assert refused.value.message.endswith(".")
    return refused.value.code


def test_what_was_written_comes_back(twin: Path, film: Path, tmp_path: Path) -> None:
    back = read_twin(twin)
    assert (back.manifest.width, back.manifest.frames, back.manifest.notes) == (64, FRAMES, ("A note.",))
    assert not back.manifest.has_alpha
    for name, array in numbers().items():
        assert (back.arrays()[name] == array).all()
    assert back.extract(BASE, tmp_path).read_bytes() == film.read_bytes()


def test_the_same_twin_gives_the_same_bytes_and_nothing_is_deflated(twin: Path, film: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.twin"
    write_twin(again, read_twin(twin).manifest, numbers(), {BASE: film})
    assert again.read_bytes() == twin.read_bytes()
    with zipfile.ZipFile(twin) as archive:
        assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())


def test_a_file_that_fails_to_be_written_is_not_there(tmp_path: Path, film: Path) -> None:
    manifest = Manifest(width=64, height=48, frames=FRAMES, iod=1.0)
    with pytest.raises(OutputError):
        write_twin(tmp_path / "none" / "x.twin", manifest, numbers(), {BASE: film})
    with pytest.raises(ValueError, match="points"):
        write_twin(tmp_path / "x.twin", manifest, numbers() | {"points": np.zeros(3)}, {BASE: film})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"not a file of ours", b"PK\x05\x06" + bytes(18)])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.twin"
    path.write_bytes(content)
    assert refusal(lambda: read_twin(path)) == "twin_unreadable"


def test_a_missing_file_is_told_so(tmp_path: Path) -> None:
    assert refusal(lambda: read_twin(tmp_path / "x.twin")) == "twin_missing"


def test_deflated_members_are_refused_for_they_may_be_bombs(twin: Path) -> None:
    rewritten(twin, members(twin), zipfile.ZIP_DEFLATED)
    assert refusal(lambda: read_twin(twin)) == "twin_unreadable"


@pytest.mark.parametrize("name", ["../../escaped.mp4", "/etc/passwd", "more.bin", "BASE.MP4"])
def test_members_of_other_names_are_refused(twin: Path, name: str) -> None:
    rewritten(twin, members(twin) | {name: b"x"})
    assert refusal(lambda: read_twin(twin)) == "twin_unreadable"


@pytest.mark.parametrize("name", [MANIFEST, DATA, BASE])
def test_a_missing_member_is_refused(twin: Path, name: str) -> None:
    rewritten(twin, {k: v for k, v in members(twin).items() if k != name})
    assert refusal(lambda: read_twin(twin)) == "twin_unreadable"


def test_only_films_can_be_asked_for(twin: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no film"):
        read_twin(twin).extract("../x", tmp_path)


@pytest.mark.parametrize(
    "lie",
    [
        {"version": 2},
        {"version": None},
        {"width": -4},
        {"width": 10**6},
        {"frames": 10**8},
        {"frames": "6"},
        {"frames": True},
        {"iod": "wide"},
        {"notes": [1, 2]},
        {"notes": ["x"] * 1000},
        {"has_alpha": True},
        {"has_alpha": 1},
        {"iod": float("nan")},
        {"iod": float("inf")},
    ],
)
def test_a_lying_description_is_refused(twin: Path, lie: dict[str, Any]) -> None:
    parts = members(twin)
    parts[MANIFEST] = json.dumps(json.loads(parts[MANIFEST]) | lie).encode()
    rewritten(twin, parts)
    assert refusal(lambda: read_twin(twin)) == "twin_unreadable"


@pytest.mark.parametrize("text", [b"[]", b"null", b"{", b"\xff\xfe", b"[" * 60_000, b" " * 70_000])
def test_a_description_that_is_none_is_refused(twin: Path, text: bytes) -> None:
    rewritten(twin, members(twin) | {MANIFEST: text})
    assert refusal(lambda: read_twin(twin)) == "twin_unreadable"


@pytest.mark.parametrize(
    "lie",
    [
        {"points": np.zeros((FRAMES, 478, 2), np.float32)},
        {"order": np.zeros(FRAMES + 1, np.int32)},
        {"order": np.full(FRAMES, -1, np.int32)},
        {"order": np.zeros(FRAMES, np.float32)},
        {"shift": np.full((FRAMES, 3), np.nan, np.float32)},
        {"scale": np.full(FRAMES, np.inf, np.float32)},
    ],
)
def test_numbers_of_other_shapes_are_refused(twin: Path, lie: dict[str, NDArray[Any]]) -> None:
    rewritten(twin, members(twin) | {DATA: npz(numbers() | lie)})
    assert refusal(lambda: read_twin(twin).arrays()) == "twin_unreadable"


def test_a_missing_array_is_refused(twin: Path) -> None:
    rewritten(twin, members(twin) | {DATA: npz({k: v for k, v in numbers().items() if k != "pose"})})
    assert refusal(lambda: read_twin(twin).arrays()) == "twin_unreadable"


def test_pickled_arrays_are_never_loaded(twin: Path) -> None:
    file = io.BytesIO()
    np.savez(file, **numbers(), evil=np.array([object()], dtype=object), allow_pickle=True)
    rewritten(twin, members(twin) | {DATA: file.getvalue()})
    assert refusal(lambda: read_twin(twin).arrays()) == "twin_unreadable"


def test_a_film_of_another_size_or_length_is_refused(twin: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.mp4"
    with FilmWriter(other, 128, 48) as writer:
        writer.add_picture(np.zeros((48, 128, 3), np.uint8))
    rewritten(twin, members(twin) | {BASE: other.read_bytes()})
    assert refusal(lambda: read_twin(twin).extract(BASE, tmp_path)) == "twin_unreadable"


def test_a_file_cut_short_or_with_one_byte_changed_is_refused(twin: Path, tmp_path: Path) -> None:
    whole = twin.read_bytes()
    twin.write_bytes(whole[: len(whole) // 2])
    assert refusal(lambda: read_twin(twin)) == "twin_unreadable"
    damaged = bytearray(whole)
    at = whole.index(b"moov")
    damaged[at] ^= 255
    twin.write_bytes(bytes(damaged))
    assert refusal(lambda: read_twin(twin).extract(BASE, tmp_path)) == "twin_unreadable"
    assert not (tmp_path / BASE).exists()


def array_member(header: str, data: bytes = b"") -> bytes:
    padded = header + " " * (118 - len(header) - 1) + "\n"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded.encode() + data)
    return file.getvalue()


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 4), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (8,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (0, -8), }",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }",
        "nonsense",
    ],
)
def test_an_array_whose_header_lies_takes_no_memory(header: str) -> None:
    with pytest.raises(UnreadableArrays):
        read_arrays(io.BytesIO(array_member(header, b"1234")))


def test_an_array_that_blows_up_is_refused_at_the_bound() -> None:
    file = io.BytesIO()
    write_arrays(file, {"zeros": np.zeros(10_000_000, np.uint8)}, small=True)
    assert len(file.getvalue()) < 20_000
    with pytest.raises(UnreadableArrays):
        read_arrays(file, most_bytes=1_000_000)


def test_deflated_arrays_come_back(tmp_path: Path) -> None:
    file = io.BytesIO()
    arrays = {"a": np.arange(1000, dtype=np.int32).reshape(10, 100), "flag": np.array([True, False])}
    write_arrays(file, arrays, small=True)
    back = read_arrays(file)
    assert all((back[k] == v).all() and back[k].dtype == v.dtype for k, v in arrays.items())
