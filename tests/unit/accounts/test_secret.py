"""The secret that signatures hang on."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from avatarium.errors import OptionError, OutputError
from avatarium.secret import derive, load_secret
from avatarium.settings import load_settings


def _load(home: Path) -> bytes:
    return load_secret(load_settings(home=home))


def test_it_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    home = tmp_path / "not" / "there" / "yet"
    secret = _load(home)
    assert len(secret) == 64 and _load(home) == secret
    assert (home / "secret").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in home.iterdir()] == ["secret"]
    assert _load(tmp_path / "another") != secret


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert len(set(pool.map(_load, [tmp_path] * 12, timeout=60))) == 1


def test_one_that_comes_first_is_not_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process makes it between our look and our writing."""
    (tmp_path / "secret").write_text("x" * 40)
    monkeypatch.setattr(Path, "exists", lambda _: False)
    assert _load(tmp_path) == b"x" * 40


def test_the_setting_goes_before_the_file(tmp_path: Path) -> None:
    assert load_secret(load_settings(home=tmp_path, secret="s" * 32)) == b"s" * 32
    assert not (tmp_path / "secret").exists()


def test_a_short_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="AVATARIUM_SECRET is too short"):
        load_secret(load_settings(home=tmp_path, secret="s" * 31))
    (tmp_path / "secret").write_text("\n")
    with pytest.raises(OptionError, match="too short"):
        _load(tmp_path)


def test_a_data_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OutputError, match="set AVATARIUM_SECRET"):
        _load(tmp_path / "file")


def test_each_purpose_has_its_own_key() -> None:
    secret = b"s" * 64
    assert derive(secret, "a") == derive(secret, "a")
    assert len({derive(secret, "a"), derive(secret, "b"), derive(b"t" * 64, "a"), secret[:32]}) == 4
    assert len(derive(secret, "a")) == 32
