from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avatarium.engine.speech.cloning import open_voice
from avatarium.engine.speech.cloning.package import (
    EQUALISER_BANDS,
    OFFSETS_SIZE,
    VoiceFacts,
    VoiceFile,
    read_voice,
    write_voice,
)
from avatarium.engine.speech.speakers import Engine, Gender
from avatarium.errors import InputError

FACTS = VoiceFacts(
    method="kokoro-table",
    gender=Gender.FEMALE,
    language="en-US",
    similarity=0.51,
    nearest_stock="af_heart",
    nearest_stock_similarity=0.2,
    seconds_used=31.5,
    word_error=0.0,
    lowest_hz=85.3,
)


@pytest.fixture
def voice() -> VoiceFile:
    rng = np.random.default_rng(1)
    table = rng.standard_normal((510, 256)).astype(np.float32)
    offsets = rng.standard_normal(OFFSETS_SIZE).astype(np.float32)
    equaliser = np.linspace(-6, 6, EQUALISER_BANDS, dtype=np.float32)
    return VoiceFile(facts=FACTS, table=table, offsets=offsets, equaliser=equaliser)


def _parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def _write(path: Path, parts: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return path


def _arrays(**arrays: Any) -> bytes:
    held = io.BytesIO()
    np.savez(held, **arrays)
    return held.getvalue()


def _refused(path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_voice(path)
    assert caught.value.code == "voice_unreadable"
    assert path.name in caught.value.message


def test_what_is_written_is_read(tmp_path: Path, voice: VoiceFile) -> None:
    write_voice(voice, tmp_path / "me.voice")
    read = read_voice(tmp_path / "me.voice")
    assert read.facts == FACTS
    np.testing.assert_array_equal(read.table, voice.table)
    np.testing.assert_array_equal(read.offsets, voice.offsets)
    np.testing.assert_array_equal(read.equaliser, voice.equaliser)
    assert list(tmp_path.iterdir()) == [tmp_path / "me.voice"]


def test_the_same_voice_gives_the_same_bytes(tmp_path: Path, voice: VoiceFile) -> None:
    write_voice(voice, tmp_path / "a.voice")
    write_voice(voice, tmp_path / "b.voice")
    assert (tmp_path / "a.voice").read_bytes() == (tmp_path / "b.voice").read_bytes()


def test_a_file_opens_as_a_voice_of_any_language(tmp_path: Path, voice: VoiceFile) -> None:
    write_voice(voice, tmp_path / "me.voice")
    opened = open_voice(tmp_path / "me.voice", language="fr")
    assert (opened.engine, opened.gender, opened.language) == (Engine.CLONED, Gender.FEMALE, "fr")
    assert opened.style == tmp_path / "me.voice"
    assert not opened.live


def test_unknown_words_are_no_error(tmp_path: Path, voice: VoiceFile) -> None:
    write_voice(replace(voice, facts=replace(FACTS, word_error=None)), tmp_path / "me.voice")
    assert read_voice(tmp_path / "me.voice").facts.word_error is None


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"RIFF" + bytes(400), bytes(3_000_000)])
def test_what_is_no_voice_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.voice"
    path.write_bytes(content)
    _refused(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    _refused(tmp_path / "gone.voice")
    (tmp_path / "folder.voice").mkdir()
    _refused(tmp_path / "folder.voice")


def test_a_file_cut_short_is_refused(tmp_path: Path, voice: VoiceFile) -> None:
    path = tmp_path / "me.voice"
    write_voice(voice, path)
    whole = path.read_bytes()
    for size in (100, len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:size])
        _refused(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"gender": "robot"},
        {"similarity": "high"},
        {"similarity": float("nan")},
        {"seconds_used": True},
        {"method": "x" * 1000},
        {"nearest_stock": 5},
        {"word_error": []},
        {"lowest_hz": 9_000.0},
        {"lowest_hz": -1.0},
    ],
)
def test_a_manifest_that_lies_is_refused(tmp_path: Path, voice: VoiceFile, changes: dict[str, Any]) -> None:
    path = tmp_path / "me.voice"
    write_voice(voice, path)
    parts = _parts(path)
    parts["manifest.json"] = json.dumps(json.loads(parts["manifest.json"]) | changes).encode()
    _refused(_write(path, parts))


@pytest.mark.parametrize("manifest", [b"{", b"[]", b"null", b"\xff\xfe", b"[" * 5000, b"{}"])
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, voice: VoiceFile, manifest: bytes) -> None:
    path = tmp_path / "me.voice"
    write_voice(voice, path)
    _refused(_write(path, _parts(path) | {"manifest.json": manifest}))


def test_arrays_of_other_shapes_kinds_and_values_are_refused(tmp_path: Path, voice: VoiceFile) -> None:
    path = tmp_path / "me.voice"
    write_voice(voice, path)
    parts, table = _parts(path), voice.table
    rest = {"offsets": voice.offsets, "equaliser": voice.equaliser}
    broken = table.copy()
    broken[3, 3] = np.nan
    for arrays in (
        _arrays(table=table[:100], **rest),
        _arrays(table=table.astype(np.float64), **rest),
        _arrays(table=np.asfortranarray(table), **rest),
        _arrays(table=broken, **rest),
        _arrays(table=table * 1000, **rest),
        _arrays(table=table),
        _arrays(table=table, offsets=voice.offsets[:5], equaliser=voice.equaliser),
        b"no zip",
    ):
        _refused(_write(path, parts | {"arrays.npz": arrays}))


def test_a_pickled_object_is_never_loaded(tmp_path: Path, voice: VoiceFile) -> None:
    path = tmp_path / "me.voice"
    write_voice(voice, path)
    held = io.BytesIO()
    np.save(held, np.array([{"a": 1}], object), allow_pickle=True)
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as file:
        file.writestr("table.npy", held.getvalue())
        file.writestr("offsets.npy", held.getvalue())
        file.writestr("equaliser.npy", held.getvalue())
    _refused(_write(path, _parts(path) | {"arrays.npz": inner.getvalue()}))


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path, voice: VoiceFile) -> None:
    path = tmp_path / "me.voice"
    write_voice(voice, path)
    parts = _parts(path)
    _refused(_write(path, parts, zipfile.ZIP_DEFLATED))
    _refused(_write(path, parts | {"arrays.npz": bytes(50_000_000)}, zipfile.ZIP_DEFLATED))


def test_a_member_that_claims_another_size_is_refused(tmp_path: Path, voice: VoiceFile) -> None:
    path = tmp_path / "me.voice"
    write_voice(voice, path)
    content = bytearray(path.read_bytes())
    entry = content.rfind(b"PK\x01\x02")
    content[entry + 20 : entry + 28] = (1 << 30).to_bytes(4, "little") * 2
    path.write_bytes(bytes(content))
    _refused(path)
